// A watch, as etcd's answers come on a stream that is played.
import { EventEmitter } from 'node:events'
import t from 'tap'
import type { AppError } from '../../src/base/errors.js'
import type { EtcdClient } from '../../src/etcd/etcd-client.js'
import { watchPrefix } from '../../src/etcd/watch.js'

class Stream extends EventEmitter {
  readonly written: object[] = []
  canceled = 0
  write (message: object): void { this.written.push(message) }
  cancel (): void { this.canceled++ }
  paused = 0
  pause (): void { this.paused++ }
  resume (): void { this.paused-- }
}

const event = (key: string, revision: number) => ({ type: 'PUT', kv: { key: Buffer.from(key), mod_revision: String(revision) } })
const answer = (more: object = {}): object => ({ header: { cluster_id: '7' }, compact_revision: '0', canceled: false, cancel_reason: '', created: false, fragment: false, events: [], ...more })

async function watching (cluster: string | undefined, work: () => void = () => {}, steady = () => 0) {
  const stream = new Stream()
  const told: string[] = []
  const ends: AppError[] = []
  let created = 0
  const stop = await watchPrefix({ cluster, stream: async () => stream } as unknown as EtcdClient, {
    key: Buffer.from('a'),
    rangeEnd: Buffer.from('b'),
    from: 5,
    steady,
    onEvents: (revision, events) => {
      told.push(`${revision}: ${events.map(({ kv }) => String(kv.key)).join()}`)
      work()
    },
    onEnd: error => { ends.push(error) },
    onCreated: () => { created++ }
  })
  return { stream, told, ends, stop, created: () => created, say: (more: object): void => { stream.emit('data', answer(more)) } }
}

t.test('the events of a revision are told together, also where they come in pieces', async t => {
  const { stream, told, ends, created, say } = await watching('7')
  t.same(stream.written, [{ create_request: { key: Buffer.from('a'), range_end: Buffer.from('b'), start_revision: 5, fragment: true } }])
  say({ created: true })
  t.same([created(), told], [1, []])
  say({ events: [event('a', 5), event('aa', 5), event('ab', 6)] })
  t.same(told.splice(0), ['5: a,aa', '6: ab'])
  say({ events: [event('a', 7)], fragment: true })
  t.same(told, [])
  say({ events: [event('aa', 7), event('a', 8)] })
  t.same(told.splice(0), ['7: a,aa', '8: a'])
  say({ events: [event('a', 9)] })
  t.same([told, ends, stream.canceled], [['9: a'], [], 0], 'what was told is told once')
})

t.test('whatever ends it is told once, and nothing after it', async t => {
  for (const [what, act, code, message] of [
    ['another cluster', ({ say }) => { say({ header: { cluster_id: '8' }, events: [event('a', 5)] }) }, 'etcd_foreign', 'another etcd cluster answers the watch'],
    ['a compaction', ({ say }) => { say({ compact_revision: '9', canceled: true }) }, 'etcd_compacted', 'etcd has forgotten revision 5: the first it knows is 9'],
    ['an end with a reason', ({ say }) => { say({ canceled: true, cancel_reason: 'no leader' }) }, 'etcd_away', 'etcd ended the watch: no leader'],
    ['an end without one', ({ say }) => { say({ canceled: true }) }, 'etcd_away', 'etcd ended the watch: it gave no reason'],
    ['an error', ({ stream }) => { stream.emit('error', new Error('reset')) }, 'etcd_away', 'the watch on etcd ended: reset'],
    ['the end of the stream', ({ stream }) => { stream.emit('end') }, 'etcd_away', 'the watch on etcd ended']
  ] satisfies ReadonlyArray<readonly [string, (watch: Awaited<ReturnType<typeof watching>>) => void, string, string]>) {
    const watch = await watching('7')
    act(watch)
    t.match(watch.ends, [{ code, message }], what)
    t.equal(watch.stream.canceled, 1, what)
    watch.say({ events: [event('a', 10)] })
    watch.stream.emit('error', new Error('canceled'))
    watch.stream.emit('end')
    t.same([watch.ends.length, watch.told, watch.stream.canceled], [1, [], 1], what)
  }
})

t.test('who stops it is told nothing more, and of a cluster that is not known yet any answers', async t => {
  const { stream, told, ends, stop, say } = await watching(undefined)
  say({ header: { cluster_id: '8' }, events: [event('a', 5)] })
  t.same(told.splice(0), ['5: a'])
  stop()
  t.equal(stream.canceled, 1)
  say({ events: [event('a', 6)] })
  stream.emit('error', new Error('canceled'))
  t.same([told, ends], [[], []])
})

t.test('a thousand revisions at once are handed over in many turns of the event loop, in order, with what comes meanwhile', async t => {
  // As if what is done with each took two milliseconds.
  let spent = 0
  const turn = async (): Promise<void> => { await new Promise(resolve => { setImmediate(resolve) }) }
  for (const endsEarly of [false, true]) {
    const { told, say, stream, ends } = await watching('7', () => { spent += 2 }, () => spent)
    say({ events: Array.from({ length: 1000 }, (_, n) => event('a', 5 + n)) })
    t.same([told.length, stream.paused], [3, 1], 'in this turn, and nothing more is read')
    say({ events: [event('b', 1005)] })
    t.equal(told.length, 3, 'what comes meanwhile waits behind them')
    if (endsEarly) {
      stream.emit('end')
      for (let turns = 0; turns < 10; turns++) await turn()
      t.same([told.length, ends.length], [3, 1], 'after the end nothing is told')
      continue
    }
    let turns = 0
    for (; told.length < 1001; turns++) await turn()
    t.ok(turns > 300, `${turns} turns`)
    t.equal(stream.paused, 0)
    t.same(told, [...Array.from({ length: 1000 }, (_, n) => `${5 + n}: a`), '1005: b'])
  }
})

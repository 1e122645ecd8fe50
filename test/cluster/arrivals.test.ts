// When what etcd has is known here too: by the revisions of an answer and of what has arrived.
import t from 'tap'
import { Arrivals } from '../../src/cluster/arrivals.js'
import { KeyHistory } from '../../src/cluster/key-history.js'
import { KnownRevisions } from '../../src/cluster/known-revisions.js'
import type { EntryChange, SharedEntry } from '../../src/cluster/entries.js'
import type { RangeRequest } from '../../src/etcd/proto.js'
import { FakeClock } from '../helpers/fake-clock.js'

const entry = (revision: number): SharedEntry => ({ value: Buffer.from('x'), revision }) as SharedEntry

/** etcd has `there` at revision `at`; here is `here`, whole as of `known`. */
function site (there: Readonly<Record<string, number>>, at: number) {
  const clock = new FakeClock()
  const here = new Map<string, SharedEntry>()
  const known = { revision: 0 }
  const asked: RangeRequest[] = []
  const arrivals = new Arrivals({
    clock,
    patience: 1000,
    prefix: '/f/',
    entries: { get: (key: string) => here.get(key), under: (folder: string) => new Map([...here].filter(([key]) => key.startsWith(`${folder}/`))) } as never,
    revision: () => known.revision,
    range: async request => {
      asked.push(request)
      const from = request.key.toString()
      const kvs = Object.entries(there).filter(([key]) => request.range_end === undefined ? `/f/${key}` === from : `/f/${key}`.startsWith(from))
        .map(([key, revision]) => ({ key: Buffer.from(`/f/${key}`), value: Buffer.from('v'), mod_revision: String(revision) }))
      return { kvs, header: { revision: String(at) } } as never
    }
  })
  /** Whether it is settled after what has arrived by then. */
  const settled = async (wait: Promise<unknown>): Promise<() => Promise<boolean>> => {
    let is = false
    void wait.then(() => { is = true }, () => {})
    return async () => {
      arrivals.look()
      for (let turn = 0; turn < 4; turn++) await new Promise(resolve => { setImmediate(resolve) })
      return is
    }
  }
  return { clock, here, known, asked, arrivals, settled }
}

t.test('a key: as etcd has it, or newer; one that is not there, or was deleted since', async t => {
  const rows: ReadonlyArray<readonly [what: string, there: number | undefined, here: number | undefined, known: number, is: boolean]> = [
    ['the same', 5, 5, 5, true],
    ['what was before', 5, 4, 9, false],
    ['newer than the answer', 5, 11, 11, true],
    ['between what etcd had and its answer', 5, 10, 10, false],
    ['nothing here yet', 5, undefined, 5, false],
    ['gone since', 5, undefined, 6, true],
    ['nowhere', undefined, undefined, 0, true],
    ['gone there, and here still', undefined, 5, 9, false],
    ['gone there, and made anew here', undefined, 11, 11, true]
  ]
  for (const [what, there, local, revision, expected] of rows) {
    const { here, known, arrivals, settled } = site(there === undefined ? {} : { a: there }, 10)
    if (local !== undefined) here.set('a', entry(local))
    known.revision = revision
    t.equal(await (await settled(arrivals.settle('a')))(), expected, what)
  }
})

t.test('what has not arrived is waited for, and not for ever', async t => {
  const { clock, here, arrivals, settled } = site({ a: 5 }, 10)
  const isSettled = await settled(arrivals.settle('a'))
  t.equal(await isSettled(), false)
  here.set('a', entry(5))
  t.equal(await isSettled(), true)
  t.equal(clock.pending, 0)
  const never = arrivals.settle('b').then(() => 'there', () => 'given up')
  t.equal(await never, 'there', 'what etcd has not is here as it is')
  const late = site({ a: 5 }, 10)
  const waiting = t.rejects(late.arrivals.settle('a'), { code: 'etcd_away' })
  await new Promise(resolve => { setImmediate(resolve) })
  late.clock.advance(1000)
  await waiting
})

t.test('a folder: all of its keys, and none that is gone', async t => {
  const { here, known, asked, arrivals, settled } = site({ 'g/a': 5, 'g/b': 6, 'h/c': 7 }, 10)
  const isSettled = await settled(arrivals.settleAll('g'))
  t.equal(await isSettled(), false)
  here.set('g/a', entry(5)).set('g/b', entry(5))
  t.equal(await isSettled(), false)
  here.set('g/b', entry(6)).set('g/old', entry(4))
  t.equal(await isSettled(), false, 'one that is gone there is here still')
  here.set('g/old', entry(10))
  t.equal(await isSettled(), false)
  here.set('g/old', entry(11))
  t.equal(await isSettled(), true, 'unless it came after the answer')
  t.match(asked, [{ key: Buffer.from('/f/g/'), range_end: Buffer.from('/f/g0'), keys_only: true }])
  const other = site({ 'g/a': 5 }, 10)
  const isOther = await other.settled(other.arrivals.settleAll('g'))
  other.known.revision = 5
  t.equal(await isOther(), false)
  other.known.revision = 6
  t.equal(await isOther(), true, 'gone since')
  known.revision = 3
  const reached = await settled(arrivals.revision(4))
  t.equal(await reached(), false)
  known.revision = 4
  t.equal(await reached(), true)
  t.match(await arrivals.read('g/a'), { revision: 5 })
  t.equal(await arrivals.read('none'), undefined)
})

t.test('news is what is later than what is known of a key', t => {
  const known = new KnownRevisions()
  const change = (before: number | undefined, after: number | undefined): EntryChange =>
    ({ key: 'a', before: before === undefined ? undefined : entry(before), after: after === undefined ? undefined : entry(after) }) as EntryChange
  t.equal(known.isNews(change(undefined, 1)), true)
  known.set('a', 5)
  const changes = [[4, 5], [5, 6], [4, 4], [5, undefined], [4, undefined], [undefined, undefined]]
  t.same(changes.map(([before, after]) => known.isNews(change(before, after))), [false, true, false, true, false, false])
  known.set('a', 0)
  t.equal(known.of('a'), undefined)
  known.set('a', 1)
  known.forget()
  t.equal(known.isNews(change(undefined, 1)), true)
  t.end()
})

t.test('the last thousand events at least; what was before may have been forgotten', t => {
  const history = new KeyHistory()
  const event = (modifiedIndex: number, key = '/t/a') => ({ action: 'set', node: { key, modifiedIndex, createdIndex: 1 } }) as never
  const at = { key: '/t', recursive: true }
  t.equal(history.since(0, at), 'cleared')
  t.equal(history.since(1, at), undefined)
  for (let n = 1; n < 2000; n++) history.add(event(n))
  t.match(history.since(1, at), { node: { modifiedIndex: 1 } })
  history.add(event(2000))
  t.equal(history.since(1000, at), 'cleared')
  t.match(history.since(1001, at), { node: { modifiedIndex: 1001 } })
  t.match(history.since(2000, at), { node: { modifiedIndex: 2000 } })
  t.equal(history.since(2001, at), undefined)
  history.add(event(2001, '/t'))
  history.add(event(2002, '/tt/a'))
  t.match(history.since(2001, { key: '/t', recursive: false }), { node: { modifiedIndex: 2001 } })
  t.equal(history.since(2002, at), undefined, 'another key that begins alike')
  t.equal(history.since(1500, { key: '/t/b', recursive: false }), undefined)
  t.end()
})

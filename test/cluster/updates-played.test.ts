// Updates in an etcd that a test plays: what is compared with what, what is written together, and what others are told to have done.
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { AppError } from '../../src/base/errors.js'
import type { EntryChange, SharedEntry } from '../../src/cluster/entries.js'
import { EtcdUpdates, type EtcdUpdatesOptions } from '../../src/cluster/etcd-updates.js'
import { formatKey } from '../../src/etcd/keys.js'
import type { RequestOp } from '../../src/etcd/proto.js'
import type { Instance } from '../../src/updates/instance.js'
import type { UpdateChange } from '../../src/updates/update-store.js'
import { logLines } from '../helpers/log-lines.js'

const keyOf = (what: 'instances' | 'groups' | 'holders' | 'grants', name: string): string => formatKey({ kind: 'update', what, name })
type Instanced = Extract<UpdateChange, { kind: 'instance' }>
const instance = (id: string, more: Partial<Instance> = {}): Instanced =>
  ({ kind: 'instance', key: id, instance: { id, group: 'workers', version: '1.0.0', status: 'checked', lastSeen: 1, ...more } as Instance })
const holders = (...ids: readonly string[]): UpdateChange => ({ kind: 'holders', group: 'workers', holders: ids.map(id => ({ group: 'workers', id, address: '10.0.0.1', since: 1 })) })
const group = (paused: boolean): UpdateChange => ({ kind: 'group', group: { name: 'workers', paused, approved: [] } as never })

interface Transaction { readonly compare: ReadonlyArray<{ readonly key: Buffer, readonly mod_revision?: number }>, readonly success: readonly RequestOp[] }

/** All keys as they are, with revisions; every transaction is seen by whoever watches before it is answered. */
class PlayedEtcd {
  readonly entries = new Map<string, SharedEntry>()
  readonly transactions: Transaction[] = []
  readonly standing = { inStep: true }
  readonly log = logLines()
  readonly waits: string[] = []
  revision = 10
  failing: Error | undefined
  tell: (changes: readonly EntryChange[]) => void = () => {}
  stand: (standing: { inStep: boolean }) => void = () => {}
  stopped = 0

  put (key: string, value: unknown): void {
    const before = this.entries.get(key)
    const after = value === undefined ? undefined : { value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), revision: ++this.revision } as unknown as SharedEntry
    if (after === undefined) this.entries.delete(key)
    else this.entries.set(key, after)
    this.tell([{ key, before, after } as EntryChange])
  }

  open (): EtcdUpdates {
    const stop = (): void => { this.stopped++ }
    const state = {
      standing: this.standing,
      get: (key: string) => this.entries.get(key),
      under: () => this.entries,
      onChange: (_: string, told: (changes: readonly EntryChange[]) => void) => { this.tell = told; return stop },
      onStanding: (told: (standing: { inStep: boolean }) => void) => { this.stand = told; return stop },
      transact: async (transaction: Transaction) => {
        if (this.failing !== undefined) throw this.failing
        this.transactions.push(transaction)
        const succeeded = transaction.compare.every(({ key, mod_revision: revision = 0 }) => (this.entries.get(key.toString())?.revision ?? 0) === revision)
        if (succeeded) {
          for (const op of transaction.success) {
            if ('request_put' in op) this.put(op.request_put.key.toString(), op.request_put.value.toString())
            else if ('request_delete_range' in op) this.put(op.request_delete_range.key.toString(), undefined)
          }
        }
        return { succeeded, header: { revision: String(this.revision) } }
      },
      etcdKey: (key: string) => Buffer.from(key),
      applied: async (revision: number) => { this.waits.push(`applied ${revision}`) },
      settle: async (key: string) => { this.waits.push(`settle ${key}`) }
    } as unknown as EtcdUpdatesOptions['state']
    return new EtcdUpdates({ state, log: createLog({ level: 'warn', pretty: false, destination: this.log.stream }) })
  }

  /** What was written, transaction by transaction. */
  get written (): ReadonlyArray<readonly string[]> {
    return this.transactions.map(({ success }) => success.map(op => 'request_put' in op ? op.request_put.key.toString() : `-${'request_delete_range' in op ? op.request_delete_range.key.toString() : ''}`))
  }
}

t.test('what is there when it is opened, and what is told after', async t => {
  const etcd = new PlayedEtcd()
  etcd.put(keyOf('instances', 'm1'), instance('m1'))
  etcd.put(keyOf('instances', 'gone'), { kind: 'instance', key: 'gone', instance: null })
  etcd.put(keyOf('groups', 'workers'), group(true))
  etcd.put(keyOf('holders', 'workers'), holders('m1'))
  etcd.put(keyOf('grants', 'workers'), keyOf('instances', 'm1'))
  etcd.put(keyOf('instances', 'bad'), 'no JSON')
  etcd.put(keyOf('instances', 'other'), instance('m9'))
  const store = etcd.open()
  const { instances, groups, holders: held } = await store.load()
  t.same([[...instances.keys()], [...groups.keys()], [...held.keys()]], [['m1'], ['workers'], ['workers']])
  t.match(etcd.log.entries(), [{ key: keyOf('instances', 'bad'), msg: 'update.unreadable' }, { key: keyOf('instances', 'other'), msg: 'update.unreadable' }])
  const told: UpdateChange[] = []
  store.onChange(change => { told.push(change) })
  etcd.put(keyOf('instances', 'm2'), instance('m2'))
  etcd.put(keyOf('grants', 'workers'), keyOf('instances', 'm2'))
  etcd.put(keyOf('instances', 'm2'), 'no JSON')
  etcd.put(keyOf('instances', 'm2'), undefined)
  etcd.put(keyOf('holders', 'workers'), undefined)
  etcd.put(keyOf('groups', 'workers'), undefined)
  etcd.put(keyOf('grants', 'workers'), undefined)
  etcd.put('machines/52:54:00:00:00:01', undefined)
  t.match(told, [{ kind: 'instance', key: 'm2', instance: { id: 'm2' } }, { kind: 'instance', key: 'm2', instance: null }, { kind: 'holders', group: 'workers', holders: [] }])
  t.equal(told.length, 3)
  await store.settle('workers')
  t.same(etcd.waits, [`settle ${keyOf('holders', 'workers')}`])
  await store.close()
  t.equal(etcd.stopped, 2)
  t.same(etcd.transactions, [])
})

t.test('who may reboot, and a group, are compared with what was known; a refusal is looked at before the next decision', async t => {
  const etcd = new PlayedEtcd()
  const store = etcd.open()
  await store.load()
  t.equal(await store.put(holders('m1')), true)
  const [first] = etcd.transactions
  t.match(first!.compare, [{ key: Buffer.from(keyOf('holders', 'workers')), target: 'MOD', result: 'EQUAL', mod_revision: 0 }])
  t.same(etcd.written, [[keyOf('holders', 'workers')]], 'nothing else is written with it')
  t.same(etcd.waits, ['applied 11'])
  t.equal(await store.put(holders('m1', 'm2')), true)
  t.match(etcd.transactions.at(-1)?.compare, [{ mod_revision: 11 }])
  const known = etcd.entries.get(keyOf('holders', 'workers'))!
  const get = etcd.entries.get.bind(etcd.entries)
  etcd.put(keyOf('holders', 'workers'), holders('m3'))
  // Another one wrote it, which is not seen here yet.
  let isStale = true
  etcd.entries.get = key => {
    const seen = isStale ? known : get(key)
    isStale = false
    return seen
  }
  t.equal(await store.put(holders('m4')), false)
  t.equal(etcd.waits.at(-1), `settle ${keyOf('holders', 'workers')}`)
  t.equal(await store.put(group(true)), true)
  t.same(etcd.written.at(-1), [keyOf('groups', 'workers')])
  etcd.failing = new AppError('etcd_away', 'it is away')
  await t.rejects(store.put(group(false)), { code: 'etcd_away' }, 'nobody decides alone')
})

t.test('a grant is compared with the last one of its group, the same once more is none', async t => {
  const etcd = new PlayedEtcd()
  const store = etcd.open()
  await store.load()
  const granted = instance('m1', { granted: { version: '2.0.0', at: 5 } as never })
  t.equal(await store.put(granted), true)
  t.same(etcd.written, [[keyOf('grants', 'workers'), keyOf('instances', 'm1')]])
  t.match(etcd.transactions[0]!.compare, [{ key: Buffer.from(keyOf('grants', 'workers')), mod_revision: 0 }])
  t.equal(etcd.entries.get(keyOf('grants', 'workers'))?.value.toString(), keyOf('instances', 'm1'), 'which machine has it')
  t.equal(await store.put({ ...granted, instance: { ...granted.instance!, status: 'downloading' as never } }), true)
  t.same([etcd.written.at(-1), etcd.transactions.at(-1)?.compare], [[keyOf('instances', 'm1')], []])
  t.equal(await store.put(instance('m1', { granted: { version: '3.0.0', at: 6 } as never })), true)
  t.same(etcd.written.at(-1), [keyOf('grants', 'workers'), keyOf('instances', 'm1')], 'another one is')
  t.equal(await store.put(instance('m1')), true)
  t.same(etcd.written.at(-1), [keyOf('instances', 'm1')])
})

t.test('what is seen of machines goes together, a hundred at most, and waits while etcd is away', async t => {
  const etcd = new PlayedEtcd()
  const store = etcd.open()
  await store.load()
  await Promise.all(Array.from({ length: 250 }, (_, n) => store.put(instance(`m${n}`))))
  t.same(etcd.written.map(keys => keys.length), [100, 100, 50])
  t.equal(new Set(etcd.written.flat()).size, 250)
  t.equal(etcd.waits.length, 3)
  etcd.transactions.length = 0

  etcd.standing.inStep = false
  t.equal(await store.put(instance('m1', { status: 'downloading' as never })), true, 'nobody waits for it')
  t.equal(await store.put(instance('m1', { status: 'installed' as never, lastSeen: 2 })), true)
  t.equal(await store.put({ kind: 'instance', key: 'm2', instance: null }), true)
  t.same(etcd.transactions, [])
  etcd.stand({ inStep: false })
  etcd.standing.inStep = true
  etcd.stand({ inStep: true })
  await store.close()
  t.same(etcd.written, [[keyOf('instances', 'm1'), `-${keyOf('instances', 'm2')}`]], 'the last word of each')
  t.match(JSON.parse(etcd.entries.get(keyOf('instances', 'm1'))!.value.toString()), { instance: { status: 'installed' } })
})

t.test('what etcd does not take is told and given up; what can not be written now is kept', async t => {
  const etcd = new PlayedEtcd()
  const store = etcd.open()
  await store.load()
  etcd.failing = new Error('too large')
  t.equal(await store.put(instance('m1')), true)
  t.match(etcd.log.entries(), [{ level: 'error', error: 'Error: too large', machines: 1, msg: 'update.unsaved' }])
  etcd.failing = undefined
  await store.close()
  t.same(etcd.transactions, [], 'it is not tried again')

  const away = new PlayedEtcd()
  const waiting = away.open()
  await waiting.load()
  away.failing = new AppError('etcd_away', 'it is away')
  away.standing.inStep = false
  await waiting.put(instance('m1'))
  away.standing.inStep = true
  const closing = waiting.close()
  await closing
  t.same(away.log.entries(), [])
  away.failing = undefined
  away.stand({ inStep: true })
  await waiting.close()
  t.same(away.written, [[keyOf('instances', 'm1')]])
})

t.test('of what was not written yet the grant that was compared is no part any more', async t => {
  const etcd = new PlayedEtcd()
  const store = etcd.open()
  await store.load()
  etcd.standing.inStep = false
  await store.put(instance('m1', { lastSeen: 1 }))
  etcd.standing.inStep = true
  t.equal(await store.put(instance('m1', { lastSeen: 0, granted: { version: '2.0.0', at: 5 } as never })), true)
  await store.close()
  t.same(etcd.written, [[keyOf('grants', 'workers'), keyOf('instances', 'm1')]], 'the word before does not overwrite it')
})

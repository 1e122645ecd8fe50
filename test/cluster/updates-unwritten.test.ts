// What could not be written to etcd yet, against what another provisioner writes of the same machine: a state that only tells of changes.
import { pino } from 'pino'
import t from 'tap'
import type { EntryChange } from '../../src/cluster/entries.js'
import { EtcdUpdates, type EtcdUpdatesOptions } from '../../src/cluster/etcd-updates.js'
import { formatKey } from '../../src/etcd/keys.js'
import type { RequestOp } from '../../src/etcd/proto.js'
import type { Instance } from '../../src/updates/instance.js'
import type { UpdateChange } from '../../src/updates/update-store.js'

const key = formatKey({ kind: 'update', what: 'instances', name: 'm1' })

class PlayedState {
  readonly standing = { inStep: false }
  readonly written: UpdateChange[] = []
  tell = (_: readonly EntryChange[]): void => {}
  stand = (_: { inStep: boolean }): void => {}

  get state (): EtcdUpdatesOptions['state'] {
    return {
      standing: this.standing,
      get: () => undefined,
      under: () => new Map(),
      onChange: (_: string, told: (changes: readonly EntryChange[]) => void) => {
        this.tell = told
        return () => {}
      },
      onStanding: (told: (standing: { inStep: boolean }) => void) => {
        this.stand = told
        return () => {}
      },
      transact: async ({ success }: { success: readonly RequestOp[] }) => {
        for (const op of success) if ('request_put' in op) this.written.push(JSON.parse(String(op.request_put.value)) as UpdateChange)
        return { succeeded: true, header: { revision: '1' } }
      },
      etcdKey: (name: string) => Buffer.from(name),
      applied: async () => {},
      settle: async () => {}
    } as unknown as EtcdUpdatesOptions['state']
  }
}

const instance = (status: string, lastSeen: number): UpdateChange =>
  ({ kind: 'instance', key: 'm1', instance: { id: 'm1', group: 'workers', version: '1.0.0', status, lastSeen } as unknown as Instance })

for (const [what, theirs, kept] of [['earlier', 999, true], ['in the same millisecond', 1000, true], ['later', 1001, false]] as const) {
  t.test(`another one saw the machine ${what}`, async t => {
    const played = new PlayedState()
    const store = new EtcdUpdates({ state: played.state, log: pino({ level: 'silent' }) })
    await store.load()
    t.ok(await store.put(instance('complete', 1000)))
    played.tell([{ key, before: undefined, after: { value: Buffer.from(JSON.stringify(instance('granted', theirs))), revision: 1 } } as unknown as EntryChange])
    played.standing.inStep = true
    await store.close()
    t.same(played.written.map(change => change.kind === 'instance' && change.instance?.status), kept ? ['complete'] : [])
  })
}

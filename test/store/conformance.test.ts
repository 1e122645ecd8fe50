// The stores of one provisioner, in files, by the suites that every store passes.
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { LeaseFile } from '../../src/dhcp/lease-file.js'
import { MachineJournal } from '../../src/machines/journal.js'
import { openFileStore } from '../../src/store/file-store.js'
import { leaseStoreConformance, machineStoreConformance, storeConformance } from '../helpers/conformance.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { MemoryStore } from '../helpers/memory-store.js'

const log = pino({ level: 'silent' })

t.test('a folder of files', t => storeConformance(t, async t => {
  const store = await openFileStore({ dataPath: t.testdir({ groups: {} }), tombstoneMs: 0, clock: new FakeClock(), log, watch: false })
  t.teardown(() => store.close())
  return store
}))

t.test('the store of the tests', t => storeConformance(t, async () => new MemoryStore()))

t.test('a file of leases', t => {
  const path = join(t.testdir(), 'leases.jsonl')
  return leaseStoreConformance(t, (_, current) => new LeaseFile({ path, log, current }))
})

t.test('a file of machines', t => {
  const path = join(t.testdir(), 'machines.jsonl')
  return machineStoreConformance(t, (_, current) => new MachineJournal({ path, clock: new FakeClock(), log, current }))
})

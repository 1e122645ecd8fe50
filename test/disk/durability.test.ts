// Data acknowledged is data on disk: the order of write, sync, rename, sync of the folder and answer, wherever it is promised.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { startDhcpServer } from '../../src/dhcp/dhcp-server.js'
import { LeaseFile } from '../../src/dhcp/lease-file.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { buildReservations } from '../../src/dhcp/reservation-table.js'
import { removeFile, writeFileAtomic } from '../../src/disk/atomic-file.js'
import { JsonLines } from '../../src/disk/json-lines.js'
import type { OpenStore } from '../../src/matchbox/store.js'
import { openFileStore } from '../../src/store/file-store.js'
import { DhcpWire } from '../helpers/dhcp-wire.js'
import { ip, mac, request, subnet } from '../helpers/dhcp.js'
import { DiskRecord } from '../helpers/disk-record.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { makeGroup } from '../helpers/memory-store.js'

const log = pino({ level: 'silent' })
/** How a file is replaced, in a folder of that name. */
const replaced = (name: string, folder: string): string[] => ['write TMP', 'sync TMP', `rename TMP ${name}`, `sync ${folder}`]

async function opened (t: Test, dataPath: string): Promise<OpenStore> {
  const store = await openFileStore({ dataPath, tombstoneMs: 0, clock: new FakeClock(), log, watch: false })
  t.teardown(() => store.close())
  return store
}

t.test('a file that is replaced, and one that is deleted', async t => {
  const folder = join(t.testdir({ d: {} }), 'd')
  const disk = new DiskRecord(t)
  await writeFileAtomic(join(folder, 'f'), 'x')
  disk.mark('done')
  t.same(disk.take(), [...replaced('f', 'd'), 'done'])
  await removeFile(join(folder, 'f'))
  disk.mark('done')
  t.same(disk.take(), ['unlink f', 'sync d', 'done'])
  await writeFileAtomic(join(folder, 'made/f'), 'x')
  t.same(disk.take(), ['sync d', ...replaced('f', 'made')], 'a folder that is made is in its own folder first')

  disk.fail('rename', 'EIO')
  await t.rejects(writeFileAtomic(join(folder, 'g'), 'x'), { code: 'write_failed' })
  t.same(disk.take(), ['write TMP', 'sync TMP', 'unlink TMP'], 'nothing is left beside it')
})

t.test('a store answers when it is on disk, and does not forget what it could not delete', async t => {
  const folder = t.testdir({ groups: {}, profiles: {} })
  const disk = new DiskRecord(t)
  const store = await opened(t, folder)
  store.onChange(([change]) => { disk.mark(`told of ${change?.what}`) })
  disk.take()
  await store.putGroup(makeGroup({ id: 'a', profile: 'p' }))
  disk.mark('answered')
  t.same(disk.take(), [...replaced('a.json', 'groups'), 'told of put', 'answered'])

  disk.fail('unlink', 'EACCES')
  await t.rejects(store.deleteGroup('a'), { code: 'write_failed' })
  t.ok(store.snapshot.groups.has('a'), 'it is there, in memory as on disk')
  disk.fail('unlink', undefined)
  t.same(disk.take(), [])
  await store.deleteGroup('a')
  disk.mark('answered')
  t.same(disk.take(), ['unlink a.json', 'sync groups', 'told of deleted', 'answered'])
  t.notOk(existsSync(join(folder, 'groups/a.json')))

  disk.fail('rename', 'EIO')
  await t.rejects(store.putGroup(makeGroup({ id: 'b', profile: 'p' })), { code: 'write_failed' })
  t.notOk(store.snapshot.groups.has('b'), 'nor is it served what could not be kept')
})

t.test('a line is on disk when it is acknowledged, and the last one when the file is closed', async t => {
  const folder = t.testdir({ state: {} })
  const disk = new DiskRecord(t)
  const lines = new JsonLines<number>({ path: join(folder, 'state/x.jsonl'), kind: 'x', version: 1, log, format: String, parse: Number, current: () => [] })
  await lines.load()
  t.same(disk.take(), ['sync state'], 'the file itself is')
  await lines.append(1)
  disk.mark('acknowledged')
  t.same(disk.take(), ['write x.jsonl', 'sync x.jsonl', 'acknowledged'])
  void lines.append(2)
  await lines.close()
  disk.mark('closed')
  t.same(disk.take(), ['write x.jsonl', 'sync x.jsonl', 'closed'])
  t.equal(disk.open, 0)
})

t.test('an ACK leaves when its lease is on disk', async t => {
  const disk = new DiskRecord(t)
  const [wire, table, subnets] = [new DhcpWire(), new LeaseTable(), [subnet('192.168.100.0/24', '192.168.100.100-192.168.100.109')]]
  const store = new LeaseFile({ path: join(t.testdir(), 'leases.jsonl'), log, current: () => table.values() })
  await store.load(0)
  const server = await startDhcpServer({
    network: wire,
    bind: { address: '0.0.0.0', port: 67 },
    server: ip('192.168.100.2'),
    settings: {
      subnets, reservations: buildReservations([], subnets, ip('192.168.100.2')), unknownClients: 'allow', boot: { loaders: {}, scriptUrl: 'http://192.168.100.2/boot.ipxe' }
    },
    table,
    store,
    clock: new FakeClock(),
    log,
    onEvent: () => {}
  })
  t.teardown(async () => {
    await server.close()
    await store.close()
  })
  const from = { mac: mac('02:00:00:00:00:01'), xid: 1 }
  const { yiaddr } = await wire.ask(request({ dhcpMessageType: 'DISCOVER' }, from))
  disk.take()
  await wire.ask(request({ dhcpMessageType: 'REQUEST', requestedIpAddress: yiaddr, serverIdentifier: ip('192.168.100.2') }, from))
  disk.mark('ACK')
  t.same(disk.take(), ['write leases.jsonl', 'sync leases.jsonl', 'ACK'])
})

t.test('a thousand calls leave no descriptor open', async t => {
  const folder = t.testdir({ groups: {}, profiles: {} })
  const disk = new DiskRecord(t)
  const store = await opened(t, folder)
  const before = disk.open
  for (let n = 0; n < 500; n++) {
    await store.putGroup(makeGroup({ id: 'a', profile: `p${n}` }))
    if (n % 2 === 1) await store.deleteGroup('a')
  }
  disk.fail('rename', 'EIO')
  for (let n = 0; n < 500; n++) await store.putGroup(makeGroup({ id: 'b', profile: `p${n}` })).catch(() => {})
  t.equal(disk.open, before)
  t.ok(disk.events.length > 3000)
})

// Reading the ARP table; loopback answers for itself. With other hosts: test/interop/conflict-probe.test.ts.
import { join } from 'node:path'
import t from 'tap'
import { createConflictProbe, readArpTable } from '../../src/net/conflict-probe.js'
import { ip, mac, testMac } from '../helpers/dhcp.js'

t.test('entries of the ARP table', async t => {
  const file = join(t.testdir({
    arp: `IP address       HW type     Flags       HW address            Mask     Device
172.30.0.9       0x1         0x2         02:00:00:00:00:09     *        br0
172.30.0.10      0x1         0x0         00:00:00:00:00:00     *        br0
172.30.0.11      0x1         0x6         02:00:00:00:00:0B     *        br0
`
  }), 'arp')
  const table = await readArpTable(file)
  t.equal(table.get('172.30.0.9'), mac('02:00:00:00:00:09'))
  t.equal(table.get('172.30.0.10'), undefined, 'asked for, not answered')
  t.equal(table.get('172.30.0.11'), mac('02:00:00:00:00:0b'), 'set by hand')
  t.equal(table.get('172.30.0.1'), undefined)
  t.equal((await readArpTable(join(file, 'nosuch'))).size, 0)
})

t.test('a host that says nobody listens there', async t => {
  const probe = createConflictProbe()
  t.same(await probe.ask(ip('127.0.0.77'), testMac), { inUse: true, by: undefined })
  probe.close()
  t.same(await probe.ask(ip('127.0.0.77'), testMac), { inUse: false }, 'closed, it asks nobody')
})

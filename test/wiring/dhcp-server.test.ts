// A DHCP server's own surroundings: the sockets that it is handed or opens, and whether another server beside it is meant.
import { closeSync, fstatSync, openSync } from 'node:fs'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { parseSubnet } from '../../src/net/ipv4.js'
import { mayOthersAnswer } from '../../src/wiring/dhcp-server.js'
import { DeviceSocket } from '../../src/wiring/dhcp-sockets.js'
import type { ListenPlace } from '../../src/wiring/place.js'
import { ip, testMac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { freePort } from '../helpers/free-port.js'

const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

t.test('a socket that is handed down serves once; one that nobody used is closed', async t => {
  const asked: string[] = []
  const place: ListenPlace = { key: 'dhcp.port', port: await freePort(), device: 'lo' }
  const taking = (fd: number | undefined) => ({ sockets: { take: (name: string, { port }: ListenPlace) => { asked.push(`${name} ${port === place.port}`); return fd === undefined ? undefined : { fd } } } }) as never
  const fd = openSync('/dev/null', 'r')
  const handed = new DeviceSocket(taking(fd), 'dhcp', place)
  t.same(asked, ['dhcp true'])
  t.same(handed.open(), { address: '0.0.0.0', port: place.port, fd, broadcast: true, receiveBuffer: 16 * 2 ** 20 })
  handed.drop()
  t.equal(isOpen(fd), true, 'it is in use')
  closeSync(fd)
  const unused = openSync('/dev/null', 'r')
  const dropped = new DeviceSocket(taking(unused), 'dhcp', place)
  dropped.drop()
  dropped.drop()
  t.equal(isOpen(unused), false)
  t.throws(() => new DeviceSocket(taking(undefined), 'dhcp', { ...place, device: 'no-such-one' }).open(), { code: process.getuid?.() === 0 ? 'interface_missing' : 'permission_denied' })
  if (process.getuid?.() !== 0) return
  for (const socket of [dropped, new DeviceSocket(taking(undefined), 'dhcp', place)]) {
    const { fd: own = -1 } = socket.open()
    t.equal(isOpen(own), true, 'without one it opens its own')
    closeSync(own)
  }
})

t.test('another DHCP server is meant where it is allowed, in a cluster, or where machines have their addresses from here', t => {
  const clock = new FakeClock()
  const config = (allowed: boolean) => loadConfig({ file: undefined, env: {}, set: [`dhcp.allow_other_servers=${allowed}`] }).config
  const table = new LeaseTable()
  const parts = { config: config(false), cluster: undefined, leases: { table, store: undefined as never }, clock }
  const addresses = [{ ip: ip('10.0.0.1'), subnet: parseSubnet('10.0.0.0/24')! }]
  t.equal(mayOthersAnswer(parts, addresses), false)
  t.equal(mayOthersAnswer({ ...parts, config: config(true) }, addresses), true)
  t.equal(mayOthersAnswer({ ...parts, cluster: {} as never }, addresses), true)
  table.set({ ip: ip('10.0.1.9'), mac: testMac, state: 'bound', since: clock.now(), expires: clock.now() + 1000 })
  t.equal(mayOthersAnswer(parts, addresses), false, 'a lease elsewhere tells nothing of this network')
  table.set({ ip: ip('10.0.0.9'), mac: testMac, state: 'bound', since: clock.now(), expires: clock.now() + 1000 })
  t.equal(mayOthersAnswer(parts, addresses), true)
  clock.advance(1000)
  t.equal(mayOthersAnswer(parts, addresses), false, 'nor one that is over')
  t.end()
})

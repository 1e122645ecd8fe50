import t from 'tap'
import { leaseHolder, LeaseTable } from '../../src/dhcp/leases.js'
import { AddressClaims } from '../../src/machines/address-claims.js'
import { ip, mac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'

const [machine, other] = [mac('52:54:00:00:00:01'), mac('52:54:00:00:00:02')]
const arp = (rows: ReadonlyArray<readonly [address: string, hardware: string, flags?: string]>): string =>
  ['IP address       HW type     Flags       HW address            Mask     Device', ...rows.map(([address, hardware, flags = '0x2']) => `${address}     0x1         ${flags}         ${hardware}     *        br0`)].join('\n')

t.test('an address is the machine\'s that holds its lease, or for which it is reserved and the kernel has its hardware address', t => {
  const clock = new FakeClock()
  const leases = new LeaseTable()
  leases.set({ ip: ip('10.0.0.5'), mac: machine, state: 'bound', since: clock.now(), expires: clock.now() + 60_000 })
  let rows: Parameters<typeof arp>[0] = []
  let readings = 0
  const claims = new AddressClaims({ modeAt: () => 'server', holderOf: ip => leaseHolder(leases, ip, clock.now()), clock, arp: () => { readings++; return arp(rows) } })
  t.equal(claims.isAddressOf(machine, '10.0.0.5'), true)
  t.equal(claims.isAddressOf(other, '10.0.0.5'), false)
  clock.advance(61_000)
  t.equal(claims.isAddressOf(machine, '10.0.0.5'), false, 'the lease is over')

  claims.reserve({ byIp: new Map([[ip('10.0.0.9'), { macs: [machine], hostName: undefined }]]), byMac: new Map([[machine, []]]) })
  t.same([claims.isReserved(machine), claims.isReserved(other)], [true, false])
  t.equal(claims.isAddressOf(machine, '10.0.0.9'), false, 'anybody may have taken a reserved address')
  rows = [['10.0.0.9', other], ['10.0.0.10', machine]]
  clock.advance(1001)
  t.equal(claims.isAddressOf(machine, '10.0.0.9'), false)
  t.equal(claims.isAddressOf(other, '10.0.0.9'), false, 'nor is it whoever has')
  t.equal(claims.isAddressOf(machine, '10.0.0.10'), false, 'a server knows the addresses that it gave')
  rows = [['10.0.0.9', machine]]
  clock.advance(21)
  t.equal(claims.isAddressOf(machine, '10.0.0.9'), true)
  for (const text of ['', 'x', '::1', '10.0.0.9x', '127.0.0.1']) t.equal(claims.isAddressOf(machine, text), false, text)
  const before = readings
  for (let i = 0; i < 1000; i++) claims.isAddressOf(other, '10.0.0.9')
  t.ok(readings - before <= 1, 'however often somebody asks, the table is read at most every 20 ms')
  t.end()
})

t.test('where another server gives the addresses, the kernel\'s table decides', t => {
  const claims = new AddressClaims({ modeAt: () => 'proxy', holderOf: () => undefined, clock: new FakeClock(), arp: () => arp([['10.0.0.9', machine], ['10.0.0.10', other, '0x0']]) })
  t.equal(claims.isAddressOf(machine, '10.0.0.9'), true)
  t.equal(claims.isAddressOf(other, '10.0.0.9'), false)
  t.equal(claims.isAddressOf(other, '10.0.0.10'), false, 'an entry that is not complete')
  t.end()
})

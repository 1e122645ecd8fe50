import t from 'tap'
import { leaseHolder, LeaseTable } from '../../src/dhcp/leases.js'
import { AppError } from '../../src/base/errors.js'
import { AddressClaims, lookedForAgain, mostLookedFor } from '../../src/machines/address-claims.js'
import { contains, formatIpv4, parseSubnet } from '../../src/net/ipv4.js'
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
  for (const [what, has, milliseconds, read] of [['what is wanted is believed for a second', machine, 900, 0], ['the table is read at most every 20 ms', other, 63, 3]] as const) {
    rows = [['10.0.0.9', has]]
    clock.advance(1001)
    claims.isAddressOf(machine, '10.0.0.9')
    const before = readings
    for (let passed = 0; passed < milliseconds; passed++) {
      clock.advance(1)
      for (let i = 0; i < 10; i++) if (claims.isAddressOf(machine, '10.0.0.9') !== (has === machine)) t.fail(what)
    }
    t.equal(readings - before, read, `however often somebody asks, ${what}`)
  }
  t.end()
})

t.test('of several provisioners: whom another gave the address is looked for before its machine is taken for a stranger', async t => {
  const clock = new FakeClock()
  const leases = new LeaseTable()
  const lease = (address: string, to = machine): void => { leases.set({ ip: ip(address), mac: to, state: 'bound', since: clock.now(), expires: clock.now() + 60_000 }) }
  const asked: string[] = []
  let [answer, ended]: [() => Promise<void>, boolean] = [async () => { lease('10.0.0.5') }, false]
  const claims = new AddressClaims({
    modeAt: () => 'server',
    holderOf: ip => leaseHolder(leases, ip, clock.now()),
    clock,
    arp: () => '',
    isGiven: ip => contains(parseSubnet('10.0.0.0/16')!, ip),
    settle: async ip => {
      asked.push(formatIpv4(ip))
      await answer()
    }
  })
  t.equal(claims.isAddressOf(machine, '10.0.0.5'), false)
  await Promise.all([claims.hear(machine, '10.0.0.5'), claims.hear(machine, '10.0.0.5')])
  t.equal(claims.isAddressOf(machine, '10.0.0.5'), true)
  for (const [mac, address] of [[machine, '10.0.0.5'], [undefined, '10.0.0.5'], [machine, '192.168.0.5'], [machine, '::1'], [machine, 'x']] as const) t.equal(claims.hear(mac, address), undefined, `${mac} ${address}: nothing to find out`)
  await claims.hear(other, '10.0.0.5')
  t.same(asked, ['10.0.0.5'], 'once a second, whoever asks')
  clock.advance(lookedForAgain)
  answer = async () => { throw new AppError('etcd_away', 'away') }
  await claims.hear(other, '10.0.0.5')
  await claims.hear(undefined, '10.0.0.6')
  t.same(asked.splice(0), ['10.0.0.5', '10.0.0.5', '10.0.0.6'], 'a store that is away is no error')

  const held: Array<() => void> = []
  answer = async () => { await new Promise<void>(resolve => { held.push(resolve) }) }
  const addresses = Array.from({ length: mostLookedFor + 1 }, (_, n) => `10.0.${1 + (n >> 8)}.${n & 255}`)
  const waiting = addresses.map(address => claims.hear(other, address))
  t.same([held.length, waiting.at(-1)], [mostLookedFor, undefined], 'no more at once')
  void waiting[0]!.then(() => { ended = true })
  held.shift()!()
  await waiting[0]
  t.equal(ended, true)
  t.type(claims.hear(other, addresses.at(-1)!), Promise, 'one that was answered makes room')
  for (const resolve of held) resolve()
  await Promise.all(waiting)
  t.equal(asked.length, mostLookedFor + 1)
})

t.test('one provisioner has nobody to ask', t => {
  const claims = new AddressClaims({ modeAt: () => 'server', holderOf: () => undefined, clock: new FakeClock(), arp: () => '', isGiven: () => true })
  t.equal(claims.hear(machine, '10.0.0.5'), undefined)
  t.end()
})

t.test('where another server gives the addresses, the kernel\'s table decides', t => {
  const claims = new AddressClaims({ modeAt: () => 'proxy', holderOf: () => undefined, clock: new FakeClock(), arp: () => arp([['10.0.0.9', machine], ['10.0.0.10', other, '0x0']]) })
  t.equal(claims.isAddressOf(machine, '10.0.0.9'), true)
  t.equal(claims.isAddressOf(other, '10.0.0.9'), false)
  t.equal(claims.isAddressOf(other, '10.0.0.10'), false, 'an entry that is not complete')
  t.end()
})

t.test('on a link of this machine the kernel is asked for the one address, and the table is not read', t => {
  const entries = new Map([[ip('10.0.0.9'), { mac: machine }], [ip('10.0.0.10'), { mac: undefined }]])
  let readings = 0
  const claims = new AddressClaims({
    modeAt: () => 'proxy',
    holderOf: () => undefined,
    clock: new FakeClock(),
    lookUp: ip => entries.get(ip),
    arp: () => { readings++; return arp([['10.0.0.10', machine], ['172.16.0.1', machine]]) }
  })
  t.same([claims.isAddressOf(machine, '10.0.0.9'), claims.isAddressOf(other, '10.0.0.9'), claims.isAddressOf(machine, '10.0.0.10')], [true, false, false])
  t.equal(readings, 0)
  t.equal(claims.isAddressOf(machine, '172.16.0.1'), true, 'on a link by a route alone')
  t.equal(readings, 1)
  t.end()
})

t.test('the table is read anew after more than a second, and after more than 20 ms where it says another', t => {
  for (const [milliseconds, has, isRead] of [[1000, machine, false], [1001, machine, true], [20, other, false], [21, other, true]] as const) {
    const clock = new FakeClock()
    let readings = 0
    const claims = new AddressClaims({ modeAt: () => 'proxy', holderOf: () => undefined, clock, arp: () => { readings++; return arp([['10.0.0.9', has]]) } })
    t.equal(claims.isAddressOf(machine, '10.0.0.9'), has === machine)
    clock.advance(milliseconds)
    claims.isAddressOf(machine, '10.0.0.9')
    t.equal(readings, isRead ? 2 : 1, `${milliseconds} ms`)
  }
  t.end()
})

t.test('the name that comes with a reserved address is its machine\'s', t => {
  const claims = new AddressClaims({ modeAt: () => 'server', holderOf: () => undefined, clock: new FakeClock() })
  claims.reserve({ byIp: new Map([[ip('10.0.0.9'), { macs: [machine], hostName: 'node-9' }]]), byMac: new Map() })
  t.same([claims.reservedName(machine, ip('10.0.0.9')), claims.reservedName(other, ip('10.0.0.9')), claims.reservedName(machine, ip('10.0.0.8'))], ['node-9', undefined, undefined])
  t.end()
})

t.test('of 4,096 addresses that were looked for a moment ago the next is not', async t => {
  const clock = new FakeClock()
  let asked = 0
  const claims = new AddressClaims({ modeAt: () => 'server', holderOf: () => undefined, clock, arp: () => '', isGiven: () => true, settle: async () => { asked++ } })
  for (let n = 0; n < 4096; n++) await claims.hear(machine, formatIpv4(ip('10.0.0.0') + n))
  t.equal(claims.hear(machine, '10.1.0.0'), undefined)
  clock.advance(lookedForAgain - 1)
  t.equal(claims.hear(machine, '10.1.0.0'), undefined)
  clock.advance(1)
  await claims.hear(machine, '10.1.0.0')
  t.equal(asked, 4097)
})

// Relay agents and DHCP servers that are heard of, for the page: by the subnets that are configured.
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { parseIpv4, type Ipv4 } from '../../src/net/ipv4.js'
import { watchNeighbours } from '../../src/wiring/neighbours.js'
import { FakeClock } from '../helpers/fake-clock.js'

const ip = (text: string): Ipv4 => parseIpv4(text)!
const watch = (clock: FakeClock, ...set: readonly string[]): ReturnType<typeof watchNeighbours> =>
  watchNeighbours({ config: loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: ['dhcp.interface=lo', 'dhcp.subnets=[{ subnet: 10.0.0.0/24 }, { subnet: 10.0.1.0/24 }]', ...set] }).config, clock })

t.test('without a page nobody is written down', t => {
  t.equal(watch(new FakeClock()), undefined)
  t.end()
})

t.test('a relay agent of a configured subnet, of none, and a server, each with when it was seen', t => {
  const clock = new FakeClock()
  const began = clock.now()
  const neighbours = watch(clock, 'ui.address=127.0.0.1:8443')!
  for (const relay of ['10.0.0.1', '10.0.1.255', '10.0.2.0']) neighbours.onRelay(ip(relay))
  clock.advance(1000)
  neighbours.onRelay(ip('10.0.0.1'))
  neighbours.onServer(ip('10.0.0.1'))
  const seen = (kind: 'relay' | 'unexpected_relay' | 'server'): unknown => neighbours.seen.of(kind).seen.map(({ address, firstSeen, lastSeen, times }) => [address, firstSeen - began, lastSeen - began, times])
  t.same(seen('relay'), [[ip('10.0.0.1'), 0, 1000, 2], [ip('10.0.1.255'), 0, 0, 1]])
  t.same(seen('unexpected_relay'), [[ip('10.0.2.0'), 0, 0, 1]])
  t.same(seen('server'), [[ip('10.0.0.1'), 1000, 1000, 1]])
  t.end()
})

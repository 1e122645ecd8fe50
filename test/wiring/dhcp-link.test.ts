// What is told of an interface that DHCP is answered on: whom its home remembers, what the observer hears and when, what is counted.
import t from 'tap'
import { Metrics } from '../../src/base/metrics.js'
import { loadConfig } from '../../src/config/load.js'
import { clientInfo } from '../../src/dhcp/client-info.js'
import type { DhcpEvent } from '../../src/dhcp/dhcp-event.js'
import { hindranceOf } from '../../src/dhcp/link-watch.js'
import { ToldLater } from '../../src/machines/told-later.js'
import { parseSubnet, unspecified } from '../../src/net/ipv4.js'
import { countLinks, isBehind, kernelOn, refusedNow, packetsOn, tellHome } from '../../src/wiring/dhcp-link.js'
import { homesOf } from '../../src/wiring/homes.js'
import { ip, mac, request, testMac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'

const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: ['dhcp.interfaces=[{ name: a, mode: server }, { name: b, mode: server }]', 'dhcp.subnets=[{ subnet: 10.0.0.0/24 }]'] })
const subnet = parseSubnet('10.0.0.0/24')!
const other = mac('52:54:00:00:00:99')

function site () {
  const [homes, clock] = [homesOf(config), new FakeClock()]
  homes.on('a').settle([{ ip: ip('10.0.0.1'), subnet }], mac('52:54:00:00:00:01'))
  homes.on('b').settle([{ ip: ip('10.0.1.1'), subnet: parseSubnet('10.0.1.0/24')! }])
  const heard: Array<readonly [string, number]> = []
  const waiting = { behind: true }
  const toldLater = new ToldLater({ isBehind: () => waiting.behind, nextTurn: () => {} })
  const named = (event: DhcpEvent): string => 'type' in event ? event.type : event.kind
  const observer = { onDhcp: (event: DhcpEvent, at = 0) => { heard.push([named(event), at - clock.now()]) } }
  return { homes, clock, heard, toldLater, tell: tellHome({ homes, observer: observer as never, clock, toldLater }, homes.on('b')) }
}

const message = (type: 'DISCOVER' | 'REQUEST', from = testMac) => {
  const packet = request({ dhcpMessageType: type }, { mac: from })
  return { kind: 'received', type, client: clientInfo(packet), packet } as unknown as DhcpEvent
}

const answer = (type: 'OFFER' | 'ACK', address: number): DhcpEvent => ({ ...message('REQUEST'), kind: 'sent', type, ip: address } as DhcpEvent)

t.test('what comes before a lease may wait, and is told with its own time before what comes after', t => {
  const { clock, heard, toldLater, tell } = site()
  tell(message('DISCOVER'))
  tell(answer('OFFER', ip('10.0.1.9')))
  tell(message('DISCOVER', other))
  t.same([heard, toldLater.waiting], [[], 3])
  clock.advance(100)
  tell(message('REQUEST'))
  t.same(heard, [['DISCOVER', -100], ['OFFER', -100], ['REQUEST', 0]])
  t.equal(toldLater.waiting, 1, 'of another machine nothing is told')
  tell({ kind: 'dropped', reason: 'malformed', detail: '' })
  t.same([heard.at(-1), toldLater.waiting], [['dropped', 0], 1])
  t.end()
})

t.test('that the kernel refuses what is sent is told as long as it does, and not of an exchange that is gone', t => {
  const { homes } = site()
  const refusals = new Map<string, string>()
  const said: string[] = []
  const log = Object.fromEntries(['info', 'warn'].map(level => [level, (_: object, msg: string) => { said.push(`${level} ${msg}`) }]))
  const on = (name: string) => kernelOn({ arp: { find: () => undefined }, log, refusals } as never, homes.on(name))
  const [a, b] = [on('a'), on('b')]
  for (const { onRefused } of [a, b]) onRefused('send EPERM')
  t.match([...refusals], [['a', /^dhcp: a: .*send EPERM.*nft list ruleset/], ['b', /^dhcp: b: /]])
  const now = (...amiss: readonly string[]): number => refusedNow({ refusals, hindrances: new Map(amiss.map(name => [`dhcp ${name}`, 'missing'])) }).length
  t.same([now(), now('a'), now('a', 'b')], [2, 1, 0], 'of an interface that is gone it is told that it is')
  a.onRefused(undefined)
  t.same([...refusals.keys()], ['b'])
  t.same(said, ['warn dhcp.refused', 'warn dhcp.refused', 'info dhcp.taken'])
  on('b')
  t.same([...refusals.keys()], [], 'the interface was made anew')
  t.end()
})

t.test('the home that gave an address is known by it, and nobody by none', t => {
  const { homes, tell } = site()
  const far = '192.0.2.9'
  tell(answer('ACK', unspecified))
  tell(message('REQUEST'))
  t.not(homes.of(far), homes.on('b'))
  tell(answer('ACK', ip(far)))
  t.equal(homes.of(far), homes.on('b'))
  t.end()
})

t.test('what this machine asks itself from there is nobody\'s', t => {
  const { homes, heard, toldLater, tell } = site()
  homes.on('b').mac = testMac
  tell(message('REQUEST'))
  tell(message('DISCOVER'))
  tell(answer('ACK', ip('192.0.2.9')))
  t.same([heard, toldLater.waiting], [[], 0])
  t.not(homes.of('192.0.2.9'), homes.on('b'))
  tell(message('REQUEST', other))
  t.equal(heard.length, 1)
  t.end()
})

t.test('packets are recorded as sent to the address that machines see, where they are recorded', t => {
  const { homes } = site()
  t.same(packetsOn({ packets: undefined }, homes.on('a')), {})
  const seen: string[] = []
  const packets = { onDhcp: (_: unknown, own: string) => { seen.push(own) } } as never
  packetsOn({ packets }, homes.on('a')).onPacket!({} as never)
  packetsOn({ packets }, homesOf(config).on('a')).onPacket!({} as never)
  t.same(seen, ['10.0.0.1', '0.0.0.0'])
  t.end()
})

t.test('how many wait, and which interface hears', async t => {
  const { homes } = site()
  const [metrics, hindrances, links] = [new Metrics(), new Map<string, string>(), new Set<{ waiting: number }>()]
  t.equal(isBehind(links), false)
  countLinks({ metrics, homes, hindrances, links })
  countLinks({ metrics: new Metrics(), homes: homesOf(loadConfig({ file: undefined, env: {}, set: [] }).config), hindrances, links })
  const idle = { waiting: 0 }
  links.add(idle)
  t.equal(isBehind(links), false)
  links.add({ waiting: 3 })
  idle.waiting = 2
  t.equal(isBehind(links), true)
  idle.waiting = 0
  t.equal(isBehind(links), true, 'one of them is enough')
  links.add({ waiting: 1 })
  hindrances.set(hindranceOf('a'), 'dhcp: its cable is out')
  const lines = (await metrics.text()).toString().split('\n').filter(line => /^dhcp_(?:interface|messages)/.test(line))
  t.same(lines, ['dhcp_interface_up{interface="a"} 0', 'dhcp_interface_up{interface="b"} 1', 'dhcp_messages_waiting 4'])
  t.end()
})

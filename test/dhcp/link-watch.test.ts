// An interface that DHCP is answered on, looked at every second: what is amiss is told once, and served it is as long as it is there.
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { networkInterfaces } from '../../src/net/interfaces.js'
import { formatIpv4, type Ipv4 } from '../../src/net/ipv4.js'
import { followLink, type LinkFollower } from '../../src/dhcp/link-watch.js'
import { homesOf } from '../../src/wiring/homes.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

async function followed (name: string) {
  const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: ['dhcp.mode=server', `dhcp.interface=${name}`, 'dhcp.subnets=[{ subnet: 127.0.0.0/8 }]'] })
  const homes = homesOf(config)
  const [clock, lines, hindrances, links] = [new FakeClock(), logLines(), new Map<string, string>(), new Set<Pick<LinkFollower, 'waiting'>>()]
  const did: string[] = []
  const follower: LinkFollower = {
    waiting: 0, rebind: async () => { did.push('rebind') }, moveTo: () => { did.push('move') }, linkIs: up => { did.push(up ? 'up' : 'down') }, close: async () => { did.push('close') }
  }
  const close = await followLink(
    { clock, interfaces: networkInterfaces, log: createLog({ level: 'info', pretty: false, destination: lines.stream }), hindrances, links, restart: () => { did.push('restart') } },
    homes.first,
    { places: [{ row: 'dhcp', at: `${name}:67/udp` }], start: async (own: Ipv4) => { did.push(`start ${formatIpv4(own)}`); return follower }, drop: () => { did.push('drop') } }
  )
  return { clock, hindrances, links, did, close, told: () => lines.entries().map(({ msg }) => msg) }
}

t.test('one that is there and stays is started once, and nothing is said of it', async t => {
  const { clock, hindrances, links, did, close, told } = await followed('lo')
  t.same(did, ['start 127.0.0.1'])
  clock.advance(60_000)
  t.same([did.length, links.size, hindrances.size], [1, 1, 0])
  t.same(told(), ['dhcp.listen'])
  await close()
  t.same(did.slice(1), ['close', 'drop'])
  t.equal(clock.pending, 0)
})

t.test('one that is missing is told once, keeps the service from being ready, and is waited for', async t => {
  const { clock, hindrances, did, close, told } = await followed('none0')
  clock.advance(60_000)
  t.match([...hindrances], [['dhcp none0', /^dhcp: .*none0/]])
  t.same(told(), ['dhcp.link_down'])
  await close()
  t.same(did, ['drop'])
  t.equal(clock.pending, 0)
})

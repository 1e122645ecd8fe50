// Where this service is at home, and which home a machine is told of.
import t from 'tap'
import { type Config, loadConfig } from '../../src/config/load.js'
import { formatIpv4, parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import { type Home, modeAt } from '../../src/dhcp/homes.js'
import { homesOf, homesTold } from '../../src/wiring/homes.js'

const configOf = (...set: string[]): Config => loadConfig({ file: undefined, env: {}, set }).config
const address = (text: string): Parameters<Home['settle']>[0][number] => {
  const subnet = parseSubnet(text.replace(/\d+\//, '0/'))!
  return { ip: parseIpv4(text.split('/', 1)[0]!)!, subnet }
}
const server = ['dhcp.mode=server', 'dhcp.subnets=[{ subnet: 10.1.0.0/24 }, { subnet: 10.9.0.0/24 }]']
const two = configOf(...server, 'dhcp.interface=ens192', 'dhcp.interfaces=[{ name: ens224, mode: proxy }, { name: ens256, mode: off }]')

t.test('each machine is told the address of the interface it is on, one behind a router that of where it was answered', t => {
  const homes = homesOf(two)
  const [first, second] = homes.all as [Home, Home]
  t.equal(homes.of('10.1.0.9'), first, 'before any has an address')
  first.settle([address('10.7.0.1/24'), address('10.1.0.1/24')])
  second.settle([address('10.2.0.1/24')])
  t.equal(first.origin, 'http://10.1.0.1:8080', 'the address inside a subnet that is served')
  const told = (client: string): string => formatIpv4(homes.of(client).own ?? 0)
  t.equal(told('10.1.0.9'), '10.1.0.1')
  t.equal(told('10.7.0.9'), '10.1.0.1')
  t.equal(told('10.2.0.9'), '10.2.0.1')
  t.equal(told('10.9.0.9'), '10.1.0.1', 'nothing is known of it')
  t.equal(told('::1'), '10.1.0.1')
  homes.answered(parseIpv4('10.9.0.9')!, second)
  t.equal(told('10.9.0.9'), '10.2.0.1')
  homes.answered(parseIpv4('10.1.0.9')!, second)
  t.equal(told('10.1.0.9'), '10.1.0.1', 'one that is near is where it is')
  t.same(['10.1.0.9', '10.2.0.9', '10.9.0.8'].map(text => modeAt(homes, parseIpv4(text)!)), ['server', 'proxy', 'server'])
  t.same(homesTold(homes), { interfaces: [{ dhcp: 'server', interface: 'ens192', address: '10.1.0.1' }, { dhcp: 'proxy', interface: 'ens224', address: '10.2.0.1' }] })
  t.end()
})

t.test('of more machines behind routers than are remembered, those that came last are', t => {
  const homes = homesOf(two)
  const [first, second] = homes.all as [Home, Home]
  first.settle([address('10.1.0.1/24')])
  second.settle([address('10.2.0.1/24')])
  const far = (n: number): number => parseIpv4('172.16.0.0')! + n
  for (let n = 0; n < 65_536; n++) homes.answered(far(n), second)
  homes.answered(far(0), second)
  homes.answered(far(65_536), second)
  t.same([0, 1, 2, 65_536].map(n => homes.of(formatIpv4(far(n))) === second), [true, false, true, true], 'not the one that came again, but the one after it')
  t.end()
})

t.test('an address stays told as long as the interface has it', t => {
  const [home] = homesOf(two).all as [Home]
  home.settle([address('10.9.0.1/24')])
  home.settle([address('10.1.0.1/24'), address('10.9.0.1/24')])
  t.equal(home.host, '10.9.0.1')
  home.settle([address('10.1.0.1/24')])
  t.equal(home.host, '10.1.0.1')
  t.equal(homesOf(configOf('advertise=boot.example.com', 'dhcp.interfaces=[{ name: a, mode: proxy }, { name: b, mode: proxy }]')).on('b').host, 'boot.example.com', 'advertise overrides')
  t.end()
})

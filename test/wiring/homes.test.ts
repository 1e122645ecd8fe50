// The interfaces that DHCP is answered on, as the configuration has them and as they are told.
import t from 'tap'
import { type Config, loadConfig } from '../../src/config/load.js'
import { dhcpText } from '../../src/wiring/homes.js'

const configOf = (...set: string[]): Config => loadConfig({ file: undefined, env: {}, set }).config
const server = ['dhcp.mode=server', 'dhcp.subnets=[{ subnet: 10.1.0.0/24 }, { subnet: 10.9.0.0/24 }]']
const two = configOf(...server, 'dhcp.interface=ens192', 'dhcp.interfaces=[{ name: ens224, mode: proxy }, { name: ens256, mode: off }]')

t.test('an interface that is off is none; one that both keys name stands as the list has it', t => {
  t.equal(dhcpText(two), 'DHCP server on ens192, proxy on ens224')
  t.equal(dhcpText(configOf(...server, 'dhcp.interface=a', 'dhcp.interfaces=[{ name: a, mode: proxy }, b]')), 'DHCP proxy on a, server on b')
  t.equal(dhcpText(configOf('dhcp.interfaces=[a]')), '', 'the mode is off unless something is written')
  t.end()
})

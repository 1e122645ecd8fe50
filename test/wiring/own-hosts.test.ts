import t from 'tap'
import { type Config, loadConfig } from '../../src/config/load.js'
import { parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import { homesOf } from '../../src/wiring/homes.js'
import { isOwnHost, ownHosts } from '../../src/wiring/own-hosts.js'

type IsOwn = ReturnType<typeof isOwnHost>

const configOf = (...set: string[]): Config => loadConfig({ file: undefined, env: {}, set }).config

t.test('what machines are told, and every address of this machine', t => {
  const config = configOf('advertise=Boot.example.com', 'boot.script_url=http://scripts.example.com:8081/boot.ipxe')
  const isOwn = isOwnHost(config, homesOf(config))
  for (const host of ['boot.example.com', 'scripts.example.com', 'localhost', '127.0.0.1']) t.ok(isOwn(host), host)
  for (const host of ['example.com', '192.0.2.1', '']) t.notOk(isOwn(host), host)
  t.end()
})

/* eslint-disable no-template-curly-in-string -- iPXE's settings */
t.test("iPXE's next-server is this appliance while it answers DHCP", t => {
  const [proxy, off] = [configOf('dhcp.interfaces=[{ name: lo, mode: proxy }]'), configOf()].map(config => isOwnHost(config, homesOf(config))) as [IsOwn, IsOwn]
  for (const host of ['${next-server}', '${net0/next-server}', '${netX/next-server}', '${next-server:ipv4}']) {
    t.ok(proxy(host), host)
    t.notOk(off(host), "another server's")
  }
  for (const host of ['${dns}', '${next-server}.example.com', 'x${next-server}', '${proxydhcp/dhcp-server}']) t.notOk(proxy(host), host)
  t.end()
})
/* eslint-enable no-template-curly-in-string */

t.test('the address of the interface, as it is now; the same answer for as long as it stays', t => {
  const config = configOf('dhcp.interfaces=[{ name: a, mode: proxy }, { name: b, mode: proxy }]')
  const homes = homesOf(config)
  const settle = (name: string, address: string): void => { homes.on(name).settle([{ ip: parseIpv4(address)!, subnet: parseSubnet('192.0.2.0/24')! }]) }
  settle('b', '192.0.2.1')
  const hosts = ownHosts(config, homes)
  const before = hosts()
  t.equal(hosts(), before)
  t.ok(before('192.0.2.1'))
  settle('b', '192.0.2.2')
  t.not(hosts(), before)
  t.same(['192.0.2.1', '192.0.2.2'].map(host => hosts()(host)), [false, true])
  settle('a', '192.0.2.3')
  t.ok(hosts()('192.0.2.3'), 'of whichever interface')
  t.end()
})

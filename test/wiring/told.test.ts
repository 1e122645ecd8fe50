// What machines, and the log, are told of what listens: addresses, ports, loaders, and where nobody would be found.
import t from 'tap'
import { type LoadedConfig, loadConfig } from '../../src/config/load.js'
import type { Homes } from '../../src/dhcp/homes.js'
import { parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import { homesOf } from '../../src/wiring/homes.js'
import { bootServers, boundPort, hostsOf, listensAt, toldHosts } from '../../src/wiring/listens.js'
import { namedLoaders } from '../../src/wiring/named-loaders.js'
import { makeGroup, MemoryStore } from '../helpers/memory-store.js'

const load = (...set: string[]): LoadedConfig => loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set })

const settled = (...addresses: ReadonlyArray<readonly [name: string, address: string]>): Homes => {
  const homes = homesOf(load(`dhcp.interfaces=[${addresses.map(([name]) => `{ name: ${name}, mode: proxy }`).join(', ')}]`).config)
  for (const [name, address] of addresses) homes.on(name).settle([{ ip: parseIpv4(address)!, subnet: parseSubnet('192.0.2.0/24')! }])
  return homes
}

t.test('where a socket is, and what leads to it', t => {
  const [place, tcp] = [{ key: 'http.address', port: 0 }, { transport: 'tcp' } as const]
  t.same(listensAt(tcp, place, 8080, ['a', 'a']), { at: '0.0.0.0:8080/tcp', address: 'a:8080' })
  t.same(listensAt(tcp, { ...place, host: '10.0.0.1' }, 8080, ['a', 'b'], host => `http://${host}/`), { at: '10.0.0.1:8080/tcp', url: ['http://a:8080/', 'http://b:8080/'] })
  t.same(listensAt(tcp, place, 8080, [], host => host), { at: '0.0.0.0:8080/tcp', url: [] })
  for (const [bound, port] of [[{ address: '', family: 'IPv4', port: 7 }, 7], [null, 9], ['/run/sock', 9]] as const) t.equal(boundPort({ address: () => bound }, 9), port)
  t.end()
})

t.test('a listener that is everywhere is known by what machines are told, another by its own address', t => {
  const homes = settled(['a', '192.0.2.1'], ['b', '192.0.2.2'])
  t.same(toldHosts(homes), ['192.0.2.1', '192.0.2.2'])
  for (const host of [undefined, '0.0.0.0', '::']) t.same(hostsOf({ key: 'k', port: 1, ...host !== undefined && { host } }, homes), ['192.0.2.1', '192.0.2.2'], host ?? 'everywhere')
  t.same(hostsOf({ key: 'k', port: 1, host: '127.0.0.1' }, homes), ['127.0.0.1'])
  t.same(bootServers({ key: 'k', port: 1, host: '127.0.0.1' }, homes), ['192.0.2.1', '192.0.2.2'])
  const none = homesOf(load('advertise=boot.test').config)
  t.same(bootServers({ key: 'k', port: 1, host: '127.0.0.1' }, none), ['127.0.0.1'])
  t.same(bootServers({ key: 'k', port: 1 }, none), ['boot.test'])
  t.end()
})

t.test('loaders that are named, as files of this appliance', t => {
  const { config } = load('advertise=boot.test', 'boot.bios=a.kpxe', 'boot.uefi_x64=shimx64.img', 'boot.uefi_arm64=arm/shimaa64.img', 'boot.overrides=[{ arch: 7, file: a.kpxe }, { arch: 9, proxy_style: binl }, { arch: 10, file: xshimx64.img }]')
  const group = (n: number, bootFile: string) => makeGroup({ id: `g${n}`, selector: { mac: `52:54:00:00:00:0${n}` }, metadata: { boot_file: bootFile } })
  const store = new MemoryStore({
    groups: ['own.efi', 'http://boot.test:8080/boot/sub/a%20b.efi', 'http://elsewhere.test/boot/x.efi', 'http://boot.test/assets/x.efi', 'https://boot.test/boot/shimx64.img', 'http://boot.test/boot/%ff', 'http://[/boot/x']
      .map((name, n) => group(n + 1, name))
  })
  t.same(namedLoaders({ config, homes: homesOf(config), store }), ['a.kpxe', 'shimx64.efi', 'arm/shimaa64.efi', 'xshimx64.img', 'own.efi', 'sub/a b.efi'])
  t.end()
})

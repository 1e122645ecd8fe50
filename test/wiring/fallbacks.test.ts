import t from 'tap'
import type { ProvisionerRecord } from '../../src/cluster/other-provisioners.js'
import { loadConfig } from '../../src/config/load.js'
import { alone } from '../../src/matchbox/fallbacks.js'
import { parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import { fallbacksOf, ownOrigins } from '../../src/wiring/fallbacks.js'
import { homesOf } from '../../src/wiring/homes.js'

const { config } = loadConfig({
  file: undefined, defaultFile: '/nowhere', env: {}, set: ['advertise=boot.test', 'dhcp.interfaces=[{ name: a, mode: proxy }, { name: b, mode: proxy }]']
})

t.test('machines are told of the others by addresses near them, as long as those are there', t => {
  const homes = homesOf(config)
  t.equal(fallbacksOf({ config, homes, cluster: undefined }), alone)
  for (const [name, address] of [['a', '10.1.0.1'], ['b', '10.2.0.1']] as const) {
    homes.on(name).settle([{ ip: parseIpv4(address)!, subnet: parseSubnet(address.replace(/1$/, '0/24'))! }])
  }
  t.same(ownOrigins(config, homes), ['http://10.1.0.1:8080', 'http://10.2.0.1:8080'], 'whatever it advertises')
  const other = (name: string, last: number): ProvisionerRecord => ({ name, address: 'http://boot.test:8080', addresses: [`http://10.1.0.${last}:8080`, `http://10.2.0.${last}:8080`] })
  let present: readonly ProvisionerRecord[] = [other('p1', 1), other('p2', 2)]
  const fallbacks = fallbacksOf({ config, homes, cluster: { name: 'p1', present: () => present } as never })
  t.same(fallbacks.others('10.1.0.9'), [{ origin: 'http://10.1.0.2:8080', told: 'http://boot.test:8080' }])
  t.same(fallbacks.others('10.2.0.9'), [{ origin: 'http://10.2.0.2:8080', told: 'http://boot.test:8080' }])
  t.equal(fallbacks.others('10.2.0.9'), fallbacks.others('10.2.0.8'), 'made once')
  t.equal(fallbacks.others(undefined), fallbacks.others('10.1.0.9'))
  t.equal(fallbacks.version(), present)
  present = [other('p1', 1), other('p3', 3)]
  t.match(fallbacks.others('10.1.0.9'), [{ origin: 'http://10.1.0.3:8080' }])
  t.equal(fallbacks.told('10.1.0.9'), 'http://boot.test:8080')
  t.same([fallbacks.isOwn('boot.test'), fallbacks.isOwn('127.0.0.1'), fallbacks.isOwn('10.2.0.2')], [true, true, false])
  t.same([fallbacks.port, fallbacks.isByClient], [8080, true])
  const single = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [] }).config
  t.equal(fallbacksOf({ config: single, homes: homesOf(single), cluster: { name: 'p1', present: () => present } as never }).isByClient, false)
  t.end()
})

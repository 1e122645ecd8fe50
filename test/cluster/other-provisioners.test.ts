// What a presence record says goes into scripts only where it is an origin, and only of a few.
import t from 'tap'
import { addressesOf, machineOrigin, mostFallbacks, othersThan, type ProvisionerRecord } from '../../src/cluster/other-provisioners.js'
import { contains, formatIpv4, parseIpv4, parseSubnet } from '../../src/net/ipv4.js'

const at = (name: string, ...addresses: string[]): ProvisionerRecord => ({ name, address: addresses[0] ?? '', addresses })
const isNear = (ip: number): boolean => contains(parseSubnet('10.0.0.0/24')!, ip)
const from = (name: string, own = ['http://10.0.0.2:8080']): Parameters<typeof othersThan>[0] => ({ name, own, isNear })
const origins = (...args: Parameters<typeof othersThan>): string[] => othersThan(...args).map(({ origin }) => origin)

t.test('an origin is http, an address or a name, and a port: nothing else gets into a script', async t => {
  for (const good of ['http://10.0.0.3:8080', 'http://boot.example.com:80', 'http://p1:8080']) t.equal(machineOrigin(good), good)
  t.equal(machineOrigin('http://Boot.Example.COM:08080'), 'http://boot.example.com:8080')
  for (const bad of [
    '', 'http://10.0.0.3', 'https://10.0.0.3:8080', 'http://10.0.0.3:0', 'http://10.0.0.3:65536', 'http://10.0.0.3:8080/', 'http://10.0.0.3:8080/x', 'http://a@10.0.0.3:8080',
    'http://10.0.0.3:8080 || shell', 'http://10.0.0.3:8080\nshell', 'http://$' + '{net0/ip}:8080', 'http://0.0.0.0:8080', 'http://224.0.0.1:8080', 'http://255.255.255.255:80',
    'http://10.0.0.300:8080', 'http://10.0.0:8080', 'http://-a.test:80', 'http://a..b:80', `http://${'a'.repeat(64)}.test:80`, `http://${'a.'.repeat(200)}test:80`, 'tftp://10.0.0.3:69'
  ]) t.equal(machineOrigin(bad), undefined, JSON.stringify(bad))
})

t.test('the others from the own name on, a few at most, each once, and never oneself', async t => {
  const present = ['p3', 'p1', 'p2'].map((name, n) => at(name, `http://10.0.0.${n + 3}:8080`))
  t.same(origins(from('p1'), present), ['http://10.0.0.5:8080', 'http://10.0.0.3:8080'])
  t.same(origins(from('p2'), present), ['http://10.0.0.3:8080', 'http://10.0.0.4:8080'], 'who dies is followed by different ones')
  t.same(origins(from('p3'), present), ['http://10.0.0.4:8080', 'http://10.0.0.5:8080'])
  t.same(origins(from('p1', ['http://10.0.0.3:8080']), present), ['http://10.0.0.5:8080'], 'an address of its own that another one claims')
  t.same(origins(from('p1'), [at('p2', 'http://10.0.0.3:8080'), at('p3', 'http://10.0.0.3:8080')]), ['http://10.0.0.3:8080'])
  t.equal(origins(from('p000'), Array.from({ length: 50 }, (_, n) => at(`p${n}`, `http://10.0.0.${n + 3}:8080`))).length, mostFallbacks)
  t.same(origins(from('p1'), [at('p2', 'http://10.0.0.3:8080 || shell'), at('p3'), at('p4', 'http://127.0.0.1:8080')]), [])
  t.same(origins(from('p1', ['http://127.0.0.1:8080']), [at('p2', 'http://127.0.0.1:8081')]), ['http://127.0.0.1:8081'], 'on one machine')
})

t.test('of several networks the address that is near; a name that several have is for what lasts', async t => {
  const far = 'http://192.168.7.3:8080'
  const near = 'http://10.0.0.3:8080'
  t.same(othersThan(from('p1'), [at('p2', far, near)]), [{ origin: near, told: near }])
  t.same(othersThan(from('p1'), [at('p2', far)]), [{ origin: far, told: far }])
  const named = { name: 'p2', address: 'http://boot.example.com:8080', addresses: [near] }
  t.same(othersThan(from('p1'), [named]), [{ origin: near, told: 'http://boot.example.com:8080' }])
  t.same(othersThan(from('p1'), [{ ...named, address: 'http://x y' }]), [{ origin: near, told: near }])
  t.same(othersThan(from('p1'), [{ ...named, addresses: [] }]).map(({ origin }) => origin), ['http://boot.example.com:8080'], 'a record of before')
  t.same(addressesOf([named, at('p3', near, far)]).map(formatIpv4), ['10.0.0.3', '10.0.0.3', '192.168.7.3', '10.0.0.3'], 'whose DHCP answers are no stranger\'s')
  t.equal(addressesOf([at('p2', 'http://boot.example.com:8080')]).length, 0)
  t.equal(parseIpv4('boot'), undefined)
})

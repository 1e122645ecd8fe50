// This machine's interfaces: loopback is always there.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { able } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'
import { addressesOf, keptAddresses, keptInterfaces, linkProblem, localAddresses, missingProblem, type NetworkInterface, networkInterfaces } from '../../src/net/interfaces.js'
import { formatIpv4, formatSubnet, subnetOf } from '../../src/net/ipv4.js'

t.test('loopback', t => {
  const [lo] = addressesOf('lo')
  t.equal(lo && formatIpv4(lo.ip), '127.0.0.1')
  t.equal(lo && formatSubnet(lo.subnet), '127.0.0.0/8')
  t.ok(localAddresses().some(({ name }) => name === 'lo'))
  t.end()
})

t.test('several who look every second have the kernel asked once, unless one asks anew', t => {
  const clock = new FakeClock()
  let [asked, fails] = [0, false]
  const interfaces = keptInterfaces(clock, () => {
    asked++
    if (fails) throw new Error('no descriptor')
    return networkInterfaces()
  })
  const all = interfaces()
  t.ok(all.has('lo'))
  for (const [milliseconds, anew, times] of [[499, false, 1], [0, true, 2], [499, false, 2], [1, false, 3]] as const) {
    clock.advance(milliseconds)
    for (let n = 0; n < 10; n++) interfaces(anew && n === 0)
    t.equal(asked, times, `${milliseconds} ms later`)
  }
  fails = true
  clock.advance(500)
  t.throws(interfaces, { message: 'no descriptor' }, 'who watches is told that nothing is known')
  t.end()
})

t.test('who asks with each request has the addresses of the same look, and of the last one when there is none', t => {
  const clock = new FakeClock()
  let fails = true
  const own = keptAddresses(keptInterfaces(clock, () => {
    if (fails) throw new Error('no descriptor')
    return networkInterfaces()
  }))
  t.throws(own, { message: 'no descriptor' })
  fails = false
  const first = own()
  t.same(first, localAddresses(), 'as soon as it can be')
  clock.advance(499)
  t.equal(own(), first, 'nothing is made again')
  clock.advance(1)
  const second = own()
  t.not(second, first)
  fails = true
  clock.advance(500)
  t.equal(own(), second, 'as before')
  t.end()
})

t.test('an interface that is not there is named, with those that are', t => {
  t.throws(() => addressesOf('nosuch0'), { name: 'AppError', code: 'interface_missing', message: /no interface nosuch0 .*\(.*\)/ })
  t.end()
})

const one = (name: string, more: Partial<NetworkInterface> = {}): NetworkInterface =>
  ({ name, index: 2, mac: undefined, up: true, running: true, addresses: [{ ip: 0x0a000001, subnet: subnetOf(0x0a000001, 24) }], ...more })

t.test('why nobody is heard on one, and which others would do', t => {
  t.equal(linkProblem('eth0', one('eth0')), undefined)
  for (const [state, problem] of [
    [undefined, 'interface eth0 is gone'], [one('eth0', { addresses: [] }), 'interface eth0 has no IPv4 address any more'],
    [one('eth0', { up: false }), 'interface eth0 is down (ip link set eth0 up)'],
    [one('eth0', { running: false }), 'interface eth0 has no carrier: machines on it are served when its link comes up']
  ] as const) t.equal(linkProblem('eth0', state), problem)
  const all = (...interfaces: NetworkInterface[]): ReadonlyMap<string, NetworkInterface> => new Map(interfaces.map(each => [each.name, each]))
  t.equal(missingProblem('eth0', all(one('lo'), one('eth0', { addresses: [] }))), 'interface eth0 has no IPv4 address (no other interface has one)')
  t.equal(missingProblem('eth0', all(one('eth0', { addresses: [] }), one('eth1'), one('br0'))), 'interface eth0 has no IPv4 address (interfaces with one: eth1, br0)')
  t.equal(missingProblem('ethq0', all(one('lo'), one('eth0'))), 'no interface ethq0 with an IPv4 address on this machine (interfaces with one: eth0); did you mean "eth0"?')
  t.end()
})

const asked = fileURLToPath(new URL('../../src/net/interfaces.ts', import.meta.url))
const ask = `import { networkInterfaces } from '${asked}'
console.log(JSON.stringify([...networkInterfaces().values()], (key, value) => key === 'subnet' ? value.prefix : value))`

t.test('interfaces as the kernel has them: without a carrier, down, with a labelled address', async t => {
  if (!able(t, namespaceProblem())) return
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  space.ip('address', 'add', '172.31.0.1/20', 'dev', 'br0', 'label', 'br0:1')
  space.ip('link', 'set', 'br0', 'address', '52:54:00:00:00:99')
  space.client('br0').ip('link', 'set', 'eth0', 'down')
  space.ip('link', 'add', 'off0', 'type', 'bridge')
  // The bridge hears a moment later that its port has no carrier.
  space.exec('sh', '-c', 'n=0; until ip link show br0 | grep -q NO-CARRIER || [ $n = 2000 ]; do n=$((n + 1)); done')
  const found = JSON.parse(space.exec(process.execPath, typescript, '--input-type=module', '-e', ask)) as Array<{ readonly name: string }>
  const named = (name: string): unknown => found.find(one => one.name === name)
  t.match(named('br0'), {
    up: true, running: false, mac: '52:54:00:00:00:99', addresses: [{ ip: 0xac1e0001, subnet: 24 }, { ip: 0xac1f0001, subnet: 20 }]
  }, 'its address stands although nothing is connected')
  t.match(named('off0'), { up: false, running: false, addresses: [] })
  t.match(named('lo'), { index: 1, up: true, running: true, addresses: [{ ip: 0x7f000001, subnet: 8 }] })
})

t.test('without a descriptor left it says so', t => {
  if (process.platform !== 'linux') return
  const starve = `import { closeSync, openSync } from 'node:fs'
import { networkInterfaces, localAddresses } from '${asked}'
localAddresses()
const taken = []
try { for (;;) taken.push(openSync('/dev/null')) } catch {}
try { networkInterfaces() } catch (error) { console.log(error.name, error.code, error.message) }
taken.forEach(closeSync)`
  const node = [process.execPath, typescript, '--input-type=module', '-e', starve]
  const said = execFileSync('/bin/sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', ...node], { encoding: 'utf8' })
  t.match(said, /^AppError socket_failed cannot ask for this machine's addresses: EMFILE$/m)
  t.end()
})

// An address that floats between provisioners (keepalived), and a name with an address of each (dnsmasq), as docs/cluster.md has them: machines are
// answered there while one dies, and doctor says who does.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { bundledProgram } from '../helpers/built.js'
import { startEtcdIn } from '../helpers/etcd-network.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able, findTool, needs } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

/** The blocks of the docs, for the network of this test. */
async function documented (words: string): Promise<string> {
  const text = await readFile(new URL('../../docs/cluster.md', import.meta.url), 'utf8')
  const block = [...text.matchAll(/^```conf\n([^]*?)^```$/gm)].map(([, block = '']) => block).find(block => block.includes(words))
  if (block === undefined) throw new Error(`docs/cluster.md has no block with ${words}`)
  return block.replaceAll('10.0.0.', '172.30.0.')
}

t.test('docs/cluster.md: an address that floats, and a name with an address of each', async t => {
  if (!needs(t, 'keepalived', 'dnsmasq', 'etcd', 'curl') || !able(t, namespaceProblem())) return
  const folder = t.testdir({ 'keepalived.conf': await documented('vrrp_instance'), 'dnsmasq.conf': await documented('host-record=') })
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  startEtcdIn(space, { name: 'etcd', address: '172.30.0.1', folder })
  space.spawn(findTool('dnsmasq')!, '--keep-in-foreground', '--conf-file=/dev/null', `--conf-file=${join(folder, 'dnsmasq.conf')}`, '--no-hosts', '--no-resolv', '--listen-address=172.30.0.1',
    '--bind-interfaces', '--user=root', '--pid-file=')
  const places = await Promise.all([2, 3].map(async n => {
    const place = space.client('br0')
    place.ip('address', 'add', `172.30.0.${n}/24`, 'dev', 'eth0')
    // What ip netns exec shows as /etc/resolv.conf.
    mkdirSync(`/etc/netns/${place.name}`, { recursive: true })
    t.teardown(() => { rmSync(`/etc/netns/${place.name}`, { recursive: true }) })
    writeFileSync(`/etc/netns/${place.name}/resolv.conf`, 'nameserver 172.30.0.1\n')
    const config = (advertise: string): string => {
      const path = join(folder, `p${n}-${advertise}.yaml`)
      writeFileSync(path, JSON.stringify({
        data_path: join(folder, `p${n}`, 'data'),
        assets_path: '',
        state_path: join(folder, `p${n}`, 'state'),
        control_socket: join(shortFolder(t), 'c'),
        advertise,
        rpc: { address: '' },
        tftp: { address: '' },
        dhcp: { mode: 'server', interface: 'eth0', subnets: [{ subnet: '172.30.0.0/24', range: '172.30.0.200-172.30.0.210' }] },
        cluster: { name: `p${n}`, etcd: { endpoints: ['http://172.30.0.1:2379'] } }
      }))
      return path
    }
    mkdirSync(join(folder, `p${n}`))
    const start = async (advertise: string) => {
      const program = place.spawn(process.execPath, bundledProgram(), 'serve', '--config', config(advertise))
      await program.line(/appliance\.ready/)
      return program
    }
    return { place, config, start }
  }))
  const who = (address: string): string => {
    try {
      return (JSON.parse(space.exec('curl', '-sf', '-m', '2', `http://${address}:8080/v1/provisioner`)) as { name: string }).name
    } catch { return '' }
  }
  const doctor = (n: number, advertise: string): string => {
    const { place, config } = places[n]!
    // It tells more than this test has made well, and then ends with 1.
    const found = JSON.parse(place.exec('sh', '-c', `"${process.execPath}" "${bundledProgram()}" doctor --json --config "${config(advertise)}" || true`)) as { findings: Array<{ level: string, about: string, text: string }> }
    return found.findings.filter(({ about }) => about === 'advertise').map(({ level, text }) => `${level} ${text}`).join('\n')
  }

  const floating = '172.30.0.100'
  const programs = await Promise.all(places.map(({ start }) => start(floating)))
  for (const [n, { place }] of places.entries()) {
    const pid = (which: string): string => join(folder, `keepalived-${n}-${which}.pid`)
    place.spawn(findTool('keepalived')!, '--dont-fork', '--log-console', '-f', join(folder, 'keepalived.conf'), '-p', pid('parent'), '-r', pid('vrrp'), '-c', pid('checkers'), '-b', pid('bfd'))
  }
  await until('somebody has the address', () => who(floating) !== '')
  const first = who(floating)
  t.equal(doctor(0, floating), `ok http://172.30.0.100:8080: a floating address, ${first} has it now`)
  const dying = first === 'p2' ? 0 : 1
  programs[dying]!.child.kill('SIGKILL')
  await programs[dying]!.ended
  const other = dying === 0 ? 'p3' : 'p2'
  const began = Date.now()
  await until('the other one has it', () => who(floating) === other)
  t.comment(`the address moved after ${Date.now() - began} ms`)
  programs[1 - dying]!.child.kill('SIGTERM')
  await programs[1 - dying]!.ended

  const name = 'boot.example.com'
  await Promise.all(places.map(({ start }) => start(name)))
  const told = doctor(0, name)
  for (const n of [2, 3]) t.match(told, `ok http://172.30.0.${n}:8080: p${n} answers`)
  t.match(told, /warning http:\/\/172\.30\.0\.4:8080: no provisioner answers/)
  const script = places[0]!.place.exec('curl', '-s', 'http://172.30.0.2:8080/boot.ipxe')
  t.match(script, '|| chain --timeout 20000 http://172.30.0.3:8080/ipxe?', 'by the address of the other one, whatever both are called')
})

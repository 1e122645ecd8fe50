// The service on a socket that systemd opened, which others may share: dnsmasq with bind-interfaces takes 67/udp beside it, both answer,
// and doctor says so. Needs root and dnsmasq.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bundledProgram } from '../helpers/built.js'
import { NetworkNamespace, namespaceProblem } from '../helpers/netns.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able, needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

interface Told { readonly level: string, readonly about: string, readonly text: string }

t.test('doctor and a dnsmasq that shares 67/udp', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'dnsmasq')) return
  const [folder, space] = [shortFolder(t), new NetworkNamespace()]
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  // A bridge has a carrier when somebody is on it.
  space.client('br0')
  const file = join(folder, 'config.json')
  for (const kind of ['groups', 'profiles']) mkdirSync(join(folder, 'data', kind), { recursive: true })
  writeFileSync(file, JSON.stringify({
    data_path: join(folder, 'data'),
    assets_path: '',
    state_path: join(folder, 'state'),
    control_socket: join(folder, 'c'),
    http: { address: '172.30.0.1:8080' },
    rpc: { address: '' },
    tftp: { address: '' },
    dhcp: { mode: 'server', interface: 'br0', unknown_clients: 'allow', subnets: [{ subnet: '172.30.0.0/24', range: '172.30.0.10-172.30.0.20' }] }
  }))
  const service = space.spawn(process.execPath, typescript, join(import.meta.dirname, '../helpers/serve-handed.ts'), 'br0', file)
  await service.line(/"msg":"appliance\.ready"/)
  const doctor = async (): Promise<readonly Told[]> => {
    const running = space.spawn(process.execPath, bundledProgram(), 'doctor', '--json', '--config', file)
    await running.ended
    return (JSON.parse(running.output()) as { readonly findings: readonly Told[] }).findings
  }
  const alone = await doctor()
  t.same(alone.filter(({ level }) => level === 'problem'), [])
  t.match(alone.filter(({ about }) => about === 'dhcp'), [{ level: 'ok', text: /67\/udp is listened on by / }])
  t.match(alone.filter(({ about }) => about === 'dhcp-client'), [{ level: 'ok', text: 'this service answers a DISCOVER on br0 and offers 172.30.0.10, and nobody else does' }])
  t.match(alone.find(({ about }) => about === 'ready'), { level: 'ok', text: 'http://172.30.0.1:8080/readyz answers 200' })

  const dnsmasq = space.spawn('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--bind-interfaces', '--interface=br0', '--dhcp-authoritative',
    '--dhcp-range=172.30.0.100,172.30.0.120', '--user=root', `--dhcp-leasefile=${join(folder, 'leases')}`, '--log-dhcp')
  await dnsmasq.line(/sockets bound exclusively to interface br0|DHCP, IP range/)
  const beside = await doctor()
  t.match(beside.filter(({ about, level }) => about === 'dhcp' && level === 'problem'), [
    { text: new RegExp(`^67/udp is shared with dnsmasq \\(pid ${dnsmasq.child.pid}\\): systemctl disable --now dnsmasq`) }
  ])
  const ports = space.spawn(process.execPath, bundledProgram(), 'doctor', '--network', '--config', file)
  t.equal(await ports.ended, 1)
  t.match(ports.output(), /^PROBLEM {2}dhcp: 67\/udp is shared with dnsmasq/m)
})

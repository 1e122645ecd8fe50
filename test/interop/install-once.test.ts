// A machine that installs once and a config that is guarded, through the whole program: what the machine is given, what a
// stranger is, what a restart remembers, and what makes it install again.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { namespaceProblem, type NetworkNamespace } from '../helpers/netns.js'
import { askForAddress, networkSite } from '../helpers/network-site.js'
import { Program } from '../helpers/program.js'
import { able, needs } from '../helpers/tools.js'

const mac = '52:54:00:00:00:31'
const url = 'http://172.30.0.1:8080'

t.test('installed once, guarded, and again when it is asked for', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'udhcpc')) return
  const metadata = { ip: '172.30.0.31', install_once: 'true', ignition_guard: 'true' }
  const group = (id: string, selector: Record<string, string>, more: Record<string, string> = {}): string =>
    JSON.stringify({ id, profile: 'install', selector, metadata: { ...metadata, ...more } })
  const boot = { kernel: '/assets/k', args: [`ignition.config.url=${url}/ignition?uuid=\${uuid}&mac=\${mac:hexhyp}`] }
  const { folder, config, space, start } = networkSite(t, {
    assets: { k: 'kernel' },
    data: {
      groups: { 'install.json': group('install', { mac }), 'installed.json': group('installed', { mac, os: 'installed' }, { ip: '' }) },
      profiles: { 'install.json': JSON.stringify({ id: 'install', boot, ignition_id: 'secret.ign' }) },
      ignition: { 'secret.ign': '{"ignition":{"version":"3.3.0"}}' }
    }
  }, `dhcp:
  mode: server
  interface: br0
  subnets: [{ subnet: 172.30.0.0/24, lease_time: 2h }]`)
  let appliance = await start()
  const machine = space.client('br0', mac)
  const stranger = space.client('br0', '52:54:00:00:00:66')
  stranger.ip('address', 'add', '172.30.0.66/24', 'dev', 'eth0')
  t.match(await askForAddress(machine), /lease of 172\.30\.0\.31 obtained/)
  machine.ip('address', 'add', '172.30.0.31/24', 'dev', 'eth0')

  const get = (from: NetworkNamespace, path: string): string => from.exec('curl', '-s', '-w', '\n%{http_code}', `${url}${path}`)
  const script = (): string => get(machine, `/ipxe?mac=${mac}`)
  const tokenOf = (text: string): string => /&guard=([\w-]+)/.exec(text)?.[1] ?? ''

  t.equal(tokenOf(get(stranger, `/ipxe?mac=${mac}`)), '', 'the script as a stranger reads it has no token')
  const first = script()
  t.match(first, /^#!ipxe\nkernel \/assets\/k ignition\.config\.url=.*&guard=/)
  const token = tokenOf(first)
  get(machine, '/assets/k')
  t.match(get(stranger, `/ignition?mac=${mac}&guard=${token}`), /403 Forbidden\n\n403$/)
  t.match(get(machine, `/ignition?mac=${mac}`), /\n403$/)
  t.match(JSON.parse(await appliance.line(/carries no guard token/)), { level: 'warn', msg: 'http.ignition', mac })
  t.match(get(machine, `/ignition?mac=${mac}&guard=${token}`), /"3\.3\.0".*\n200$/)

  t.match(get(stranger, `/v1/installed?mac=${mac}`), /\n403$/, 'nobody else reports a machine as installed')
  t.match(get(stranger, `/ignition?mac=${mac}&os=installed&guard=${token}`), /\n403$/)
  t.match(script(), /kernel/)
  t.match(get(machine, `/ignition?mac=${mac}&os=installed&guard=${token}`), /\n200$/)
  t.match(script(), /Starting from the local disk/, 'the second stage was fetched: it is installed')
  t.match(get(space, `/grub?mac=${mac}`), /Local disk/)

  appliance.child.kill('SIGTERM')
  await appliance.ended
  appliance = await start()
  t.match(script(), /Starting from the local disk/, 'also after a restart')

  writeFileSync(join(folder, 'data/groups/install.json'), group('install', { mac }, { reinstall: 'today' }))
  const reinstalls = async (): Promise<void> => { for (let i = 0; i < 200 && !script().includes('kernel'); i++) await appliance.next() }
  await reinstalls()
  t.match(script(), /kernel/)
  get(machine, '/assets/k')
  t.match(get(machine, `/v1/installed?mac=${mac}`), /"installed":true.*\n200$/)
  t.match(script(), /Starting from the local disk/)
  t.match((await new Program(['machines', 'reset', mac, '--config', config]).end()).stdout, /starts over/)
  t.match(script(), /kernel/)
})

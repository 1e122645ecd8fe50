// A machine takes its address of one provisioner and comes to another, which has not heard of the lease: it is asked for, wherever whose an
// address is decides. The news are late until then, every time.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { bundledProgram } from '../helpers/built.js'
import { startEtcdIn } from '../helpers/etcd-network.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { askForAddress } from '../helpers/network-site.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able, needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

t.setTimeout(300_000)

const macOf = (n: number): string => `52:54:00:00:24:0${n}`

t.test('a lease of which the other has not heard', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'udhcpc', 'etcd', 'curl')) return
  const folder = t.testdir({
    store: {
      profiles: {
        'core.json': JSON.stringify({ id: 'core', boot: { kernel: '/assets/core' } }),
        'secret.json': JSON.stringify({ id: 'secret', ignition_id: 'secret.ign', boot: { kernel: '/assets/secret', args: ['ignition.config.url=http://172.30.0.3:8080/ignition?mac=${mac:hexhyp}'] } }) // eslint-disable-line no-template-curly-in-string -- iPXE's own variable
      },
      groups: {
        'guarded.json': JSON.stringify({ id: 'guarded', profile: 'secret', selector: { mac: macOf(2) }, metadata: { ignition_guard: 'true' } }),
        'once.json': JSON.stringify({ id: 'once', profile: 'core', selector: { mac: macOf(3) }, metadata: { install_once: 'true' } })
      },
      ignition: { 'secret.ign': JSON.stringify({ ignition: { version: '3.3.0' } }) }
    }
  })
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  startEtcdIn(space, { name: 'etcd', address: '172.30.0.1', folder, isFleeting: true })
  const late = fileURLToPath(new URL('../helpers/late-watch.ts', import.meta.url))
  await space.spawn(process.execPath, typescript, late, '172.30.0.1:2479', 'http://172.30.0.1:2379').line(/listening/)

  const start = async (n: number, etcd: string, unknownClients: 'allow' | 'deny') => {
    const place = space.client('br0')
    place.ip('address', 'add', `172.30.0.${n}/24`, 'dev', 'eth0')
    const config = join(folder, `p${n}.json`)
    writeFileSync(config, JSON.stringify({
      data_path: join(folder, `p${n}/data`),
      assets_path: '',
      state_path: join(folder, `p${n}/state`),
      control_socket: join(shortFolder(t), 'c'),
      rpc: { address: '' },
      enrolment: { profiles: [{ profile: 'core' }] },
      dhcp: { mode: 'server', interface: 'eth0', unknown_clients: unknownClients, subnets: [{ subnet: '172.30.0.0/24', range: '172.30.0.100-172.30.0.150' }] },
      cluster: { name: `p${n}`, etcd: { endpoints: [etcd] } }
    }))
    await place.spawn(process.execPath, bundledProgram(), 'serve', '--config', config).line(/"msg":"appliance\.ready"/)
    return (...args: readonly string[]): string => place.exec(process.execPath, bundledProgram(), ...args, '--config', config)
  }
  const giver = await start(2, 'http://172.30.0.1:2379', 'allow')
  // It gives nobody an address, and is told late.
  await start(3, 'http://172.30.0.1:2479', 'deny')
  giver('store', 'import', join(folder, 'store'))

  const boot = async (n: number) => {
    const at = space.client('br0', macOf(n))
    const [, ip = '', from = ''] = /lease of (\S+) obtained from (\S+?),/.exec(await askForAddress(at, 20)) ?? []
    t.equal(from, '172.30.0.2')
    at.ip('address', 'add', `${ip}/24`, 'dev', 'eth0')
    return async (path: string): Promise<string> => {
      const asking = at.spawn('curl', '-s', '-m', '60', '-w', '\n%{http_code}', `http://172.30.0.3:8080${path}`)
      await asking.ended
      return asking.output()
    }
  }
  const scriptOf = (n: number): string => `/ipxe?uuid=&mac=${macOf(n).replaceAll(':', '-')}`
  const newcomer = await boot(1)
  t.match(await newcomer(scriptOf(1)), /kernel \S*\/assets\/core/, 'it is enrolled')
  const guarded = await boot(2)
  const script = await guarded(scriptOf(2))
  t.match(script, /&guard=[\w-]+/, 'its script has a token')
  const token = /&guard=([\w-]+)/.exec(script)?.[1] ?? ''
  t.match(await guarded(`/ignition?mac=${macOf(2)}&guard=${token}`), /"3\.3\.0".*\n200$/)
  const once = await boot(3)
  t.match(await once(`/v1/installed?mac=${macOf(3)}`), /\n200$/, 'it may say that it is installed')
})

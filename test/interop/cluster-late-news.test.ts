// A machine takes its address of one provisioner and comes to another, which has not heard of the lease: it is asked for, wherever whose an
// address is decides. The news are late until then, every time.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startEtcdIn } from '../helpers/etcd-network.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { askForAddress } from '../helpers/network-site.js'
import { provisionerIn, type ProvisionerIn } from '../helpers/provisioner-in.js'
import { able, needs } from '../helpers/tools.js'
import { omahaRequest } from '../helpers/update-nodes.js'
import { typescript } from '../helpers/typescript.js'

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
  const lateWatch = fileURLToPath(new URL('../helpers/late-watch.ts', import.meta.url))
  await space.spawn(process.execPath, typescript, lateWatch, '172.30.0.1:2479', 'http://172.30.0.1:2379').line(/listening/)

  const [giver, late] = [[2, 2379, 'allow'] as const, [3, 2479, 'deny'] as const].map(([n, port, unknownClients]) => provisionerIn(t, space, n, {
    folder, etcd: `http://172.30.0.1:${port}`, config: { enrolment: { profiles: [{ profile: 'core' }] }, updates: { groups: [{ name: 'workers', os: 'flatcar', channel: 'stable' }] } }, dhcp: { unknown_clients: unknownClients }
  })) as [ProvisionerIn, ProvisionerIn]
  await giver.start()
  // It gives nobody an address, and is told late.
  await late.start()
  giver.run('store', 'import', join(folder, 'store'))

  const boot = async (n: number) => {
    const at = space.client('br0', macOf(n))
    const [, ip = '', from = ''] = /lease of (\S+) obtained from (\S+?),/.exec(await askForAddress(at, 20)) ?? []
    t.equal(from, giver.address)
    at.ip('address', 'add', `${ip}/24`, 'dev', 'eth0')
    return async (path: string, ...words: readonly string[]): Promise<string> => {
      const asking = at.spawn('curl', '-s', '-m', '60', '-w', '\n%{http_code}', ...words, `${late.url}${path}`)
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
  // What follows names no hardware address.
  const updated = await boot(4)
  t.match(await updated('/v1/update/', '-d', omahaRequest({ version: '1.2.3', track: 'workers', machineId: 'm4', check: true })), /\n200$/)
  t.match(JSON.parse(late.run('updates', 'list', '--json')), { machines: [{ mac: macOf(4), address: /^172/ }] }, 'who asks for an update is known')
  const member = await boot(5)
  const [, path = ''] = /(\/etcd\/\w+)\n200$/.exec(await member('/etcd/new?size=1')) ?? []
  t.match(await member(`${path}/a1`, '-X', 'PUT', '-d', 'value=m=http://172.30.0.99:2380'), /\n201$/)
  t.ok(await late.line(new RegExp(`"mac":"${macOf(5)}".*"msg":"discovery\\.\\w+"`)), 'a member of a new etcd cluster is')
})

// Machines and two provisioners over one etcd, with real DHCP: seen by one and enrolled or adopted at the other, installed once over both, a guard
// token that was used at one and shown to the other, and who waits at the other.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { startEtcdIn } from '../helpers/etcd-network.js'
import { namespaceProblem, NetworkNamespace, type Running } from '../helpers/netns.js'
import { askForAddress } from '../helpers/network-site.js'
import { provisionerIn, type ProvisionerIn } from '../helpers/provisioner-in.js'
import { able, needs } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

const macOf = (n: number): string => `52:54:00:00:22:0${n}`

t.test('what one provisioner saw and gave counts at the other', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'udhcpc', 'etcd', 'curl')) return
  const folder = t.testdir({})
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  startEtcdIn(space, { name: 'etcd', address: '172.30.0.1', folder, isFleeting: true })
  const provisioners = [2, 3].map(n => provisionerIn(t, space, n, {
    folder,
    etcd: 'http://172.30.0.1:2379',
    config: {
      tftp: { address: '' },
      enrolment: { profiles: [{ profile: 'core', quantity: 3 }, { profile: 'rest' }], range: '172.30.0.21-172.30.0.60', hostname: 'core-{n}' }
    },
    dhcp: { unknown_clients: 'allow' }
  }))
  const [two, three] = provisioners as [ProvisionerIn, ProvisionerIn]
  await two.start()
  await three.start()
  const files: Readonly<Record<string, unknown>> = {
    'profiles/core.json': { id: 'core', boot: { kernel: '/assets/core' } },
    'profiles/rest.json': { id: 'rest', boot: { kernel: '/assets/rest' } },
    'profiles/install.json': { id: 'install', boot: { kernel: '/assets/install', args: ['ignition.config.url=http://172.30.0.2:8080/ignition?mac=${mac:hexhyp}'] }, ignition_id: 'secret.ign' }, // eslint-disable-line no-template-curly-in-string -- iPXE's own variable
    'groups/once.json': { id: 'once', profile: 'install', selector: { mac: macOf(5) }, metadata: { install_once: 'true', ignition_guard: 'true', guard_count: '1' } },
    'ignition/secret.ign': { ignition: { version: '3.3.0' } }
  }
  for (const [name, value] of Object.entries(files)) {
    const path = join(folder, 'store', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, JSON.stringify(value))
  }
  two.run('store', 'import', join(folder, 'store'))

  /** Takes an address; who gave it, and who did not. */
  const boot = async (n: number): Promise<{ readonly at: NetworkNamespace, readonly ip: string, readonly by: ProvisionerIn, readonly other: ProvisionerIn }> => {
    const at = space.client('br0', macOf(n))
    const [, ip = '', from = ''] = /lease of (\S+) obtained from (\S+?),/.exec(await askForAddress(at, 20)) ?? []
    at.ip('address', 'add', `${ip}/24`, 'dev', 'eth0')
    return { at, ip, ...from === two.address ? { by: two, other: three } : { by: three, other: two } }
  }
  const get = (from: NetworkNamespace, { url }: ProvisionerIn, path: string): Running => from.spawn('curl', '-s', '-m', '60', '-w', '\n%{http_code}', `${url}${path}`)
  const got = async (...asked: Parameters<typeof get>): Promise<string> => {
    const asking = get(...asked)
    await asking.ended
    return asking.output()
  }
  const scriptOf = (n: number): string => `/ipxe?uuid=&mac=${macOf(n).replaceAll(':', '-')}&serial=S${n}`

  const first = await boot(1)
  t.match(first.ip, /^172\.30\.0\.1[0-5]\d$/, 'to boot with')
  t.match(await got(first.at, first.other, scriptOf(1)), /kernel \S*\/assets\/core/, 'enrolled at the one that did not give the address')
  t.match(await got(first.at, first.by, scriptOf(1)), /kernel \S*\/assets\/core/, 'and boots by either')
  const [second, third, fourth] = [await boot(2), await boot(3), await boot(4)]
  const scripts = await Promise.all([got(second.at, two, scriptOf(2)), got(third.at, three, scriptOf(3))])
  for (const text of scripts) t.match(text, /kernel \S*\/assets\/core/)

  fourth.other.run('machines', 'adopt', macOf(4), '--name', 'adopted', '--profile', 'rest')
  for (const one of provisioners) t.match(await got(fourth.at, one, scriptOf(4)), /kernel \S*\/assets\/rest/, 'adopted at the one that never saw it')
  let groups: ReadonlyArray<Record<string, unknown>> = []
  const groupOf = (n: number): unknown => groups.find(({ mac }) => mac === macOf(n))?.['group']
  await until('one of them has heard of what both enrolled', () => {
    groups = JSON.parse(two.run('machines', 'list', '--json')) as typeof groups
    return [1, 2, 3, 4].every(n => groupOf(n) !== undefined)
  })
  t.same([1, 2, 3].map(groupOf).sort(), ['core-1', 'core-2', 'core-3'], 'no number twice')
  t.equal(groupOf(4), 'adopted')
  const addresses: string[] = []
  for (const n of [1, 2, 3]) addresses.push(/lease of (\S+) obtained/.exec(await askForAddress([first, second, third][n - 1]!.at, 20))?.[1] ?? '')
  t.same([...addresses].sort(), ['172.30.0.21', '172.30.0.22', '172.30.0.23'], 'each has an address of its own now, whoever is asked')

  const once = await boot(5)
  const script = await got(once.at, once.by, scriptOf(5))
  const token = /&guard=([\w-]+)/.exec(script)?.[1] ?? ''
  t.not(token, '')
  t.match(await got(once.at, once.other, scriptOf(5)), /8080\/ignition\?mac=\S*&guard=/, 'whoever writes the script, and whichever of them it leads to')
  const config = `/ignition?mac=${macOf(5)}&guard=${token}`
  t.match(await got(first.at, once.other, config), /\n403$/, 'a token is its machine\'s')
  t.match(await got(once.at, once.other, config), /"3\.3\.0".*\n200$/, 'a token of one is taken by the other')
  for (const one of provisioners) t.match(await got(once.at, one, config), /\n403$/, 'once')
  const waiting = get(space, once.other, `/v1/machines/${macOf(5)}?wait=installed&timeout=60`)
  const [open] = [await got(space, once.other, `/v1/machines/${macOf(5)}`)]
  t.match(open, /\n(?:200|403)$/)
  t.match(await got(once.at, once.by, `/v1/installed?mac=${macOf(5)}`), /\n2\d\d$/)
  for (const one of provisioners) t.notMatch(await got(once.at, one, scriptOf(5)), /\/assets\/install/, 'installed once over both')
  await until('who waited at the other is told', async () => { await waiting.ended; return true })
  t.match(waiting.output(), /"stage":"installed".*\n200$/s)
})

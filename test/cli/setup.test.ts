// setup: what install.sh asks the program before it changes anything, and the closing words.
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import type { Io } from '../../src/cli/command.js'
import { policyFile } from '../../src/cli/setup-files.js'
import { closingWords } from '../../src/cli/setup-next.js'
import { type SetupPlaces, placesBelow } from '../../src/cli/setup-places.js'
import { planInstallation, type PlanRequest } from '../../src/cli/setup-plan.js'
import { loadConfig } from '../../src/config/load.js'
import { gatewayUnit } from '../../src/setup/gateway.js'
import { builtProgram } from '../helpers/built.js'
import { runCommand } from '../helpers/command.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { Program } from '../helpers/program.js'
import { able, needs, needsRoot } from '../helpers/tools.js'

const quiet = "dhcp: { mode: 'off' }\nhttp: { address: '127.0.0.1:0' }\nrpc: { address: '' }\ntftp: { address: '' }\n"

/** A place to install to, with this configuration there already, and somebody who types these lines. */
interface Site { installed: SetupPlaces, to: string, plan: (request: Partial<PlanRequest>) => Promise<number>, said: () => string }

function site (t: Test, config: string | undefined, typed: readonly string[] = []): Site {
  const folder = t.testdir({ to: {}, bundle: { SHA256SUMS: 'sums\n' } })
  const installed = placesBelow(folder)
  for (const path of [dirname(installed.config), installed.data, installed.certificates, installed.units]) mkdirSync(path, { recursive: true })
  if (config !== undefined) writeFileSync(installed.config, config)
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end(typed.map(line => `${line}\n`).join(''))
  let said = ''
  for (const stream of [stdout, stderr]) stream.on('data', (piece: Buffer) => { said += piece.toString() })
  const io = { stdin, stdout, stderr, terminal: false, journal: false, env: { MATCHBOX_DATA_PATH: installed.data }, stop: new Promise(() => {}) } as unknown as Io
  const to = join(folder, 'to')
  const request: PlanRequest = {
    wishes: {}, to, bundle: join(folder, 'bundle'), version: '0.1.0', systemd: 252, names: ['boot'], ask: typed.length > 0, dryRun: false, idle: true, certificates: false, otherwise: undefined, gateway: { outside: undefined, removed: false }
  }
  return { installed, to, plan: async more => await planInstallation({ ...request, ...more }, io, installed), said: () => said }
}

/** What there is to do before anything is switched. */
const steps = ({ to }: Site): string => readFileSync(join(to, 'before'), 'utf8')

t.test('a configuration that is there and contradicts the flags is a question', async t => {
  const wishes = { advertise: 'boot.example.com' }
  const nobody = site(t, quiet)
  await t.rejects(nobody.plan({ wishes }), { code: 'refused', message: /^nothing was changed: --change-config has those keys changed.*--keep-config leaves it/ })
  t.match(nobody.said(), /config\.yaml says advertise: \(nothing\), and --advertise says boot\.example\.com\n/)
  t.notOk(existsSync(join(nobody.to, 'settings')), 'there is nothing to go on with')

  const keep = site(t, quiet)
  t.equal(await keep.plan({ wishes, otherwise: 'keep' }), 0)
  t.match(keep.said(), /stays as it was, whatever is said of --advertise/)
  t.notMatch(steps(keep), /config\.yaml/)

  const change = site(t, quiet)
  t.equal(await change.plan({ wishes, otherwise: 'change' }), 0)
  t.match(steps(change), /^keep \S+\/config\.yaml - - keep the configuration as it was as .*\nput \S+\/config\.yaml 640 root:matchbox write /m)
  const changed = readFileSync(join(change.to, 'files', change.installed.config), 'utf8')
  t.match(changed, /^advertise: boot\.example\.com$/m)
  t.match(changed, /127\.0\.0\.1:0/)
  t.equal(readFileSync(change.installed.config, 'utf8'), quiet, 'the file itself is for install.sh to write')

  for (const [answers, state] of [[['perhaps', 'change'], 'changed'], [[''], 'kept']] as const) {
    const person = site(t, quiet, answers)
    t.equal(await person.plan({ wishes }), 0)
    t.equal(/^keep /m.test(steps(person)), state === 'changed')
  }
  await t.rejects(site(t, quiet, ['stop']).plan({ wishes }), { message: 'nothing was changed' })
  await t.rejects(site(t, quiet, ['no idea']).plan({ wishes }), { message: /there is nobody to answer/ }, 'the end of input is no answer')
  t.equal(await site(t, quiet).plan({ wishes: { mode: 'off' } }), 0, 'flags that say the same are no question')
})

t.test('a person is shown what becomes of the answers, and may say no', async t => {
  const yes = site(t, undefined, ['offf', 'off', 'ye', 'YES'])
  t.equal(await yes.plan({ dryRun: true }), 0)
  t.match(yes.said(), /there is no mode offf: server, proxy or off[^]* {2}mode: 'off'\n[^]*Install with this configuration \(yes, no\) \[yes\]: yes or no, not ye\n/)
  t.match(readFileSync(join(yes.to, 'files', yes.installed.config), 'utf8'), /mode: 'off'/)
  const no = site(t, undefined, ['off', 'no'])
  await t.rejects(no.plan({ dryRun: true }), { message: 'nothing was changed' })
  t.notOk(existsSync(join(no.to, 'settings')))
  await t.rejects(site(t, undefined).plan({}), { code: 'usage', message: /there is nobody to ask/ })
})

t.test('a configuration that would not work is told by the name that it will have', async t => {
  const wrong = site(t, undefined)
  await t.rejects(wrong.plan({ wishes: { interface: 'lo', subnet: '127.0.0.5/8' } }), { message: 'nothing was changed: the configuration would not work (above), and is not written' })
  t.match(wrong.said(), new RegExp(`^${wrong.installed.config}:8:\\d+: error: dhcp\\.subnets\\.0\\.subnet: expected a subnet`, 'm'))
  for (const [message, wishes] of [
    [/range: expected first-last/, { interface: 'lo', subnet: '127.0.0.0/8', range: '127.0.0.20-127.0.0.10' }],
    [/dns_servers/, { interface: 'lo', subnet: '127.0.0.0/8', dns: 'ns.example.com' }],
    [/hold no address of lo \(127\.0\.0\.1\)[^]*--subnet and --interface do not fit/, { interface: 'lo', subnet: '10.9.0.0/24' }]
  ] as const) {
    const other = site(t, undefined)
    await t.rejects(other.plan({ wishes }), { message: /nothing was changed/ })
    t.match(other.said(), message)
  }
  const broken = site(t, 'dhcp: [\n')
  await t.rejects(broken.plan({}), { message: /nothing was changed/ })
  const gateway = site(t, quiet)
  await t.rejects(gateway.plan({ gateway: { outside: 'lo', removed: false } }), { message: /--gateway needs the network that it is for/ })
})

t.test('what is left of a gateway whose removal was killed is taken away by the next one', async t => {
  for (const left of [[gatewayUnit], [`${gatewayUnit}.d/interfaces.conf`], ['policy']]) {
    const killed = site(t, quiet)
    const { units, firewalld } = killed.installed
    for (const name of left) {
      const path = name === 'policy' ? join(firewalld, policyFile) : join(units, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, 'Environment="OUTSIDE=lo"\n')
    }
    t.equal(await killed.plan({ gateway: { outside: undefined, removed: true } }), 0)
    t.match(readFileSync(join(killed.to, 'switch'), 'utf8'), /^gateway_off - - - take the gateway away$/m, left.join(' '))
    t.match(readFileSync(join(killed.to, 'settings'), 'utf8'), /^gateway=''$/m)
  }
  const none = site(t, quiet)
  t.equal(await none.plan({ gateway: { outside: undefined, removed: true } }), 0)
  t.notMatch(readFileSync(join(none.to, 'switch'), 'utf8'), /^gateway/m)
})

t.test('a store elsewhere that is root\'s is given to the service, or named', async t => {
  if (!needsRoot(t)) return
  for (const [name, expected] of [['store', /^give_root \S+\/store - - give what is root's in /m], ['a store', undefined]] as const) {
    const at = site(t, undefined)
    const store = join(dirname(at.to), name)
    mkdirSync(join(store, 'groups'), { recursive: true })
    writeFileSync(at.installed.config, `${quiet}data_path: ${JSON.stringify(store)}\n`)
    t.equal(await at.plan({}), 0)
    if (expected === undefined) t.match(at.said(), /note: .*\/a store is root's: give it to the service with chown -R matchbox: ".*\/a store"/)
    else t.match(steps(at), expected)
    chownSync(store, 12345, 12345)
    chownSync(join(store, 'groups'), 12345, 12345)
    t.equal(await at.plan({}), 0)
    t.notMatch(steps(at), /give_root/, 'but not what is somebody else\'s')
  }
})

t.test('what a kept configuration lacks is no reason when the version in force lacks it too', async t => {
  const lacking = "dhcp: { mode: server, interface: br7, subnets: [{ subnet: 10.9.0.0/24 }] }\nhttp: { address: '127.0.0.1:0' }\nrpc: { address: '' }\ntftp: { address: '' }\n"
  for (const [status, goesOn] of [[0, false], [1, true]] as const) {
    const kept = site(t, lacking)
    const old = join(kept.installed.versions, 'current/bin/core-provisioner')
    mkdirSync(dirname(old), { recursive: true })
    writeFileSync(old, `#!/bin/sh\n[ "$*" = 'check --without-store' ] && exit ${status}\nexit 9\n`, { mode: 0o755 })
    if (goesOn) t.equal(await kept.plan({ dryRun: true }), 0)
    else await t.rejects(kept.plan({ dryRun: true }), { message: /nothing was changed: the configuration would not work/ })
    t.match(kept.said(), goesOn ? /no interface br7[^]*has problems with that as well: going on/ : /no interface br7/)
  }
})

t.test('what the network has against it is told with the flags that help, and where machines pass a gateway by', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'dnsmasq')) return
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  space.bridge('out0', '10.9.0.2/24')
  const other = space.client('br0')
  other.ip('address', 'add', '172.30.0.2/24', 'dev', 'eth0')
  const { to, installed } = site(t, undefined)
  await other.spawn('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--user=root', '--interface=eth0', '--bind-interfaces',
    '--dhcp-range=172.30.0.100,172.30.0.150', `--dhcp-leasefile=${to}/leases`).line(/DHCP, IP range/)
  const plan = async (...more: readonly string[]): Promise<string> => {
    const running = space.spawn(process.execPath, builtProgram(), 'setup', 'plan', '--to', to, '--bundle', join(dirname(to), 'bundle'), '--interface', 'br0', '--subnet', '172.30.0.0/24', '--no-certs', '--idle', ...more)
    t.equal(await running.ended, more.includes('--dry-run') ? 0 : 1)
    return running.output()
  }
  t.match(await plan(), /another DHCP server answers on br0 \(172\.30\.0\.2\)[^]*\ninstall\.sh --mode proxy works beside it \(without --subnet and what else is a server's\)\n/)
  const passedBy = /note: machines are not told to go out through out0: in dhcp\.subnets 172\.30\.0\.0\/24 names the router 172\.30\.0\.9; routers: \[172\.30\.0\.1\] there/
  t.match(await plan('--gateway', 'out0', '--router', '172.30.0.9', '--dry-run'), passedBy)
  t.notMatch(await plan('--gateway', 'out0', '--dry-run'), /note: machines/, 'which is its router where none is named')
  t.notOk(existsSync(installed.config))
})

t.test('wrong usage, by the program itself', async t => {
  const wrong: ReadonlyArray<readonly [RegExp, ...string[]]> = [
    [/expected setup plan --to DIR/, 'plan'], [/expected setup plan/, 'nonsense'], [/--mode is server, proxy or off/, 'plan', '--to', 'x', '--mode', 'maybe'],
    [/--interface needs a value/, 'plan', '--to', 'x', '--interface', '-x'], [/not both/, 'plan', '--to', 'x', '--keep-config', '--change-config'],
    [/not both/, 'plan', '--to', 'x', '--gateway', 'a', '--no-gateway'], [/no interface is called a\/b/, 'plan', '--to', 'x', '--gateway', 'a/b'], [/takes no --config/, 'plan', '--to', 'x', '--config', 'y'],
    [/--purge goes with --uninstall/, 'plan', '--to', 'x', '--purge'], [/--uninstall takes no --subnet/, 'removal', '--to', 'x', '--subnet', '10.9.0.0/24'], [/--purge removes data for good: say --yes/, 'removal', '--to', 'x', '--purge']
  ]
  for (const [message, ...args] of wrong) t.match(await runCommand(['setup', ...args]), { status: 2, stderr: message }, args.join(' '))
  t.match(await new Program(['setup', 'nonsense']).end(), { status: 2, stderr: /expected setup plan/ })
})

t.test('the closing words name the next steps, the certificates, and the page if there is one', t => {
  const loaded = (...set: string[]) => loadConfig({ file: undefined, defaultFile: '/nowhere', set, env: {} })
  const first = closingWords(loaded('data_path=/srv/store'), { first: true, newCertificates: true }, true)
  t.match(first[0], /^for Terraform and cluster packages: \/etc\/matchbox\/matchbox-certs\.tar\.gz /)
  t.match(first.join('\n'), /^next:$[^]*\/srv\/store\/groups[^]*^certificates: \/etc\/matchbox /m)
  t.notMatch(first.join('\n'), /page:|and an ip/)
  const server = ['dhcp.mode=server', 'dhcp.interface=lo', 'dhcp.subnets=[{ subnet: 127.0.0.0/8, range: 127.0.0.10-127.0.0.20 }]']
  const closing = (policy: string): string => closingWords(loaded(...server, `dhcp.unknown_clients=${policy}`), { first: true, newCertificates: false }, false).join('\n')
  t.match(closing('deny'), /for each machine a group in \/var\/lib\/matchbox\/groups, with its mac .* and an ip .*unknown_clients is deny/)
  t.notMatch(closing('allow'), /and an ip/)
  const page = closingWords(loaded('advertise=boot.example.com', 'ui.address=0.0.0.0:8090', 'ui.allow=[10.0.0.0/8]', 'rpc.address='), { first: true, newCertificates: false }, false)
  t.match(page.join('\n'), /^certificates: none[^]*^page: http:\/\/boot\.example\.com:8090\/ui\/ for 10\.0\.0\.0\/8 \(ui\.allow\)$/m)
  t.same(closingWords(loaded(), { first: false, newCertificates: false }, true), [])
  t.end()
})

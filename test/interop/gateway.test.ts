// The gateway of the served network, as core-provisioner-gateway.service runs it: a machine behind it reaches a server outside under the
// gateway's address, nobody reaches in, and nothing is left when it goes. By nftables, by iptables, and where iptables drops what is not its own.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { projectRoot } from '../helpers/project.js'
import { NetworkNamespace, namespaceProblem } from '../helpers/netns.js'
import { able, findTool, needs, needsRoot } from '../helpers/tools.js'

const script = join(projectRoot, 'scripts/install/gateway.sh')
const answerer = 'require(\'node:http\').createServer((request, response) => response.end(request.socket.remoteAddress)).listen(8000, \'0.0.0.0\', () => console.log(\'listening\'))'

interface Site {
  readonly gateway: NetworkNamespace
  readonly machine: NetworkNamespace
  readonly outside: NetworkNamespace
  readonly third: NetworkNamespace
  /** Who asked, by what the server outside says; '' when nothing came back. */
  readonly reached: (from: NetworkNamespace, address: string) => string
  readonly run: (what: 'up' | 'down') => string
  readonly forwarding: (name: string) => string
}

/** A gateway with a machine on its inside, a server on its outside, and a network that is none of its business. `tools`: its own PATH. */
async function site (t: Test, ...tools: readonly string[]): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'))
  const gateway = new NetworkNamespace()
  t.teardown(async () => {
    await gateway.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const far = (name: string, own: string, address: string, route?: string): NetworkNamespace => {
    gateway.bridge(name, own)
    const client = gateway.client(name)
    client.ip('address', 'add', address, 'dev', 'eth0')
    if (route !== undefined) client.ip('route', 'add', 'default', 'via', route)
    return client
  }
  const machine = far('inside', '192.168.100.2/24', '192.168.100.50/24', '192.168.100.2')
  // Outside knows no way back into the served network: only an answer to the gateway itself arrives.
  const outside = far('outside', '10.9.0.2/24', '10.9.0.9/24')
  const third = far('third', '10.8.0.2/24', '10.8.0.9/24', '10.8.0.2')
  for (const server of [machine, outside, third]) await server.spawn(process.execPath, '-e', answerer).line(/listening/)
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  for (const tool of ['sh', 'cat', 'grep', 'mkdir', 'rm', ...tools]) symlinkSync(findTool(tool) ?? '', join(bin, tool))
  chmodSync(folder, 0o755)
  // The script adds where programs are to its PATH: what is not to be there is not found in a root of its own.
  const hidden = ['nft', 'iptables'].filter(tool => !tools.includes(tool)).flatMap(tool => ['/usr/sbin', '/sbin'].map(place => `${place}/${tool}`)).filter(path => existsSync(path))
  const kept = join(folder, 'kept')
  const run = (what: string): string => gateway.exec('unshare', '--mount', 'sh', '-c',
    `for path in ${hidden.join(' ')}; do mount --bind /dev/null "$path"; done; INSIDE=inside OUTSIDE=outside NETWORKS=192.168.100.0/24 RUNTIME_DIRECTORY=${kept} exec ${script} ${what} 2>&1`)
  return {
    gateway,
    machine,
    outside,
    third,
    run,
    reached: (from, address) => {
      try {
        return from.exec('curl', '--silent', '--max-time', '2', `http://${address}:8000/`)
      } catch {
        return ''
      }
    },
    forwarding: name => gateway.exec('cat', `/proc/sys/net/ipv4/conf/${name}/forwarding`).trim()
  }
}

/** Without counters, and in an order that is none of the kernel's. */
const rules = (gateway: NetworkNamespace): string => [['nft', 'list', 'ruleset'], ['iptables', '-S'], ['iptables', '-t', 'nat', '-S']].map(([tool = '', ...args]) => {
  try {
    return gateway.exec(tool, ...args)
  } catch {
    return ''
  }
}).join('\n').replaceAll(/counter packets \d+ bytes \d+ ?/g, '').split('\n').sort().join('\n')

async function holds (t: Test, { gateway, machine, outside, third, run, reached, forwarding }: Site): Promise<void> {
  for (const name of ['inside', 'outside', 'third']) gateway.exec('sh', '-c', `echo 0 >/proc/sys/net/ipv4/conf/${name}/forwarding`)
  t.equal(reached(machine, '10.9.0.9'), '', 'before')
  t.equal(run('up'), '')
  t.equal(reached(machine, '10.9.0.9'), '10.9.0.2', 'out, under the address of the gateway')
  outside.ip('route', 'add', '192.168.100.0/24', 'via', '10.9.0.2')
  t.equal(reached(outside, '192.168.100.50'), '', 'nobody comes in')
  outside.ip('route', 'add', '10.8.0.0/24', 'via', '10.9.0.2')
  t.equal(reached(outside, '10.8.0.9'), '', 'and from outside nothing is forwarded anywhere else')
  t.equal(reached(machine, '10.8.0.9'), '', 'nor from inside')
  t.equal(reached(third, '10.9.0.9'), '', 'other networks are not let out')
  t.equal(forwarding('third'), '0')
  const once = rules(gateway)
  t.equal(run('up'), '')
  t.equal(rules(gateway), once, 'a second time changes nothing')
  t.equal(reached(machine, '10.9.0.9'), '10.9.0.2')
  t.equal(run('down'), '')
  t.equal(reached(machine, '10.9.0.9'), '', 'after')
  t.same(['inside', 'outside'].map(forwarding), ['0', '0'], 'forwarding is as it was')
  t.notMatch(rules(gateway), /core.provisioner/i, 'nothing is left')
}

if (needs(t, 'nft', 'iptables', 'ip', 'curl') && needsRoot(t) && able(t, namespaceProblem())) {
  t.test('by nftables', async t => {
    const made = await site(t, 'nft')
    await holds(t, made)
  })

  t.test('by iptables, where there is no nft', async t => {
    const made = await site(t, 'iptables')
    await holds(t, made)
  })

  t.test('where iptables drops all that is forwarded, as Docker has it', async t => {
    const made = await site(t, 'nft', 'iptables')
    made.gateway.exec('iptables', '-P', 'FORWARD', 'DROP')
    await holds(t, made)
    t.match(made.gateway.exec('iptables', '-S', 'FORWARD'), /^-P FORWARD DROP$/m)
  })

  t.test('what was forwarded before goes on, during and after', async t => {
    const made = await site(t, 'nft')
    for (const name of ['outside', 'third']) made.gateway.exec('sh', '-c', `echo 1 >/proc/sys/net/ipv4/conf/${name}/forwarding`)
    made.outside.ip('route', 'add', '10.8.0.0/24', 'via', '10.9.0.2')
    t.equal(made.reached(made.outside, '10.8.0.9'), '10.9.0.9')
    made.run('up')
    t.equal(made.reached(made.outside, '10.8.0.9'), '10.9.0.9')
    made.run('down')
    t.equal(made.reached(made.outside, '10.8.0.9'), '10.9.0.9')
    t.equal(made.forwarding('outside'), '1')
  })

  t.test('what it is not told, or cannot do, is said', async t => {
    const { gateway } = await site(t, 'nft')
    const said = (assignments: string): string => gateway.exec('sh', '-c', `${assignments} ${script} up 2>&1 || true`)
    t.match(said('INSIDE=inside'), /gateway\.sh: INSIDE, OUTSIDE and NETWORKS say for whom/)
    t.match(said(`INSIDE=inside OUTSIDE=gone NETWORKS=10.0.0.0/8 RUNTIME_DIRECTORY=${mkdtempSync(join(t.testdir({}), 'kept-'))}`), /there is no interface gone/)
    t.notMatch(rules(gateway), /core.provisioner/i)
  })

  t.test('the unit runs that script', t => {
    const unit = readFileSync(join(projectRoot, 'systemd/core-provisioner-gateway.service'), 'utf8')
    t.match(unit, /^ExecStart=\/opt\/core-provisioner\/current\/bin\/gateway\.sh up$/m)
    t.match(unit, /^ExecStop=\/opt\/core-provisioner\/current\/bin\/gateway\.sh down$/m)
    t.end()
  })
}

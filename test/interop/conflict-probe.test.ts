// Conflict probing against the kernel's own ARP in a network namespace: used, free, gone but remembered, behind a firewall.
import t from 'tap'
import { fileURLToPath } from 'node:url'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { able } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

const program = fileURLToPath(new URL('../helpers/probe-program.ts', import.meta.url))

t.test('who uses an address', async t => {
  if (!able(t, namespaceProblem())) return
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const host = space.client('br0', '02:00:00:00:00:09')
  // A bridge on which no port is up has no carrier, and within a second the kernel forgets everybody behind it.
  space.client('br0')
  for (const last of [9, 11]) host.ip('address', 'add', `172.30.0.${last}/24`, 'dev', 'eth0')
  interface Answered { readonly inUse: boolean, readonly by?: string, readonly milliseconds: number, readonly all: readonly Answered[] }
  const ask = (addresses: string, mac: string): Answered =>
    JSON.parse(space.exec(process.execPath, typescript, program, addresses, mac)) as Answered
  const fastest = ({ all }: Answered): number => Math.min(...all.map(({ milliseconds }) => milliseconds))
  const stranger = '02:00:00:00:00:55'

  const used = ask('172.30.0.11,172.30.0.9', stranger)
  t.match(used, { inUse: true, by: '02:00:00:00:00:09' }, 'a host that was never spoken to')
  t.match(ask('172.30.0.9', stranger), { inUse: true }, 'a host the kernel knows by now')
  t.match(ask('172.30.0.9', '02:00:00:00:00:09'), { inUse: false }, 'the machine itself')
  const free = ask('172.30.0.10,172.30.0.20', stranger)
  t.match(free, { inUse: false }, 'nobody')
  t.ok(fastest(free) >= 250, `who is silent has ${fastest(free)} ms`)
  t.ok(fastest(used) < fastest(free) / 2, `who answers is believed at once: ${fastest(used)} ms`)
  host.ip('link', 'set', 'eth0', 'down')
  t.match(space.ip('neighbour', 'show', '172.30.0.9'), '02:00:00:00:00:09', 'the kernel remembers the host')
  t.match(ask('172.30.0.9', stranger), { inUse: false }, 'a host that is gone does not hold its address')
})

t.test('a router in front of a relayed network: its word is not that of a host there', async t => {
  if (!able(t, namespaceProblem())) return
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const router = space.client('br0', '02:00:00:00:00:0f')
  router.ip('address', 'add', '172.30.0.2/24', 'dev', 'eth0')
  router.ip('route', 'add', 'unreachable', '172.31.0.0/24')
  // Linux sends one of these a second; here two are asked for, one by the probe and one by the test.
  router.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/icmp_ratelimit')
  space.ip('route', 'add', '172.31.0.0/24', 'via', '172.30.0.2')
  const ask = (...args: string[]): unknown => JSON.parse(space.exec(process.execPath, typescript, program, ...args))
  t.match(ask('172.31.0.9', '02:00:00:00:00:55', 'errors'), { inUse: false, errors: [{ errno: 'EHOSTUNREACH', offender: '172.30.0.2', destination: '172.31.0.9' }] })
  router.ip('route', 'del', 'unreachable', '172.31.0.0/24')
  router.ip('route', 'add', 'local', '172.31.0.7', 'dev', 'lo')
  t.match(ask('172.31.0.7', '02:00:00:00:00:55', 'errors'), {
    inUse: true, errors: [{ errno: 'ECONNREFUSED', offender: '172.31.0.7', destination: '172.31.0.7' }]
  }, 'a host there speaks for itself')
})

t.test('proxy ARP: a MAC that answers for many addresses is no host', async t => {
  if (!able(t, namespaceProblem())) return
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const router = space.client('br0', '02:00:00:00:00:0f')
  router.bridge('other0', '172.31.0.1/24')
  router.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv4/conf/eth0/proxy_arp; echo 0 > /proc/sys/net/ipv4/neigh/eth0/proxy_delay')
  router.ip('route', 'add', '172.30.0.0/24', 'dev', 'other0')
  const answers = JSON.parse(space.exec(process.execPath, typescript, program, '172.30.0.21,172.30.0.22,172.30.0.23,172.30.0.24', '02:00:00:00:00:55')) as unknown
  t.match(answers, { all: [{ inUse: true }, { inUse: true }, { inUse: false }, { inUse: false }] })
})

// Real clients against the server in a network namespace: who is answered, and that they take the lease.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { fileURLToPath } from 'node:url'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { parseLease } from '../../src/dhcp/lease-file.js'
import { readFileSync } from 'node:fs'
import { namespaceProblem, NetworkNamespace, type Running } from '../helpers/netns.js'
import type { ProgramOptions } from '../helpers/dhcp-program.js'
import { able, needs } from '../helpers/tools.js'

const program = fileURLToPath(new URL('../helpers/dhcp-program.ts', import.meta.url))

interface Served { readonly server: Running, readonly leases: string, /** A folder for the test's files. */ readonly folder: string }

async function serve (t: Test, space: NetworkNamespace, options: Partial<ProgramOptions> = {}): Promise<Served> {
  const folder = t.testdir()
  const leases = join(folder, 'leases.jsonl')
  const given: ProgramOptions = { interface: 'br0', leases, range: '172.30.0.100-172.30.0.199', unknownClients: 'allow', ...options }
  const server = space.spawn(process.execPath, '--import=tsx', program, JSON.stringify(given))
  await server.line(/^ready$/)
  return { server, leases, folder }
}

function network (t: Test): NetworkNamespace | undefined {
  if (!able(t, namespaceProblem())) return undefined
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  return space
}

const boundIn = (leases: string): string[] =>
  readFileSync(leases, 'utf8').split('\n').map(parseLease).flatMap(lease => lease?.state === 'bound' ? [`${lease.mac} ${formatIpv4(lease.ip)}`] : [])

t.test('two bridges: a DISCOVER on the other one is never answered', async t => {
  if (!needs(t, 'udhcpc')) return
  const space = network(t)
  if (space === undefined) return
  space.bridge('br1', '172.31.0.1/24')
  const { server, leases } = await serve(t, space)
  const here = space.client('br0', '52:54:00:00:00:01')
  const there = space.client('br1', '52:54:00:00:00:02')
  const stranger = there.spawn('udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-s', '/bin/true', '-t', '2', '-T', '1')
  t.not(await stranger.ended, 0, 'no lease on the other bridge')
  const client = here.spawn('udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-s', '/bin/true', '-t', '5', '-T', '1')
  t.equal(await client.ended, 0, client.output())
  t.match(client.output(), /lease of 172\.30\.0\.100 obtained from 172\.30\.0\.1/)
  t.same(boundIn(leases), ['52:54:00:00:00:01 172.30.0.100'])
  t.notMatch(server.output(), /52:54:00:00:00:02/, 'the server did not even hear it')
})

t.test('ISC dhclient takes its lease, its reservation, and gives it back', async t => {
  if (!needs(t, 'dhclient')) return
  const space = network(t)
  if (space === undefined) return
  const { server, leases, folder } = await serve(t, space, { reservations: { '52:54:00:00:00:03': '172.30.0.41' }, unknownClients: 'deny' })
  const client = space.client('br0', '52:54:00:00:00:03')
  const files = ['-sf', '/bin/true', '-lf', join(folder, 'dhclient.leases'), '-pf', join(folder, 'dhclient.pid')]
  const taking = client.spawn('dhclient', '-1', '-v', '-d', ...files, 'eth0')
  await taking.line(/^bound to 172\.30\.0\.41/)
  t.same(boundIn(leases), ['52:54:00:00:00:03 172.30.0.41'])
  // It would have its script do that.
  client.ip('address', 'add', '172.30.0.41/24', 'dev', 'eth0')
  const giving = client.spawn('dhclient', '-r', '-v', '-d', ...files, 'eth0')
  t.equal(await giving.ended, 0)
  t.match(giving.output(), /DHCPRELEASE of 172\.30\.0\.41/)
  t.match(await server.line(/"change":"released"/), /172\.30\.0\.41/)
})

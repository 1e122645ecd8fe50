// Real clients against the server in a network namespace: who is answered, and that they take the lease.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { fileURLToPath } from 'node:url'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { parseLease } from '../../src/dhcp/lease-file.js'
import { readFileSync } from 'node:fs'
import type { Options } from '../../src/dhcp/options.js'
import { hex, ip, mac, request } from '../helpers/dhcp.js'
import { dnsmasq } from '../helpers/dnsmasq.js'
import { namespaceProblem, NetworkNamespace, type Running } from '../helpers/netns.js'
import type { ProgramOptions } from '../helpers/dhcp-program.js'
import { PipeClient } from '../helpers/pipe-client.js'
import { relayAgent } from '../helpers/relay-agent.js'
import { able, needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

const program = fileURLToPath(new URL('../helpers/dhcp-program.ts', import.meta.url))

interface Served { readonly server: Running, readonly leases: string, /** A folder for the test's files. */ readonly folder: string }

async function serve (t: Test, space: NetworkNamespace, options: Partial<ProgramOptions> = {}): Promise<Served> {
  const folder = t.testdir()
  const leases = join(folder, 'leases.jsonl')
  const given: ProgramOptions = { interface: 'br0', leases, range: '172.30.0.100-172.30.0.199', unknownClients: 'allow', ...options }
  const server = space.spawn(process.execPath, typescript, program, JSON.stringify(given))
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
  // It would have its script do that.
  client.ip('address', 'add', '172.30.0.41/24', 'dev', 'eth0')
  const giving = client.spawn('dhclient', '-r', '-v', '-d', ...files, 'eth0')
  t.equal(await giving.ended, 0)
  t.match(giving.output(), /DHCPRELEASE of 172\.30\.0\.41/)
  t.match(await server.line(/"change":"released"/), /172\.30\.0\.41/)
  // A reserved address is its machine's before the file says so.
  t.same(boundIn(leases), ['52:54:00:00:00:03 172.30.0.41'])
})

t.test('it does not start beside a dnsmasq, unless that is allowed', async t => {
  if (!needs(t, 'dnsmasq')) return
  const space = network(t)
  if (space === undefined) return
  await dnsmasq(space)
  const { server } = await serve(t, space, { allowOthers: true })
  t.match(await server.line(/"kind":"other_server"/), /172\.30\.0\.5/)
  server.child.kill('SIGTERM')
  t.equal(await server.ended, 0, 'SIGTERM closes it')
  await t.rejects(serve(t, space, { allowOthers: false }), /another DHCP server answers on br0 \(172\.30\.0\.5\)/)
})

t.test('it starts where no other server is', async t => {
  const space = network(t)
  if (space === undefined) return
  const { server } = await serve(t, space, { allowOthers: false })
  t.notMatch(server.output(), /other_server/)
})

t.test('through ISC dhcrelay: the subnet of the relay agent, option 82 and back', async t => {
  if (!needs(t, 'dhcrelay') || !needs(t, 'udhcpc')) return
  const space = network(t)
  if (space === undefined) return
  const { leases, server } = await serve(t, space, { subnet: '172.31.0.0/24', range: '172.31.0.100-172.31.0.199' })
  const { relay, agent } = await relayAgent(space)
  const client = relay.client('down0', '52:54:00:00:00:04')
  const taking = client.spawn('udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-s', '/bin/true', '-t', '5', '-T', '1')
  t.equal(await taking.ended, 0, taking.output())
  t.same(boundIn(leases), ['52:54:00:00:00:04 172.31.0.100'])
  t.match(await server.line(/dhcp\.ack/), /"relay":"172\.31\.0\.1"/)
  t.ok(await agent.line(/Forwarded BOOTREPLY/), 'the agent found its option 82 in the answer')
})

t.test('INFORM through ISC dhcrelay: the answer comes to the client itself (RFC 2131 section 4.3.5)', async t => {
  if (!needs(t, 'dhcrelay')) return
  const space = network(t)
  if (space === undefined) return
  const { server } = await serve(t, space, { subnet: '172.31.0.0/24', range: '172.31.0.100-172.31.0.199' })
  const { relay, agent } = await relayAgent(space)
  t.equal(await relay.spawn('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward').ended, 0)
  const client = relay.client('down0', '52:54:00:00:00:07')
  client.ip('address', 'add', '172.31.0.150/24', 'dev', 'eth0')
  client.ip('route', 'add', 'default', 'via', '172.31.0.1')
  const wire = await PipeClient.start(client)
  const answer = await wire.ask(request({ dhcpMessageType: 'INFORM' }, { mac: mac('52:54:00:00:00:07'), ciaddr: ip('172.31.0.150') }))
  t.match(answer, { yiaddr: 0, ciaddr: ip('172.31.0.150'), giaddr: ip('172.31.0.1') })
  t.match(answer.options, { dhcpMessageType: 'ACK', serverIdentifier: ip('172.30.0.1'), subnetMask: ip('255.255.255.0') })
  t.equal(answer.options.ipAddressLeaseTime, undefined)
  t.match(await server.line(/dhcp\.ack/), /"relay":"172\.31\.0\.1"/, 'it was the relay agent that asked')
  t.notMatch(agent.output(), /Forwarded BOOTREPLY/, 'and who was not answered')
})

t.test('a relay agent that stands for the server (RFC 5107): from DISCOVER to a lease by its address', async t => {
  const space = network(t)
  if (space === undefined) return
  const { leases } = await serve(t, space)
  const relay = space.client('br0')
  relay.ip('address', 'add', '172.30.0.2/24', 'dev', 'eth0')
  const agent = await PipeClient.start(relay, 'eth0', 67)
  const asked = (options: Options, relayAgentInformation = hex('0104aabbccdd 0b04ac1e0002')): ReturnType<typeof request> =>
    request({ ...options, relayAgentInformation }, { mac: mac('52:54:00:00:00:08'), giaddr: ip('172.30.0.2') })
  const offer = await agent.ask(asked({ dhcpMessageType: 'DISCOVER' }))
  t.match(offer, { yiaddr: ip('172.30.0.100'), giaddr: ip('172.30.0.2'), options: { dhcpMessageType: 'OFFER', serverIdentifier: ip('172.30.0.2') } })
  t.same(offer.options.relayAgentInformation, hex('0104aabbccdd 0b04ac1e0002'), 'what it put in goes back')
  const select: Options = { dhcpMessageType: 'REQUEST', requestedIpAddress: offer.yiaddr, serverIdentifier: ip('172.30.0.2') }
  // Without the sub-option the message means another server, and draws nothing: the next answer is that to the one with it.
  agent.send(asked(select, hex('0104aabbccdd')))
  const ack = await agent.ask(asked(select))
  t.match(ack.options, { dhcpMessageType: 'ACK', serverIdentifier: ip('172.30.0.2') })
  t.same(boundIn(leases), ['52:54:00:00:00:08 172.30.0.100'])
})

t.test('dhcpcd takes its lease', async t => {
  if (!needs(t, 'dhcpcd')) return
  const space = network(t)
  if (space === undefined) return
  const { leases, server } = await serve(t, space)
  const client = space.client('br0', '52:54:00:00:00:05')
  client.spawn('dhcpcd', '--ipv4only', '--nobackground', '--noarp', '--noipv4ll', '--script', '/bin/true', 'eth0')
  t.match(await server.line(/"type":"ACK"/), /52:54:00:00:00:05/)
  t.same(boundIn(leases), ['52:54:00:00:00:05 172.30.0.100'])
})

t.test('a static host in the range: its address is passed over', async t => {
  if (!needs(t, 'udhcpc')) return
  const space = network(t)
  if (space === undefined) return
  const { leases, server } = await serve(t, space)
  space.client('br0', '52:54:00:00:00:66').ip('address', 'add', '172.30.0.100/24', 'dev', 'eth0')
  const client = space.client('br0', '52:54:00:00:00:06')
  const taking = client.spawn('udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-s', '/bin/true', '-t', '5', '-T', '1')
  t.equal(await taking.ended, 0, taking.output())
  t.same(boundIn(leases), ['52:54:00:00:00:06 172.30.0.101'])
  t.match(await server.line(/dhcp\.conflict/), /"ip":"172\.30\.0\.100".*"by":"52:54:00:00:00:66"/)
})

t.test('a static host further on in the range is heard before anybody is to have its address, here and behind a relay agent', async t => {
  for (const isRelayed of [false, true]) {
    const space = network(t)
    if (space === undefined) return
    const subnet = isRelayed ? '172.31.0' : '172.30.0'
    const { server } = await serve(t, space, { subnet: `${subnet}.0/24`, range: `${subnet}.100-${subnet}.199` })
    const asking = space.client('br0')
    asking.ip('address', 'add', '172.30.0.2/24', 'dev', 'eth0')
    // Behind the relay agent are two hosts, itself and the static one.
    space.ip('route', 'add', '172.31.0.0/24', 'via', '172.30.0.2')
    asking.ip('route', 'add', 'local', '172.31.0.1', 'dev', 'lo')
    const host = isRelayed ? asking : space.client('br0', '02:00:00:00:00:66')
    const address = isRelayed ? ['172.31.0.102/32', 'dev', 'lo'] : ['172.30.0.102/24', 'dev', 'eth0']
    host.ip('address', 'add', ...address)
    const client = await PipeClient.start(asking, 'eth0', isRelayed ? 67 : 68)
    const next = async (n: number): Promise<string> => formatIpv4((await client.ask(request(
      { dhcpMessageType: 'DISCOVER' }, { mac: mac(`52:54:00:00:01:0${n}`), giaddr: isRelayed ? ip('172.31.0.1') : 0 }
    ))).yiaddr)
    t.equal(await next(0), `${subnet}.100`)
    // Who asks now hears nothing any more.
    host.ip('address', 'del', ...address)
    t.equal(await next(1), `${subnet}.101`)
    t.equal(await next(2), `${subnet}.103`)
    t.match(await server.line(/dhcp\.conflict/), isRelayed ? /172\.31\.0\.102.*behind a router/ : /172\.30\.0\.102.*02:00:00:00:00:66/)
  }
})

t.test('ProxyDHCP beside a dnsmasq: its clients get their leases from dnsmasq, boot data only from here', async t => {
  if (!needs(t, 'dnsmasq') || !needs(t, 'udhcpc')) return
  const space = network(t)
  if (space === undefined) return
  const { server } = await serve(t, space, { mode: 'proxy' })
  const other = await dnsmasq(space)
  const client = space.client('br0', '52:54:00:00:00:07')
  const plain = client.spawn('udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-s', '/bin/true', '-t', '9', '-T', '1')
  t.equal(await plain.ended, 0, plain.output())
  t.match(plain.output(), /obtained from 172\.30\.0\.5/)
  t.ok(await other.line(/DHCPACK.*52:54:00:00:00:07/))
  t.ok(await server.line(/"reason":"not_a_boot_client".*52:54:00:00:00:07/))
})

t.test('the npm package dhcp takes its lease', async t => {
  const space = network(t)
  if (space === undefined) return
  const { leases } = await serve(t, space)
  const mac = '52:54:00:00:00:0d'
  const client = space.client('br0', mac)
  // It broadcasts by the routing table, and needs an address of some kind to send from.
  client.ip('address', 'add', '172.30.0.9/24', 'dev', 'eth0')
  client.ip('route', 'add', 'default', 'dev', 'eth0')
  const running = client.spawn(process.execPath, typescript, fileURLToPath(new URL('../helpers/dhcp-package-client.ts', import.meta.url)), mac)
  t.match(await running.line(/^\{/), /"address":"172\.30\.0\.100"/)
  t.equal(await running.ended, 0, running.output())
  t.same(boundIn(leases), [`${mac} 172.30.0.100`])
})

t.test('a datagram of 64 KB is dropped unread, and holds nobody up', async t => {
  if (!needs(t, 'udhcpc')) return
  const space = network(t)
  if (space === undefined) return
  const { server } = await serve(t, space)
  const client = space.client('br0', '52:54:00:00:00:08')
  client.ip('address', 'add', '172.30.0.9/24', 'dev', 'eth0')
  // An option 12 of 64,000 NULs and an `x`, which RFC 3396 joins.
  const giant = `
    const header = Buffer.alloc(240); header[0] = 1; header[1] = 1; header[2] = 6; header.writeUInt32BE(0x63825363, 236)
    const parts = Array.from({ length: 248 }, (_, n) => Buffer.concat([Buffer.of(12, 255), Buffer.alloc(254), Buffer.from(n === 247 ? 'x' : '\\0')]))
    const socket = require('node:dgram').createSocket('udp4')
    socket.send(Buffer.concat([header, Buffer.of(53, 1, 1), ...parts, Buffer.of(255)]), 67, '172.30.0.1', error => { socket.close(); if (error) throw error })`
  const sending = client.spawn(process.execPath, '-e', giant)
  t.equal(await sending.ended, 0, sending.output())
  t.match(await server.line(/"kind":"dropped"/), /"reason":"malformed","detail":"too_long"/)
  const taking = client.spawn('udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-s', '/bin/true', '-t', '5', '-T', '1')
  t.equal(await taking.ended, 0, taking.output())
})

// The built appliance on several interfaces, each in its mode, with real clients and a relay agent in network namespaces.
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { bundledProgram } from '../helpers/built.js'
import { mac as macFrom, request } from '../helpers/dhcp.js'
import { dnsmasq } from '../helpers/dnsmasq.js'
import { namespaceProblem, NetworkNamespace, type Running } from '../helpers/netns.js'
import { PipeClient } from '../helpers/pipe-client.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able, needs } from '../helpers/tools.js'

interface Told { readonly ip: string, readonly siaddr: string, readonly file: string, readonly serverid: string }

interface Site {
  readonly space: NetworkNamespace
  readonly config: string
  readonly serve: () => Running
  /** What a BIOS ROM on a network card gets. */
  readonly boot: (machine: NetworkNamespace) => Promise<Told | string>
  readonly http: (path: string, host?: string) => string
}

function site (t: Test, dhcp: string): Site | undefined {
  if (!able(t, namespaceProblem()) || !needs(t, 'udhcpc') || !needs(t, 'curl')) return undefined
  const folder = t.testdir({ data: {} })
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
tftp: { root: ${folder} }
control_socket: ${shortFolder(t)}/c
rpc: { address: "" }
${dhcp}`)
  const script = join(folder, 'told')
  writeFileSync(script, '#!/bin/sh\n[ "$1" != bound ] || echo "told {\\"ip\\":\\"$ip\\",\\"siaddr\\":\\"$siaddr\\",\\"file\\":\\"$boot_file\\",\\"serverid\\":\\"$serverid\\"}"\n', { mode: 0o755 })
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  return {
    space,
    config,
    serve: () => space.spawn(process.execPath, bundledProgram(), 'serve', '--config', config),
    boot: async machine => {
      const rom = ['-V', 'PXEClient:Arch:00000:UNDI:002001', '-x', '0x5d:0000']
      const taking = machine.spawn('udhcpc', '-i', 'eth0', '-n', '-q', '-f', ...rom, '-s', script, '-t', '10', '-T', '1')
      await taking.ended
      const line = /^told (.*)$/m.exec(taking.output())?.[1]
      return line === undefined ? taking.output() : JSON.parse(line) as Told
    },
    http: (path, host = '127.0.0.1') => space.exec('curl', '-s', '-w', '%{http_code}', `http://${host}:8080${path}`)
  }
}

const told = (ip: string, own: string): Told => ({ ip, siaddr: own, file: 'undionly.kpxe', serverid: own })

t.test('two networks and a relayed one: each machine is told the address of the interface it is on', async t => {
  if (!needs(t, 'dhcrelay') || !needs(t, 'dnsmasq')) return
  const here = site(t, `dhcp:
  mode: server
  unknown_clients: allow
  interfaces: [br0, { name: br1, mode: proxy }, br2]
  subnets:
    - { subnet: 172.30.0.0/24, range: 172.30.0.100-172.30.0.199, routers: [172.30.0.1] }
    - { subnet: 172.32.0.0/24, range: 172.32.0.100-172.32.0.199 }
    - { subnet: 172.40.0.0/24, range: 172.40.0.100-172.40.0.199, routers: [172.40.0.1] }
`)
  if (here === undefined) return
  const { space, boot } = here
  for (const n of [0, 1, 2]) space.bridge(`br${n}`, `172.3${n}.0.1/24`)
  const other = space.client('br1')
  other.ip('address', 'add', '172.31.0.5/24', 'dev', 'eth0')
  const dnsmasq = other.spawn('dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--interface=eth0',
    '--dhcp-range=172.31.0.200,172.31.0.220,1h', '--leasefile-ro', '--log-facility=-', '--user=root')
  await dnsmasq.line(/DHCP, IP range/)
  const appliance = here.serve()
  await appliance.line(/"msg":"appliance\.ready"/)

  const first = space.client('br0', '52:54:00:00:0a:01')
  const third = space.client('br2', '52:54:00:00:0a:03')
  t.same(await boot(first), told('172.30.0.100', '172.30.0.1'))
  t.same(await boot(third), told('172.32.0.100', '172.32.0.1'))

  const second = space.client('br1', '52:54:00:00:0a:02')
  const plain = second.spawn('udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-s', '/bin/true', '-t', '9', '-T', '1')
  t.equal(await plain.ended, 0, plain.output())
  t.match(plain.output(), /obtained from 172\.31\.0\.5/, 'a proxy gives no address')
  dnsmasq.child.kill('SIGTERM')
  await dnsmasq.ended
  const rom = await PipeClient.start(second)
  const firmware = { vendorClassIdentifier: 'PXEClient:Arch:00000:UNDI:002001', clientSystemArchitecture: [0] }
  const offer = await rom.ask(request({ dhcpMessageType: 'DISCOVER', ...firmware }, { mac: macFrom('52:54:00:00:0a:02') }))
  t.equal(formatIpv4(offer.siaddr), '172.31.0.1')
  t.equal(offer.yiaddr, 0, 'a proxy gives no address')
  // It asks there with the address that the other server gave it.
  second.ip('address', 'add', '172.31.0.200/24', 'dev', 'eth0')
  const again = await rom.ask(request({ dhcpMessageType: 'REQUEST', ...firmware }, { mac: macFrom('52:54:00:00:0a:02') }), 4011)
  t.equal(formatIpv4(again.siaddr), '172.31.0.1', 'its boot server is there')

  // The agent asks br0's address, and its way leads over br2.
  const relay = space.client('br2')
  relay.ip('address', 'add', '172.32.0.2/24', 'dev', 'eth0')
  relay.ip('route', 'add', '172.30.0.0/24', 'via', '172.32.0.1')
  relay.bridge('down0', '172.40.0.1/24')
  relay.exec('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1')
  space.ip('route', 'add', '172.40.0.0/24', 'via', '172.32.0.2')
  const agent = relay.spawn('dhcrelay', '-4', '-d', '-a', '-id', 'down0', '-iu', 'eth0', '172.30.0.1')
  await agent.line(/Sending on/)
  const relayed = relay.client('down0', '52:54:00:00:0a:04')
  t.same(await boot(relayed), told('172.40.0.100', '172.32.0.1'))
  t.ok(await agent.line(/Forwarded BOOTREPLY/))

  relayed.ip('address', 'add', '172.40.0.100/24', 'dev', 'eth0')
  relayed.ip('route', 'add', 'default', 'via', '172.40.0.1')
  first.ip('address', 'add', '172.30.0.100/24', 'dev', 'eth0')
  first.ip('route', 'add', 'default', 'via', '172.30.0.1')
  for (const [machine, own] of [[first, '172.30.0.1'], [second, '172.31.0.1'], [relayed, '172.32.0.1']] as const) {
    t.equal(machine.exec('curl', '-s', '-m', '20', `tftp://${own}/autoexec.ipxe`), `#!ipxe\ndhcp && chain http://${own}:8080/boot.ipxe\n`)
  }
  t.equal(here.http('/readyz'), 'ok\n200')
  t.match(here.http('/metrics'), /dhcp_interface_up\{interface="br1"\} 1/)
  t.notMatch(appliance.output(), /dhcp\.other_server/)
})

t.test('interfaces that are missing, without an address, or made anew hold up only themselves', async t => {
  const here = site(t, `dhcp:
  mode: server
  unknown_clients: allow
  interface: br0
  interfaces: [br1, br2]
  subnets:
    - { subnet: 172.30.0.0/24, range: 172.30.0.100-172.30.0.199 }
    - { subnet: 172.31.0.0/24, range: 172.31.0.100-172.31.0.199 }
    - { subnet: 172.32.0.0/24, range: 172.32.0.100-172.32.0.199 }
`)
  if (here === undefined) return
  const { space, boot, http } = here
  space.bridge('br0', '172.30.0.1/24')
  space.bridge('br2')
  const check = await ended(space.spawn(process.execPath, bundledProgram(), 'check', '--config', here.config))
  t.equal(check.status, 1)
  t.match(check.output, /config\.yaml:\d+: error: dhcp\.interfaces\.0: no interface br1 with an IPv4 address/)
  t.match(check.output, /dhcp\.interfaces\.1: interface br2 has no IPv4 address/)
  t.match(check.output, /dhcp +br0:67\/udp +server as 172\.30\.0\.1/)
  const doctor = await ended(space.spawn(process.execPath, bundledProgram(), 'doctor', '--config', here.config))
  t.match(doctor.output, /PROBLEM +interface: interface br1 is gone/)

  const appliance = here.serve()
  await appliance.line(/"msg":"appliance\.ready"/)
  const ready = http('/readyz')
  t.match(ready, /^dhcp: no interface br1 with an IPv4 address on this machine .*$/m)
  t.match(ready, /^dhcp: interface br2 has no IPv4 address .*\n503$/m)
  t.match(http('/metrics'), /dhcp_interface_up\{interface="br1"\} 0/)
  const machines = [space.client('br0', '52:54:00:00:0b:01')]
  t.same(await boot(machines[0]!), told('172.30.0.100', '172.30.0.1'))

  space.bridge('br1', '172.31.0.1/24')
  machines.push(space.client('br1', '52:54:00:00:0b:02'))
  await appliance.line(/"interface":"br1","msg":"dhcp\.link_up"/)
  t.same(await boot(machines[1]!), told('172.31.0.100', '172.31.0.1'))
  space.ip('address', 'add', '172.32.0.1/24', 'dev', 'br2')
  machines.push(space.client('br2', '52:54:00:00:0b:03'))
  await appliance.line(/"interface":"br2","msg":"dhcp\.link_up"/)
  t.same(await boot(machines[2]!), told('172.32.0.100', '172.32.0.1'))
  t.equal(http('/readyz'), 'ok\n200')

  space.ip('link', 'delete', 'br1')
  await appliance.line(/"reason":"interface br1 is gone","msg":"dhcp\.link_down"/)
  t.same(await boot(machines[0]!), told('172.30.0.100', '172.30.0.1'), 'the other is served meanwhile')
  t.equal(http('/readyz'), 'dhcp: interface br1 is gone\n503')
  space.bridge('br1', '172.31.0.2/24')
  const anew = space.client('br1', '52:54:00:00:0b:04')
  await appliance.line(/"interface":"br1","reason":"it was removed and made anew","msg":"dhcp\.rebound"/)
  await appliance.line(/"from":"172\.31\.0\.1","to":"172\.31\.0\.2","msg":"dhcp\.address_changed"/)
  t.same(await boot(anew), told('172.31.0.101', '172.31.0.2'))
  t.same(await boot(machines[0]!), told('172.30.0.100', '172.30.0.1'))
  t.equal(http('/readyz'), 'ok\n200')

  // A bridge takes another hardware address with a port that it gets: what this machine asks is still no machine's that boots.
  const bridges = { br0: '02:00:00:00:0b:10', br1: '02:00:00:00:0b:11' }
  for (const [name, address] of Object.entries(bridges)) {
    space.ip('link', 'set', name, 'address', address)
    await appliance.line(new RegExp(`"interface":"${name}","from":"[^"]+","to":"${address}","msg":"dhcp\\.mac_changed"`))
  }
  const asked = await ended(space.spawn(process.execPath, bundledProgram(), 'doctor', '--config', here.config))
  t.match(asked.output, /this service answers a DISCOVER on br0 .*and nobody else does/)
  t.notMatch(http('/v1/machines'), /02:00:00/)
  appliance.child.kill('SIGTERM')
  t.equal(await appliance.ended, 0)
})

t.test('under a service manager the service has itself started again for an interface that came late', async t => {
  if (!needs(t, 'systemd-socket-activate', 'setpriv')) return
  const here = site(t, `dhcp:
  mode: proxy
  interfaces: [br0]
`)
  if (here === undefined) return
  const { space, http } = here
  // Without rights, as the unit has it: only the socket that was handed down is there.
  const appliance = space.spawn('systemd-socket-activate', '--listen=127.0.0.1:8080', '--fdname=http', 'setpriv', '--bounding-set=-all', '--inh-caps=-all',
    process.execPath, bundledProgram(), 'serve', '--config', here.config, '--set', 'http.address=127.0.0.1:8080', '--set', 'tftp.address=""')
  await appliance.line(/Listening on/)
  t.match(http('/readyz'), /^dhcp: no interface br0 with an IPv4 address/m)
  space.bridge('br0', '172.30.0.1/24')
  t.match(await appliance.line(/"msg":"appliance\.stop"/), /interface br0 came after the start, and only the service manager can open its sockets/)
  t.equal(await appliance.ended, 1, 'a failure, after which it is started again')
  t.match(appliance.output(), /"orderly":true/)
})

async function ended (running: Running): Promise<{ readonly status: number | string, readonly output: string }> {
  return { status: await running.ended, output: running.output() }
}

t.test('it starts beside another server only where machines hold leases of its own', async t => {
  if (!needs(t, 'dnsmasq')) return
  const here = site(t, 'dhcp: { mode: server, interface: br0, unknown_clients: allow, subnets: [{ subnet: 172.30.0.0/24, range: 172.30.0.100-172.30.0.199 }] }\n')
  if (here === undefined) return
  const { space, boot, serve } = here
  space.bridge('br0', '172.30.0.1/24')
  const machine = space.client('br0', '52:54:00:00:0a:01')
  const first = serve()
  await first.line(/"msg":"appliance\.ready"/)
  t.same(await boot(machine), told('172.30.0.100', '172.30.0.1'))
  first.child.kill('SIGTERM')
  t.equal(await first.ended, 0)

  // Without its ping it hears the next question too: as it is it would be deaf for three seconds after the machine's.
  await dnsmasq(space, '--no-ping')
  const back = serve()
  await back.line(/"msg":"appliance\.ready"/)
  t.match(await back.line(/"msg":"dhcp\.other_server"/), /172\.30\.0\.5/, 'told of all the same')
  await boot(machine)
  t.match(await back.line(/"msg":"dhcp\.offer"/), /172\.30\.0\.100/, 'whosever offer it takes')
  t.match(here.http('/readyz'), /200$/)
  t.ok(space.exec(process.execPath, bundledProgram(), 'leases', 'release', '172.30.0.100', '--config', here.config))
  back.child.kill('SIGTERM')
  t.equal(await back.ended, 0)

  const newcomer = serve()
  t.not(await newcomer.ended, 0)
  t.match(newcomer.output(), /another DHCP server answers on br0 \(172\.30\.0\.5\)/)
})

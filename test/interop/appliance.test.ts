// The whole appliance in a network namespace: what is live is in force without a restart, for a real client.
import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { namespaceProblem } from '../helpers/netns.js'
import { askForAddress, networkSite } from '../helpers/network-site.js'
import { Program } from '../helpers/program.js'
import { able, needs } from '../helpers/tools.js'

t.test('a machine that is nobody is refused; a group or a host file gives it its address at once', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'udhcpc')) return
  const files = { data: { groups: {}, profiles: { 'node.json': '{"id":"node","boot":{"kernel":"/assets/k"}}' } } }
  const { folder, config, space, start } = networkSite(t, files, `log_level: debug
dhcp:
  mode: server
  interface: br0
  subnets: [{ subnet: 172.30.0.0/24, lease_time: 2h }]`)
  const appliance = await start()
  const client = space.client('br0', '52:54:00:00:00:31')
  const ask = (): Promise<string> => askForAddress(client, 2)

  t.notMatch(await ask(), /lease of/, 'nobody reserved anything for it')
  t.match(JSON.parse(await appliance.line(/"msg":"dhcp\.drop"/)), { level: 'info', mac: '52:54:00:00:00:31', reason: 'unknown_client' })
  t.equal(space.exec('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://172.30.0.1:8080/ipxe?mac=52-54-00-00-00-31'), '404')

  const group = { id: 'g', profile: 'node', selector: { mac: '52:54:00:00:00:31' }, metadata: { ip: '172.30.0.31', hostname: 'node-31' } }
  writeFileSync(join(folder, 'data/groups/g.json'), JSON.stringify(group))
  t.match(await ask(), /lease of 172\.30\.0\.31 obtained from 172\.30\.0\.1/)
  t.match(space.exec('curl', '-s', 'http://172.30.0.1:8080/ipxe?mac=52-54-00-00-00-31'), /^#!ipxe\nkernel \/assets\/k/)

  const leases = JSON.parse((await new Program(['leases', 'list', '--json', '--config', config]).end()).stdout) as unknown
  t.match(leases, [{ ip: '172.30.0.31', mac: '52:54:00:00:00:31', state: 'bound', hostname: 'node-31' }])
  t.match(await new Program(['leases', 'release', '172.30.0.31', '--config', config]).end(), { status: 0, stdout: 'released 172.30.0.31\n' })

  writeFileSync(join(folder, 'data/groups/g.json'), JSON.stringify({ ...group, metadata: {} }))
  mkdirSync(join(folder, 'state/hosts.d'), { recursive: true })
  writeFileSync(join(folder, 'state/hosts.d/rack.yaml'), '- { mac: "52:54:00:00:00:31", ip: 172.30.0.77 }\n- { mac: "52:54:00:00:00:32", ip: 10.0.0.1 }\n')
  // Until both are seen the machine is given what it had.
  await appliance.line(/"reservations":2,.*"msg":"reservation\.in_force"/)
  t.match(await ask(), /lease of 172\.30\.0\.77 obtained/, 'the host file counts, with its other entry left out')
  t.match(await appliance.line(/"msg":"reservation\.refused"/), /rack\.yaml:2: the reservation of 10\.0\.0\.1/)

  // Nothing but the file itself says so now.
  writeFileSync(join(folder, 'state/hosts.d/rack.yaml'), '- { mac: "52:54:00:00:00:31", ip: 172.30.0.78 }\n- { mac: "52:54:00:00:00:32", ip: 10.0.0.2 }\n')
  await appliance.line(/10\.0\.0\.2 .*"msg":"reservation\.refused"/)
  t.match(await ask(), /lease of 172\.30\.0\.78 obtained/, 'an edit of it alone')
  unlinkSync(join(folder, 'state/hosts.d/rack.yaml'))
  writeFileSync(join(folder, 'state/hosts.d/other.yaml'), '- { mac: "52:54:00:00:00:32", ip: 10.0.0.3 }\n')
  await appliance.line(/10\.0\.0\.3 .*"msg":"reservation\.refused"/)
  t.notMatch(await ask(), /lease of/, 'nor after it went, and another came')
  t.match(space.exec('curl', '-s', 'http://172.30.0.1:8080/metrics'), /dhcp_sent_total\{type="ACK"\} 3/)

  // Terraform's everyday case: the machine is made anew with another MAC, and its old lease has an hour to go.
  writeFileSync(join(folder, 'data/groups/g.json'), JSON.stringify(group))
  t.match(await ask(), /lease of 172\.30\.0\.31 obtained/)
  client.ip('link', 'set', 'eth0', 'down')
  writeFileSync(join(folder, 'data/groups/g.json'), JSON.stringify({ ...group, selector: { mac: '52:54:00:00:00:41' } }))
  await appliance.line(/"mac":"52:54:00:00:00:31","reason":"its reservation is gone","msg":"dhcp\.lease_ended"/)
  t.match(await askForAddress(space.client('br0', '52:54:00:00:00:41')), /lease of 172\.30\.0\.31 obtained/)
})

const ranged = 'dhcp: { mode: server, interface: br0, unknown_clients: allow, subnets: [{ subnet: 172.30.0.0/24, range: 172.30.0.100-172.30.0.199 }] }'

t.test('an interface without a carrier: it listens, says so, and serves when the link comes', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'udhcpc')) return
  const { space, run } = networkSite(t, { data: {} }, ranged)
  const client = space.client('br0', '52:54:00:00:00:31')
  client.ip('link', 'set', 'eth0', 'down')
  const appliance = run()
  t.match(await appliance.line(/"msg":"dhcp\.link_down"/), /interface br0 has no carrier/)
  await appliance.line(/"msg":"appliance\.ready"/)
  const ready = (): string => space.exec('curl', '-s', '-w', '%{http_code}', 'http://172.30.0.1:8080/readyz')
  t.equal(ready(), 'dhcp: interface br0 has no carrier: machines on it are served when its link comes up\n503')

  client.ip('link', 'set', 'eth0', 'up')
  await appliance.line(/"msg":"dhcp\.link_up"/)
  t.match(await askForAddress(client, 10), /lease of 172\.30\.0\.100 obtained from 172\.30\.0\.1/)
  t.equal(ready(), 'ok\n200')
})

t.test('an interface that is removed and made anew with another address: it is followed, and not ready meanwhile', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'udhcpc')) return
  const { space, start } = networkSite(t, { data: {} }, ranged)
  const client = space.client('br0', '52:54:00:00:00:31')
  const appliance = await start()
  t.match(await askForAddress(client, 10), /lease of 172\.30\.0\.100 obtained from 172\.30\.0\.1/)
  space.ip('link', 'delete', 'br0')
  await appliance.line(/interface br0 is gone/)
  t.equal(space.exec('curl', '-s', '-w', '%{http_code}', 'http://127.0.0.1:8080/readyz'), 'dhcp: interface br0 is gone\n503')

  space.bridge('br0', '172.30.0.2/24')
  const other = space.client('br0', '52:54:00:00:00:32')
  await appliance.line(/"msg":"dhcp\.rebound"/)
  await appliance.line(/"from":"172\.30\.0\.1","to":"172\.30\.0\.2","msg":"dhcp\.address_changed"/)
  t.match(await askForAddress(other, 10), /lease of 172\.30\.0\.101 obtained from 172\.30\.0\.2/)
  t.equal(space.exec('curl', '-s', '-w', '%{http_code}', 'http://172.30.0.2:8080/readyz'), 'ok\n200')
  t.match(space.exec('curl', '-s', 'tftp://172.30.0.2/autoexec.ipxe'), /chain http:\/\/172\.30\.0\.2:8080\/boot\.ipxe/, 'what is made names the address that it has')
})

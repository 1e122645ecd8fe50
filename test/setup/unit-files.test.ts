// What systemd and firewalld are told of a configuration.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { shippedUnits } from '../../src/base/bundled.js'
import { loadConfig } from '../../src/config/load.js'
import { listeners, placesIn } from '../../src/listeners.js'
import { firewallServices, portsOf } from '../../src/setup/firewall-services.js'
import { assignedIn, gatewayPolicy, gatewayUnit, outsideIn, policyXml } from '../../src/setup/gateway.js'
import { subjectNames } from '../../src/setup/subject-names.js'
import { unitFiles, type UnitWishes, type WantedSocket } from '../../src/setup/unit-files.js'
import { needs, runTool } from '../helpers/tools.js'

const units = shippedUnits()
const files = (wishes: Partial<UnitWishes>) => unitFiles({ units, sockets: [], several: false, written: [], systemd: 252, ...wishes })
const lines = (text: string | undefined): readonly string[] => text?.trim().split('\n').slice(1) ?? []
const http: WantedSocket = { name: 'http', transport: 'tcp', host: '0.0.0.0', port: 8080 }

/** Every socket that the table of listeners asks for. */
const socketsOf = (...set: readonly string[]): readonly WantedSocket[] =>
  placesIn(loadConfig({ file: undefined, env: {}, set }).config).flatMap(({ row, place }) => row.systemd === undefined || row.transport === 'unix'
    ? []
    : [{ name: row.systemd, transport: row.transport, host: place.host ?? '0.0.0.0', port: place.port, device: place.device }])
const server = ['dhcp.mode=server', 'dhcp.subnets=[{ subnet: 10.0.0.0/24 }]', 'http.https.address=0.0.0.0:8443', 'http.https.cert_file=/c', 'http.https.key_file=/k']

t.test('every row has its unit, which listens where it ships by itself', t => {
  const both = [...socketsOf(...server, 'dhcp.interface=ens192'), ...socketsOf('dhcp.mode=proxy', 'dhcp.interface=ens192')]
  t.same(new Set(both.map(({ name }) => name)), new Set(listeners.flatMap(({ systemd }) => systemd ?? [])))
  const { files: written, sockets } = files({ sockets: both })
  for (const name of sockets) t.ok(units.has(name), name)
  t.same([...written.keys()].filter(path => path.endsWith('listen.conf')), [])
  t.same(lines(written.get('core-provisioner-dhcp.socket.d/interface.conf')), ['[Socket]', 'BindToDevice=ens192'])
  for (const name of units.keys()) t.equal(written.has(name), name !== gatewayUnit, `${name}: all, but that of a gateway nobody asked for`)
  t.end()
})

t.test('drop-ins for what is elsewhere', t => {
  const moved = socketsOf(...server, 'dhcp.interfaces=[a, { name: b, mode: proxy }]', 'dhcp.port=1067', 'dhcp.boot_server_port=1411', 'http.address="[::]:9090"', 'tftp.address=10.0.0.1:69')
  const { files: written, sockets } = files({ sockets: moved, several: true, written: ['/srv/store', '/srv/with "blank"/100%'] })
  t.same(sockets.filter(name => name.includes('@')).sort(), ['core-provisioner-boot-server@b.socket', 'core-provisioner-dhcp-client@a.socket', 'core-provisioner-dhcp@a.socket', 'core-provisioner-dhcp@b.socket'])
  t.same(lines(written.get('core-provisioner-http.socket.d/listen.conf')), ['[Socket]', 'ListenStream=', 'ListenStream=[::]:9090'])
  t.same(lines(written.get('core-provisioner-tftp.socket.d/listen.conf')), ['[Socket]', 'ListenDatagram=', 'ListenDatagram=10.0.0.1:69'])
  t.same(lines(written.get('core-provisioner-dhcp@.socket.d/listen.conf')), ['[Socket]', 'ListenDatagram=', 'ListenDatagram=0.0.0.0:1067'])
  t.same(lines(written.get('core-provisioner-boot-server@.socket.d/listen.conf')), ['[Socket]', 'ListenDatagram=', 'ListenDatagram=0.0.0.0:1411'])
  t.notOk(written.has('core-provisioner-dhcp-client@.socket.d/listen.conf'))
  t.same(lines(written.get('core-provisioner-dhcp@b.socket.d/interface.conf')), ['[Socket]', 'BindToDevice=b'])
  t.same(lines(written.get('core-provisioner.service.d/paths.conf')), ['[Service]', 'ReadWritePaths=-/srv/store "-/srv/with \\"blank\\"/100%%"'])
  t.same([...files({ sockets: moved, systemd: 219, written: ['/srv/store'] }).files.keys()].filter(path => path.startsWith('core-provisioner.service.d/')), [], 'nothing that 219 does not know')
  for (const [systemd, knows] of [[238, false], [239, true]] as const) t.equal(files({ systemd, written: ['/srv'] }).files.has('core-provisioner.service.d/paths.conf'), knows, String(systemd))
  t.notOk(files({}).files.has('core-provisioner.service.d/paths.conf'))
  t.end()
})

const gateway = { inside: ['ens192', 'ens224'], outside: 'ens160', networks: ['192.168.100.0/24', '10.1.0.0/16'] }

t.test('a gateway has a unit of its own, and says which way out', t => {
  const { files: written, sockets } = files({ gateway })
  t.ok(written.has(gatewayUnit))
  const dropIn = written.get(`${gatewayUnit}.d/interfaces.conf`) ?? ''
  t.same(lines(dropIn), ['[Service]', 'Environment="INSIDE=ens192 ens224"', 'Environment="OUTSIDE=ens160"', 'Environment="NETWORKS=192.168.100.0/24 10.1.0.0/16"'])
  t.same(sockets, [])
  t.equal(outsideIn(dropIn), 'ens160', 'and is found again')
  t.equal(outsideIn('[Service]\n'), undefined)
  t.same(assignedIn(dropIn), [], 'firewalld was told nothing')
  const assigned = [{ zone: 'internal', name: 'ens192' }, { zone: 'public', name: 'ens160' }]
  const told = files({ gateway: { ...gateway, assigned } }).files.get(`${gatewayUnit}.d/interfaces.conf`) ?? ''
  t.same(assignedIn(told), assigned)
  t.equal(outsideIn(told), 'ens160')
  t.same(assignedIn('Environment="ZONES=/a b/ c d/e"\n'), [{ zone: 'd', name: 'e' }])
  t.match(policyXml(['internal', 'public'], 'public'), /<policy target="ACCEPT">[^]*<ingress-zone name="internal"\/>\n {2}<egress-zone name="public"\/>\n<\/policy>/)
  t.ok(gatewayPolicy.length <= 18, 'firewalld takes no longer name')
  t.equal(policyXml(['public'], 'public'), undefined, 'within one zone there is nothing to say')
  t.end()
})

t.test('systemd reads them', async t => {
  if (!needs(t, 'systemd-analyze')) return
  const folder = t.testdir({})
  const { files: written, sockets } = files({ gateway, sockets: socketsOf(...server, 'dhcp.interface=lo', 'http.address="[::]:9090"'), written: ['/srv/with "blank"/100%'] })
  for (const [path, text] of written) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text.replaceAll(/\/opt\/core-provisioner\/current\/bin\/(?:core-provisioner|gateway\.sh)/g, '/bin/true'))
  }
  const { code, stdout, stderr } = await runTool('systemd-analyze', ['verify', '--man=no', ...['core-provisioner.service', gatewayUnit, ...sockets].map(name => join(folder, name))])
  t.equal(stderr + stdout.toString(), '')
  t.equal(code, 0)
})

t.test('firewalld is told of the ports that machines reach', t => {
  const ports = (sockets: readonly WantedSocket[]): Readonly<Record<string, readonly string[]>> => Object.fromEntries(firewallServices(sockets).map(({ name, text, on }) =>
    [`${name}${on ? '' : ' off'}`, [...text.matchAll(/protocol="(\w+)" port="(\d+)"/g)].map(([, transport, port]) => `${port}/${transport}`)]))
  t.same(ports([{ ...http, port: 9090 }, { name: 'dhcp', transport: 'udp', host: '0.0.0.0', port: 67 }, { name: 'rpc', transport: 'tcp', host: '127.0.0.1', port: 8081 }]),
    { 'core-provisioner': ['9090/tcp', '67/udp'], 'core-provisioner-https off': ['8443/tcp'], 'core-provisioner-rpc off': ['8081/tcp'] })
  t.same(portsOf([http, http]), ['8080/tcp'])
  for (const [host, on] of [['::1', false], ['127.1.2.3', false], ['::', true], ['::11', true], ['10.127.0.1', true], ['1.2.3.4', true]] as const) {
    t.equal(firewallServices([{ ...http, host }])[0]?.on, on, host)
  }
  const shipped = readdirSync(new URL('../../systemd/firewalld', import.meta.url)).map(name => name.replace('.xml', '')).sort()
  t.same(firewallServices([]).map(({ name }) => name).sort(), shipped)
  t.end()
})

t.test('names of a certificate', t => {
  t.equal(subjectNames(['boot', 'boot.example.com', '192.168.100.2', 'boot', '', 'not a name', '-x', 'fe80::1']), 'DNS:boot,DNS:boot.example.com,IP:192.168.100.2')
  t.end()
})

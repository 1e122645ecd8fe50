// Sockets that the service manager opened: through the program, and which listener each is for.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { type Config, loadConfig } from '../../src/config/load.js'
import { listeners } from '../../src/listeners.js'
import type { InheritedSocket } from '../../src/net/inherited-sockets.js'
import { Sockets } from '../../src/wiring/sockets.js'
import { handedSocket } from '../helpers/handed-sockets.js'
import { logLines } from '../helpers/log-lines.js'
import { createLog } from '../../src/base/log.js'
import { makePki } from '../helpers/pki.js'
import { freePort } from '../helpers/free-port.js'
import { Program, type ProgramOptions } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

function configured (t: Test, more: string): string {
  const folder = t.testdir({ data: { groups: {}, profiles: {} }, boot: { 'x.kpxe': 'loader' } })
  const file = join(folder, 'config.yaml')
  writeFileSync(file, `data_path: ${folder}/data\nassets_path: ""\nstate_path: ${folder}/state\ncontrol_socket: ${shortFolder(t)}/c\n${more}`)
  return file
}

t.test('a restart refuses nobody', async t => {
  const [http, tftp, stray] = [handedSocket('tcp'), handedSocket('udp'), handedSocket('udp')]
  const file = configured(t, `http: { address: "127.0.0.1:${http.port}" }\ntftp: { address: "127.0.0.1:${tftp.port}", root: ${t.testdirName}/boot }\nrpc: { address: "" }\n`)
  const sockets = [
    { fd: tftp.fd, name: 'tftp' }, { fd: http.fd, name: 'core-provisioner-http.socket' }, { fd: stray.fd, name: 'core-provisioner-boot-server.socket' }
  ]
  const start = (): Program => {
    const program = new Program(['serve', '--config', file], { sockets })
    t.teardown(() => program.child.kill('SIGKILL'))
    return program
  }
  const url = `http://127.0.0.1:${http.port}/healthz`
  const waiting = fetch(url)
  const first = start()
  t.equal((await waiting).status, 200, 'asked before it started')
  t.match(await first.logged('socket.unused'), { socket: 'core-provisioner-boot-server.socket', hint: /systemctl disable --now core-provisioner-boot-server\.socket/ })
  t.equal(await loader(tftp.port), 'loader')
  await first.end('SIGTERM')

  const between = Promise.all([fetch(url, { headers: { connection: 'close' } }), loader(tftp.port)])
  const second = start()
  const [answer, content] = await between
  t.equal(answer.status, 200, 'asked while it was down')
  t.equal(content, 'loader')
  t.equal((await second.end('SIGTERM')).status, 0)
  for (const socket of [http, tftp, stray]) socket.close()
})

/** The file's one block, asked for once: nothing is sent again. */
async function loader (port: number): Promise<string> {
  const client = createSocket('udp4')
  client.send(Buffer.from('\0\x01x.kpxe\0octet\0', 'latin1'), port, '127.0.0.1')
  const [data, from] = await once(client, 'message') as [Buffer, { address: string, port: number }]
  client.send(Buffer.from([0, 4, 0, 1]), from.port, from.address)
  client.close()
  return data.subarray(4).toString()
}

t.test('a socket for TLS is the one that is listened on, by the name of its unit or by its port', async t => {
  const pki = makePki()
  for (const name of ['core-provisioner-https.socket', '']) {
    const [http, https] = [handedSocket('tcp'), handedSocket('tcp')]
    const folder = t.testdirName
    const file = configured(t, `http: { address: "127.0.0.1:${http.port}", https: { address: "127.0.0.1:${https.port}", cert_file: ${folder}/c, key_file: ${folder}/k } }\ntftp: { address: "" }\nrpc: { address: "" }\n`)
    writeFileSync(join(folder, 'c'), pki.server.cert)
    writeFileSync(join(folder, 'k'), pki.server.key, { mode: 0o600 })
    const program = new Program(['serve', '--config', file], { sockets: [{ fd: http.fd, name: 'http' }, { fd: https.fd, name }] })
    t.teardown(() => program.child.kill('SIGKILL'))
    await program.logged('appliance.ready')
    const client = connect({ port: https.port, host: '127.0.0.1', ca: pki.ca.cert })
    await once(client, 'secureConnect')
    t.equal(client.authorized, true, name)
    client.destroy()
    t.equal((await program.end('SIGTERM')).status, 0)
    t.notMatch(program.stdout, /socket\.unused/)
    for (const socket of [http, https]) socket.close()
  }
})

t.test('a download under way outlasts the end, where sockets stay, for longer', async t => {
  const [http, port] = [handedSocket('tcp'), await freePort()]
  const file = configured(t, 'tftp: { address: "" }\nrpc: { address: "" }\n')
  mkdirSync(join(t.testdirName, 'assets'))
  const size = 64 * 2 ** 20
  writeFileSync(join(t.testdirName, 'assets/initrd'), Buffer.alloc(size))
  const start = (name: string, port: number, options: ProgramOptions): Program => {
    const settings = [`assets_path=${t.testdirName}/assets`, `http.address=127.0.0.1:${port}`, `control_socket=${shortFolder(t)}/c`, `state_path=${t.testdirName}/${name}`]
    const program = new Program(['serve', '--config', file, ...settings.flatMap(setting => ['--set', setting])], options)
    t.teardown(() => program.child.kill('SIGKILL'))
    return program
  }
  const program = start('stays', http.port, { sockets: [{ fd: http.fd, name: 'http' }] })
  const other = start('other', port, {})
  await other.logged('appliance.ready')
  const [reader, stalled] = await Promise.all([http.port, port].map(async port => (await fetch(`http://127.0.0.1:${port}/assets/initrd`)).body!.getReader()))
  let received = (await reader!.read()).value?.length ?? 0
  program.child.kill('SIGTERM')
  await program.logged('appliance.stop')
  const late = fetch(`http://127.0.0.1:${http.port}/healthz`).catch(() => undefined)
  t.match(await other.end('SIGTERM'), { status: 0 }, 'one whose socket does not stay has cut its reader off meanwhile')
  await t.rejects((async () => { while (!(await stalled!.read()).done); })())
  for (let part = await reader!.read(); !part.done; part = await reader!.read()) received += part.value.length
  t.equal(received, size)
  t.equal((await program.end()).status, 0)
  http.close()
  await late
})

t.test('a socket elsewhere than the configuration says is refused, with the unit to edit', async t => {
  const tftp = handedSocket('udp')
  const file = configured(t, 'http: { address: "127.0.0.1:0" }\ntftp: { address: "127.0.0.1:6969" }\n')
  const { status, stderr } = await new Program(['serve', '--config', file], { sockets: [{ fd: tftp.fd, name: 'core-provisioner-tftp.socket' }] }).end()
  t.equal(status, 1)
  t.match(stderr, `config.yaml:6: tftp.address is port 6969, but core-provisioner-tftp.socket listens on port ${tftp.port}: ` +
    'systemctl edit core-provisioner-tftp.socket and set ListenDatagram=127.0.0.1:6969, or change tftp.address')
  tftp.close()
})

t.test('what LISTEN_FDS calls a socket and is none ends the start', async t => {
  const file = configured(t, 'http: { address: "127.0.0.1:0" }\ntftp: { address: "" }\n')
  // Not the runner's own descriptors: what it writes to may be a socket.
  const fd = openSync(file, 'r')
  t.teardown(() => { closeSync(fd) })
  t.match(await new Program(['serve', '--config', file], { sockets: [{ fd, name: 'x' }] }).end(), { status: 1, stderr: /descriptor 3 \(x\), which LISTEN_FDS/ })
})

const loaded = loadConfig({ file: undefined, set: ['dhcp.mode=proxy', 'dhcp.interface=ens192', 'tftp.address=:1069'], env: {} })
let fd = 100
const socket = (facts: Partial<InheritedSocket>): InheritedSocket => ({ fd: fd++, name: '', transport: 'udp', address: '0.0.0.0', port: 0, device: '', ...facts })

t.test('systemd 219 names no socket: its port tells', async t => {
  const dhcp = socket({ port: 67, device: 'ens192' })
  const client = socket({ port: 68, device: 'ens192' })
  const boot = socket({ port: 4011, device: 'ens192' })
  const tftp = [socket({ port: 1069, address: '10.0.0.1' }), socket({ port: 1069, address: '10.0.0.2' })]
  const http = socket({ port: 8080, transport: 'tcp', address: '::' })
  const sockets = new Sockets([client, ...tftp, http, boot, dhcp], loaded, listeners)
  t.same(sockets.takeAll('tftp', { key: 'tftp.address', port: 1069 }), tftp, 'each address of a list')
  t.equal(sockets.take('http', { key: 'http.address', host: '0.0.0.0', port: 8080 }), http)
  t.equal(sockets.take('dhcp', { key: 'dhcp.port', port: 67, device: 'ens192' }), dhcp)
  t.equal(sockets.take('dhcp-client', { key: 'dhcp.interface', port: 68, device: 'ens192' }), client)
  t.equal(sockets.take('boot-server', { key: 'dhcp.boot_server_port', port: 4011, device: 'ens192' }), boot)
  t.equal(sockets.take('grpc', { key: 'rpc.address', port: 8081 }), undefined)
})

t.test('TLS and further interfaces are known too, a template instance by its name', async t => {
  const places = (config: Config) => ['ens192', 'ens224'].map(device => ({ key: 'dhcp.port', port: config.dhcp.port, device }))
  const rows = listeners.map(row => row.name === 'dhcp' ? { ...row, places } : row)
  const https = socket({ name: 'core-provisioner-https.socket', transport: 'tcp', port: 8443 })
  const first = socket({ name: 'core-provisioner-dhcp@ens192.socket', port: 67, device: 'ens192' })
  const second = socket({ name: 'dhcp', port: 67, device: 'ens224' })
  const sockets = new Sockets([first, https, second], loaded, rows)
  t.equal(sockets.take('https', { key: 'http.https.address', host: '0.0.0.0', port: 8443 }), https)
  t.equal(sockets.take('dhcp', { key: 'dhcp.port', port: 67, device: 'ens224' }), second, 'each interface its own')
  t.equal(sockets.take('dhcp', { key: 'dhcp.port', port: 67, device: 'ens224' }), undefined, 'that of another interface is no misfit')
  t.equal(sockets.take('dhcp', { key: 'dhcp.port', port: 67, device: 'ens192' }), first)
})

t.test('what does not fit', async t => {
  const refused = (facts: Partial<InheritedSocket>, name: 'dhcp' | 'tftp' | 'http', wanted: object, message: RegExp): void => {
    const sockets = new Sockets([socket({ name, ...facts })], loaded, listeners)
    t.throws(() => sockets.take(name, { key: `${name}.address`, port: facts.port ?? 0, ...wanted }), { code: 'config_invalid', message })
  }
  refused({ port: 67 }, 'dhcp', { device: 'ens192' }, /dhcp\.interface is ens192, but core-provisioner-dhcp\.socket listens on every interface.*BindToDevice=ens192/)
  refused({ port: 67, device: 'ens224' }, 'dhcp', { device: 'ens192' }, /listens on ens224/)
  refused({ port: 8080, transport: 'tcp' }, 'http', { host: '127.0.0.1' }, /http\.address is address 127\.0\.0\.1, but .* 0\.0\.0\.0: .*ListenStream=127\.0\.0\.1:8080/)
  refused({ port: 8081, transport: 'tcp' }, 'http', { port: 8080 }, /http\.address is port 8080, but core-provisioner-http\.socket listens on port 8081: .*ListenStream=0\.0\.0\.0:8080, or change http\.address/)
  refused({ port: 8080 }, 'http', {}, /core-provisioner-http\.socket: expected a tcp socket \(ListenStream=\), not 0\.0\.0\.0:8080\/udp/)
  refused({ port: 69, transport: 'other' }, 'tftp', {}, /not a socket of another kind/)
})

t.test('sockets that nobody knows are named', async t => {
  const { stream, entries } = logLines()
  const { fd } = handedSocket('udp')
  new Sockets([socket({ fd, port: 5353, name: 'mdns.socket' })], loaded, listeners).closeUnused(createLog({ level: 'info', pretty: false, destination: stream }))
  t.match(entries(), [{ msg: 'socket.unused', socket: 'mdns.socket', at: '0.0.0.0:5353/udp' }])
})

t.test('what is listened on for requests: the one that was handed down, an own one, or what Node opens by its name', async t => {
  const [handed, stray] = [handedSocket('tcp'), handedSocket('tcp')]
  t.teardown(() => { for (const { close } of [handed, stray]) close() })
  const sockets = new Sockets([socket({ fd: handed.fd, name: 'http', transport: 'tcp', port: handed.port, address: '127.0.0.1' })], loaded, listeners)
  const place = { key: 'http.address', host: '127.0.0.1', port: handed.port }
  t.same(sockets.toListenOn('http', place), { fd: handed.fd, inherited: true })
  t.same(sockets.toListenOn('http', { ...place, host: 'localhost' }), { fd: undefined, inherited: false })
  const own = sockets.toListenOn('http', { ...place, port: 0 })
  t.match(own, { fd: Number, inherited: false })
  closeSync(own.fd!)
})

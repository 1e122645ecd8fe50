// Descriptors as a service manager hands them down, as the process they are for reads them.
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { once } from 'node:events'
import t from 'tap'
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { type InheritedSocket, inheritedSockets } from '../../src/net/inherited-sockets.js'
import { constants, familyBytes, openLibc } from '../../src/net/libc.js'
import { openListeningSocket } from '../../src/net/listening-socket.js'
import { handedSocket } from '../helpers/handed-sockets.js'
import { needsRoot } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

const module = new URL('../../src/net/inherited-sockets.ts', import.meta.url).href
const script = `import { inheritedSockets } from ${JSON.stringify(module)}
try { console.log(JSON.stringify(inheritedSockets(process.env, process.pid))) } catch (error) { console.log(JSON.stringify(error.message)) }`

/** What a child reads that gets the descriptors from 3 on. */
async function read (fds: readonly number[], names?: string): Promise<readonly InheritedSocket[] | string> {
  const more = names === undefined ? '' : `LISTEN_FDNAMES=${names} `
  const words = `LISTEN_PID=$$ LISTEN_FDS=${fds.length} ${more}exec "$@"`
  const child = spawn('sh', ['-c', words, 'sh', process.execPath, typescript, '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit', ...fds] })
  let output = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => { output += text })
  await once(child, 'close')
  return JSON.parse(output) as readonly InheritedSocket[] | string
}

t.test('for another process, or of no number, there are none', t => {
  for (const env of [
    {}, { LISTEN_FDS: '1' }, { LISTEN_PID: '8', LISTEN_FDS: '1' }, { LISTEN_PID: '7' }, { LISTEN_PID: '7', LISTEN_FDS: '' }, { LISTEN_PID: '7', LISTEN_FDS: 'x' },
    { LISTEN_PID: '7', LISTEN_FDS: '1000' }, { LISTEN_PID: '7', LISTEN_FDS: '-1' }, { LISTEN_PID: '7', LISTEN_FDS: '0' }
  ]) t.same(inheritedSockets(env, 7), [], JSON.stringify(env))
  t.end()
})

t.test('each is asked what it is', async t => {
  const libc = openLibc()
  const [udp, tcp] = [handedSocket('udp'), handedSocket('tcp', { address: '127.0.0.2' })]
  const ipv6 = ['::1', '::'].map(host => openListeningSocket(host, 0))
  const unix = libc.socket(constants.afUnix, constants.sockStream | constants.sockCloexec, 0)
  const name = Buffer.concat([familyBytes(constants.afUnix), Buffer.from(`\0provisioner-${process.pid}`)])
  t.equal(libc.bind(unix, name, name.length), 0)
  const raw = process.getuid?.() === 0 ? [libc.socket(constants.afInet, 3 | constants.sockCloexec, 1)] : []
  t.same(await read([udp.fd, tcp.fd, ...ipv6, unix, ...raw], 'tftp::http6'), [
    { fd: 3, name: 'tftp', transport: 'udp', address: '127.0.0.1', port: udp.port, device: '' },
    { fd: 4, name: '', transport: 'tcp', address: '127.0.0.2', port: tcp.port, device: '' },
    { fd: 5, name: 'http6', transport: 'tcp', address: '0:0:0:0:0:0:0:1', port: portOf(ipv6[0]!), device: '' },
    { fd: 6, name: '', transport: 'tcp', address: '::', port: portOf(ipv6[1]!), device: '' },
    { fd: 7, name: '', transport: 'other', address: '', port: 0, device: '' },
    ...raw.map(() => ({ fd: 8, name: '', transport: 'other', address: '0.0.0.0', port: 1, device: '' }))
  ].map(socket => ({ ...socket })))
  t.match(await read([tcp.fd]), [{ name: '', transport: 'tcp' }], 'systemd before 227 names nothing')
  for (const fd of [...ipv6, unix, ...raw]) libc.close(fd)
  for (const socket of [udp, tcp]) socket.close()
})

t.test('the interface that it is bound to', async t => {
  if (!needsRoot(t)) return
  const names = ['lo', 'fifteen-letters']
  const made = spawnSync('ip', ['link', 'add', names[1]!, 'type', 'dummy'])
  const fds = (made.status === 0 ? names : names.slice(0, 1)).map(name => openDeviceSocket(name, 0))
  t.match(await read(fds), fds.map((_, n) => ({ transport: 'udp', address: '0.0.0.0', device: names[n] })))
  for (const fd of fds) openLibc().close(fd)
  if (made.status === 0) spawnSync('ip', ['link', 'del', names[1]!])
})

t.test('what is no socket is told of by its number and name', async t => {
  const fd = openSync('/dev/null', 'r')
  const udp = handedSocket('udp')
  t.equal(await read([udp.fd, fd], 'tftp:x'), 'descriptor 4 (x), which LISTEN_FDS says the service manager opened, is no socket: ENOTSOCK')
  t.equal(await read([fd]), 'descriptor 3, which LISTEN_FDS says the service manager opened, is no socket: ENOTSOCK')
  udp.close()
  closeSync(fd)
})

function portOf (fd: number): number {
  const address = Buffer.alloc(28)
  openLibc().getsockname(fd, address, Buffer.from(Int32Array.of(address.length).buffer))
  return address.readUInt16BE(2)
}

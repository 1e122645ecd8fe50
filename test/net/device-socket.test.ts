// Sockets bound to an interface, on loopback: what they receive, and what each failure says.
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createSocket } from 'node:dgram'
import t from 'tap'
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { kernelUdp } from '../../src/net/udp.js'
import { able } from '../helpers/tools.js'

const problem = process.getuid?.() === 0 ? undefined : 'SO_BINDTODEVICE needs root'

t.test('it receives what comes by its interface', async t => {
  if (!able(t, problem)) return
  let heard = (_: string): void => {}
  const data = new Promise<string>(resolve => { heard = resolve })
  const port = await freePort()
  const socket = await kernelUdp.bind({ address: '127.0.0.1', port, fd: openDeviceSocket('lo', port) }, bytes => { heard(bytes.toString()) })
  t.equal(socket.local.port, port)
  const client = createSocket('udp4')
  client.send('hello', port, '127.0.0.1')
  t.equal(await data, 'hello')
  t.throws(() => openDeviceSocket('lo', port), { code: 'address_in_use', message: `cannot listen on lo:${port}/udp: another program listens there` })
  client.close()
  await socket.close()
})

t.test('an interface that is not there', async t => {
  if (!able(t, problem)) return
  const port = await freePort()
  t.throws(() => openDeviceSocket('nosuch0', port), { code: 'interface_missing', message: /no interface nosuch0/ })
})

t.test('who may not is told what would help, and no descriptor stays open', async t => {
  if (!able(t, problem)) return
  const before = readdirSync('/proc/self/fd').length
  t.throws(() => openDeviceSocket('nosuch0', 67), { code: 'interface_missing' })
  const nobody = 65_534
  process.seteuid?.(nobody)
  try {
    t.throws(() => openDeviceSocket('lo', 67), { code: 'permission_denied', message: 'cannot listen on lo:67/udp: start the service through its systemd socket, or as root' })
  } finally {
    process.seteuid?.(0)
  }
  t.equal(readdirSync('/proc/self/fd').length, before)
})

async function freePort (): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>(resolve => { socket.close(() => { resolve() }) })
  return port
}

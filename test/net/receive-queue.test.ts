// The kernel's queue of a UDP socket: its size, reading it in one go, and what it dropped.
import { writeFileSync } from 'node:fs'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { constants, intBuffer, intOf, openLibc } from '../../src/net/libc.js'
import { enlarge, receiveDrops } from '../../src/net/receive-queue.js'
import { kernelUdp } from '../../src/net/udp.js'
import { able } from '../helpers/tools.js'

const rootProblem = (): string | undefined => process.getuid?.() === 0 ? undefined : 'a socket of an interface needs root'

function sizeOf (fd: number): number {
  const size = intBuffer(0)
  openLibc().getsockopt(fd, constants.solSocket, constants.soRcvbuf, size, intBuffer(4))
  return intOf(size)
}

t.test('as large as allowed, and never smaller than it was', t => {
  if (!able(t, rootProblem())) return t.end()
  const fd = openDeviceSocket('lo', 0)
  enlarge(fd, 32 << 20)
  t.equal(sizeOf(fd), 64 << 20, 'root is not bound by net.core.rmem_max; the kernel doubles what it is told')
  enlarge(fd, 1 << 20)
  t.equal(sizeOf(fd), 64 << 20, 'what a service manager gave stays')
  openLibc().close(fd)
  t.end()
})

t.test('what waits is read at once, whole and with its sender; what was dropped is counted', async t => {
  if (!able(t, rootProblem())) return
  const heard: Array<readonly [text: string, port: number]> = []
  const fd = openDeviceSocket('lo', 0)
  const socket = await kernelUdp.bind({ address: '0.0.0.0', port: 0, fd }, (data, { port, address }) => {
    t.equal(address, '127.0.0.1')
    heard.push([data.toString(), port])
  })
  const sender = createSocket('udp4')
  sender.bind(0, '127.0.0.1')
  await once(sender, 'listening')
  const { port } = sender.address()
  const send = (text: string): Promise<void> => new Promise(resolve => { sender.send(text, socket.local.port, '127.0.0.1', () => { resolve() }) })
  for (let n = 0; n < 200; n++) void send(`datagram ${n}`)
  await send('last')
  // Nothing is read before this turn of the loop ends, but by hand.
  const before = heard.length
  let asked = 0
  socket.readWaiting?.(() => ++asked === 2)
  t.equal(heard.length - before, 16, 'enough was enough')
  socket.readWaiting?.(() => false)
  t.equal(heard.length, 201)
  t.same(heard.slice(before, before + 2), [[`datagram ${before}`, port], [`datagram ${before + 1}`, port]])
  socket.readWaiting?.(() => false)
  t.equal(heard.length, 201, 'none waits any more')
  t.equal(receiveDrops().get(socket.local.port), 0)

  const small = intBuffer(1)
  openLibc().setsockopt(fd, constants.solSocket, constants.soRcvbuf, small, small.length)
  // Node hands them to the kernel at once, before anything is read.
  const sent = Array.from({ length: 50 }, () => send('x'.repeat(1000)))
  socket.readWaiting?.(() => false)
  await Promise.all(sent)
  socket.readWaiting?.(() => false)
  const drops = receiveDrops().get(socket.local.port) ?? 0
  t.ok(drops > 0, `${drops} were dropped`)
  t.equal(drops + heard.length - 201, 50)
  await socket.close()
  sender.close()
  socket.readWaiting?.(() => { throw new Error('a closed socket is not read') })
})

t.test('whoever keeps a datagram has it as it came, short or long, also when he reads on', async t => {
  const kept: Array<readonly [data: Buffer, text: string]> = []
  const keep = (data: Buffer): void => {
    kept.push([data, data.toString()])
    if (kept.length % 10 === 0) socket.readWaiting?.(() => kept.length % 3 === 0)
  }
  const socket = await kernelUdp.bind({ address: '127.0.0.1', port: 0, direct: true, receiveBuffer: 1 << 20 }, keep)
  const sender = await kernelUdp.bind({ address: '127.0.0.1', port: 0, direct: true }, () => {})
  t.teardown(async () => { await Promise.all([socket.close(), sender.close()]) })
  const sent: string[] = []
  for (let round = 0; round < 40; round++) {
    const lengths = [4, 32, 33, 1, 0, 576, 4, 4096, 31]
    const texts = lengths.map((length, n) => String.fromCharCode(97 + (round * lengths.length + n) % 26).repeat(length))
    for (const text of texts) t.equal(sender.sendNow?.(Buffer.from(text), socket.local), null)
    sent.push(...texts)
    socket.readWaiting?.(() => false)
  }
  t.same(kept.map(([, text]) => text), sent, 'in their order')
  t.same(kept.map(([data]) => data.toString()), sent, 'and still so')
  sender.sendNow?.(Buffer.alloc(5000, 'x'), socket.local)
  socket.readWaiting?.(() => false)
  t.equal(kept.at(-1)?.[1].length, 4097, 'what is too long shows')
})

t.test('the kernel\'s table of sockets', t => {
  const file = join(t.testdir(), 'udp')
  writeFileSync(file, `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            
  123: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 12        
  124: 0100007F:0045 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 0         
  125: 0200007F:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4713 2 0000000000000000 30        
short
`)
  t.same([...receiveDrops(file)], [[67, 42], [69, 0]])
  t.same([...receiveDrops(join(file, 'missing'))], [])
  t.end()
})

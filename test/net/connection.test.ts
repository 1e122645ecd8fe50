// The descriptors by which a thread of its own waits for connections and writes to them.
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { mostWaiting, openEvent, secondDescriptor, sendFromFile, sendOctets } from '../../src/net/connection.js'
import { Epoll } from '../../src/net/epoll.js'

t.test('an event wakes who waits for it, until it is read', t => {
  const open = (): number => readdirSync('/proc/self/fd').length
  const before = open()
  const epoll = new Epoll()
  const [one, other] = [openEvent(), openEvent()]
  for (const fd of [one, other]) epoll.watch(fd, 'readable')
  t.same(epoll.wait(0), [])
  writeSync(other, BigUint64Array.of(1n))
  t.same([epoll.wait(0), epoll.wait(0)], [[other], [other]])
  writeSync(one, BigUint64Array.of(1n))
  t.same([...epoll.wait(0)].sort((a, b) => a - b), [one, other])
  readSync(other, Buffer.alloc(8))
  t.same(epoll.wait(0), [one])
  epoll.forget(one)
  t.same(epoll.wait(0), [])
  t.throws(() => { epoll.watch(other, 'readable') }, { message: 'epoll_ctl: EEXIST' })
  t.throws(() => { readSync(other, Buffer.alloc(8)) }, { code: 'EAGAIN' }, 'who reads too much does not wait')
  epoll.close()
  t.same(epoll.wait(0), [])
  for (const fd of [one, other]) closeSync(fd)
  t.equal(open(), before)
  t.end()
})

async function pair (t: Test): Promise<{ readonly socket: Socket, readonly peer: Socket }> {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
  const [peer] = await once(server, 'connection') as [Socket]
  if (socket.connecting) await once(socket, 'connect')
  return { socket, peer }
}

t.test('a connection is written to by its second descriptor as long as it has room', async t => {
  const { socket, peer } = await pair(t)
  const open = (): number => readdirSync('/proc/self/fd').length
  const before = open()
  const fd = secondDescriptor(peer)!
  t.equal(open(), before + 1)
  const epoll = new Epoll()
  epoll.watch(fd, 'writable')
  t.same(epoll.wait(1000), [fd])
  t.equal(sendOctets(fd, Buffer.from('abc')), 3)
  t.equal(String((await once(socket, 'data'))[0]), 'abc')
  socket.pause()
  let sent: number | undefined = 1
  for (let times = 0; times < 1000 && sent !== 0; times++) sent = sendOctets(fd, Buffer.alloc(1024 * 1024))
  t.equal(sent, 0, 'no room')
  t.same(epoll.wait(0), [])
  peer.destroy()
  await once(peer, 'close')
  socket.destroy()
  await once(socket, 'close')
  t.same(epoll.wait(1000), [fd], 'that the peer is gone is told too')
  t.equal(sendOctets(fd, Buffer.from('abc')), undefined)
  epoll.close()
  closeSync(fd)
  t.equal(secondDescriptor(peer), undefined, 'one that is closed has none')
  t.equal(secondDescriptor(new Socket()), undefined)
  t.equal(secondDescriptor(new (class extends Socket {})()), undefined)
})

t.test('a file leaves by the kernel as far as there is room, and no more of it waits than is said', async t => {
  const { socket, peer } = await pair(t)
  const content = randomBytes(64 * 1024 * 1024)
  const path = join(t.testdir(), 'file')
  writeFileSync(path, content)
  const file = openSync(path, 'r')
  const fd = secondDescriptor(peer)!
  const arrived: Buffer[] = []
  socket.on('data', (octets: Buffer) => { arrived.push(octets) })
  t.equal(sendFromFile(fd, file, content.length - 5, 1000), 5, 'to its end')
  t.equal(sendFromFile(fd, file, content.length, 1000), 0)
  t.equal(sendFromFile(fd, file, 7, 3), 3)
  await once(socket, 'data')
  while (Buffer.concat(arrived).length < 8) await once(socket, 'data')
  t.same(Buffer.concat(arrived), Buffer.concat([content.subarray(-5), content.subarray(7, 10)]))
  socket.pause()
  let at = 0
  let isFull = false
  while (!isFull) {
    const sent: number | undefined = sendFromFile(fd, file, at, 4 * 1024 * 1024)
    isFull = sent === 0
    at += sent ?? 0
  }
  t.ok(at > 0 && at < content.length, `${at} octets`)
  // proc(5), net/tcp: by its port, octets that are not acknowledged.
  const local = `:${peer.localPort!.toString(16).toUpperCase().padStart(4, '0')} `
  const remote = `:${peer.remotePort!.toString(16).toUpperCase().padStart(4, '0')} `
  const line = readFileSync('/proc/net/tcp', 'utf8').split('\n').find(text => text.includes(local) && text.indexOf(local) < text.indexOf(remote))
  const waiting = parseInt(line!.trim().split(/\s+/)[4]!.split(':')[0]!, 16)
  t.ok(waiting > 0 && waiting <= mostWaiting() + 1024 * 1024, `${waiting} octets wait`)
  const closed = new Promise(resolve => { peer.on('error', () => {}).once('close', resolve).resume() })
  socket.destroy()
  await closed
  t.equal(sendFromFile(fd, file, 0, 1000), undefined, 'the peer is gone')
  closeSync(fd)
  t.equal(sendFromFile(file, file, 0, 1000), undefined, 'nothing to write to')
  closeSync(file)
})

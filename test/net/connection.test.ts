// The descriptors by which a thread of its own waits for connections and writes to them.
import { closeSync, readdirSync, readSync, writeSync } from 'node:fs'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import t from 'tap'
import { openEvent, secondDescriptor, sendOctets } from '../../src/net/connection.js'
import { Epoll } from '../../src/net/epoll.js'

t.test('an event wakes who waits for it, until it is read', t => {
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
  t.end()
})

t.test('a connection is written to by its second descriptor as long as it has room', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
  const [peer] = await once(server, 'connection') as [Socket]
  if (socket.connecting) await once(socket, 'connect')
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

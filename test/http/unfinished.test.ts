// What strangers leave half done, from many addresses, at real sockets: all of 127/8 is this machine's.
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { boundedServer } from '../../src/http/bounded-server.js'
import { ClientConnections } from '../../src/http/client-connections.js'
import { buildHttpsServer } from '../../src/http/https-server.js'
import { mostHandshakes, mostUnanswered, Unfinished } from '../../src/http/unfinished.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { listen } from '../helpers/http-app.js'
import { MemoryStore } from '../helpers/memory-store.js'
import { makeAuthority, makeCertificate } from '../helpers/pki.js'

const address = (n: number): string => `127.3.${n >> 7}.${1 + (n & 127)}`
const silentEnd = (socket: Socket): Socket => socket.on('error', () => {})

async function open (t: Test, port: number, localAddress: string): Promise<Socket> {
  const socket = silentEnd(connect({ port, host: '127.0.0.1', localAddress }))
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

const status = async (socket: Socket, request = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'): Promise<number> => await new Promise(resolve => {
  socket.once('close', () => { resolve(0) })
  socket.once('data', data => { resolve(Number(data.toString('latin1').split(' ')[1])) })
  socket.write(request)
})

/** Resolves when the condition holds, looked at as often as a timer comes. */
async function until (holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    if (turns > 60_000) throw new Error('it never came about')
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}

t.test('half of the places are for those who have asked, however many addresses say nothing or half of a head', async t => {
  const connections = new ClientConnections({ all: 40, perAddress: 40, progressTimeout: 60_000 })
  const { port } = await listen(t, { store: new MemoryStore(), connections })
  const regulars: Socket[] = []
  for (let n = 0; n < 20; n++) {
    const socket = await open(t, port, address(n))
    t.equal(await status(socket), 200)
    regulars.push(socket)
  }
  for (let n = 0; n < 200; n++) {
    const socket = await open(t, port, address(1000 + n))
    if (n % 2 === 0) socket.write('GET / HTTP/1.1\r\nX: ')
  }
  await until(() => connections.count === 40 && connections.displaced === 180)
  t.equal(connections.refused, 0)
  for (const socket of regulars) t.equal(await status(socket), 200)
  t.equal(await status(await open(t, port, address(5000))), 200, 'a newcomer')
})

t.test('who came first gives way, not who has said nothing yet: a newcomer has not either', async t => {
  const unfinished = new Unfinished({ all: 4, perAddress: 4 }, () => {})
  const taken: Socket[] = []
  const server: Server = createServer(socket => {
    silentEnd(socket).resume()
    if (unfinished.connected(socket)) taken.push(socket)
  })
  server.listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const begun = await open(t, port, address(1))
  begun.write('GET ')
  await until(() => taken.length === 1 && taken[0]!.bytesRead > 0)
  await open(t, port, address(2))
  await until(() => taken.length === 2)
  await open(t, port, address(3))
  await until(() => taken.length === 3)
  t.same(taken.map(({ destroyed }) => destroyed), [true, false, false])
  t.same([unfinished.refused, unfinished.displaced], [0, 1])
})

t.test('heads that do not end: whoever holds most goes, and what all hold stays within its bound', async t => {
  const clock = new FakeClock()
  const connections = new ClientConnections({ all: 100, perAddress: 100, progressTimeout: 60_000, clock })
  const { port, app } = await listen(t, { store: new MemoryStore(), connections })
  const theirs: Socket[] = []
  app.server.on('connection', (socket: Socket) => { theirs.push(socket) })
  const small = await open(t, port, address(0))
  small.write('GET /healthz HTTP/1.1\r\n')
  const octets = 700_000
  for (let n = 1; n <= 12; n++) (await open(t, port, address(n))).write(`GET /?x=${'y'.repeat(octets - 8)}`)
  await until(() => theirs.length === 13 && theirs.every(({ bytesRead }, n) => bytesRead >= (n === 0 ? 10 : octets)))
  t.ok(12 * octets > mostUnanswered && 11 * octets < mostUnanswered)
  t.equal(connections.displaced, 0)
  clock.advance(100)
  t.equal(connections.displaced, 1, 'one of them was one too many')
  t.equal(theirs.filter(({ destroyed }) => destroyed).length, 1)
  clock.advance(100)
  t.equal(connections.displaced, 1)
  t.equal(await status(small, 'Host: a\r\n\r\n'), 200, 'a head of the usual size')
})

t.test('requests that wait for their answer count until they have it, and not after', async t => {
  const clock = new FakeClock()
  const connections = new ClientConnections({ all: 100, perAddress: 100, progressTimeout: 60_000, clock })
  const waiting: Array<() => void> = []
  const { port } = await listen(t, {
    store: new MemoryStore(),
    connections,
    routes: app => { app.get('/v1/held', async () => { await new Promise<void>(resolve => { waiting.push(resolve) }) }) }
  })
  const target = `/v1/held?x=${'y'.repeat(900_000)}`
  const sockets: Socket[] = []
  for (let n = 0; n < 9; n++) {
    const socket = await open(t, port, address(n))
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await until(() => waiting.length === n + 1)
    sockets.push(socket)
  }
  clock.advance(100)
  t.equal(connections.displaced, 0)
  // The tenth is over it: 9,000,000 octets.
  const tenth = await open(t, port, address(9))
  tenth.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
  await until(() => waiting.length === 10)
  clock.advance(100)
  t.equal(connections.displaced, 1)
  for (const answer of waiting) answer()
  await until(() => sockets.filter(({ bytesRead }) => bytesRead > 0).length >= 8)
  // Whatever a connection has asked before is no burden of its own.
  for (const socket of sockets) {
    if (!socket.destroyed) for (let n = 0; n < 20; n++) t.equal(await status(socket, `GET /healthz?x=${'y'.repeat(60_000)} HTTP/1.1\r\nHost: a\r\n\r\n`), 200)
  }
  for (const request of ['X /healthz HTTP/1.1\r\nHost: a\r\n\r\n', `GET /healthz?\xe9${'y'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`]) {
    for (let n = 0; n < 50; n++) {
      const socket = sockets.find(({ destroyed }) => !destroyed)!
      const answered = new Promise(resolve => { socket.once('data', resolve) })
      socket.write(request, 'latin1')
      await answered
    }
  }
  clock.advance(100)
  t.equal(connections.displaced, 1)
})

t.test('bodies that do not end count too', async t => {
  const clock = new FakeClock()
  const connections = new ClientConnections({ all: 200, perAddress: 200, progressTimeout: 60_000, clock })
  const { port, app } = await listen(t, {
    store: new MemoryStore(),
    connections,
    routes: app => {
      app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => { done(null, body) })
      app.post('/v1/body', { bodyLimit: 65_536 }, async () => 'read')
    }
  })
  const theirs: Socket[] = []
  app.server.on('connection', (socket: Socket) => { theirs.push(socket) })
  const head = `POST /v1/body HTTP/1.1\r\nHost: a\r\nContent-Type: x/y\r\nContent-Length: ${65_000}\r\n\r\n`
  const sockets: Socket[] = []
  for (let n = 0; n < 140; n++) {
    const socket = await open(t, port, address(n))
    sockets.push(socket)
    socket.write(head + 'z'.repeat(64_000))
  }
  await until(() => theirs.length === 140 && theirs.every(({ bytesRead }) => bytesRead >= 64_000))
  clock.advance(100)
  const gone = Math.ceil((140 * (64_000 + head.length) - mostUnanswered) / (64_000 + head.length))
  t.equal(connections.displaced, gone)
  const [survivor] = sockets.filter((_, n) => !theirs[n]!.destroyed)
  t.equal(await status(survivor!, 'z'.repeat(1000)), 200)
})

t.test('TLS handshakes that do not end, from many addresses', async t => {
  const connections = new ClientConnections({ all: 1000, perAddress: 500, progressTimeout: 60_000 })
  const { app } = await listen(t, { store: new MemoryStore(), connections })
  const authority = makeAuthority('unfinished')
  const { cert, key } = makeCertificate(authority, { cn: 'server', use: 'serverAuth', names: [{ ip: '127.0.0.1' }] })
  await app.ready()
  const server = buildHttpsServer(app, { cert, key }, pino({ enabled: false }))
  server.listen(0, '127.0.0.1')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  // A hello of 128 KiB that never comes: OpenSSL has taken the memory for it when it has seen these.
  const hello = Buffer.from([22, 3, 1, 0, 8, 1, 1, 255, 255, 3, 3, 0, 0])
  for (let n = 0; n < 400; n++) (await open(t, port, address(n))).write(hello)
  await until(() => connections.displaced === 400 - mostHandshakes.all && connections.count === mostHandshakes.all)
  const right = connectTls({ socket: await open(t, port, address(5000)), host: '127.0.0.1', ca: authority.cert })
  t.teardown(() => right.destroy())
  await once(right, 'secureConnect')
  t.equal(await status(right), 200)
  t.equal(await status(right), 200, 'and once more on the same connection')
})

t.test('the server of the page and of the control socket has the same bounds', async t => {
  const connections = new ClientConnections({ all: 4, perAddress: 4, progressTimeout: 60_000 })
  const server = boundedServer(connections)((_, response) => { response.end('yes') })
  server.listen(0, '127.0.0.1')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (let n = 0; n < 10; n++) await open(t, port, address(n))
  await until(() => connections.displaced === 8)
  t.equal(await status(await open(t, port, address(20))), 200)
  t.same([server.headersTimeout, server.requestTimeout, server.maxHeadersCount], [20_000, 60_000, 1001])
})

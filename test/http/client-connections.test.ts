// What one client may hold, at the real socket: places, turns, headers, time.
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Pace } from '../../src/base/pace.js'
import { ClientConnections } from '../../src/http/client-connections.js'
import type { HttpApp } from '../../src/http/http-server.js'
import { buildHttpsServer } from '../../src/http/https-server.js'
import type { RequestEvent } from '../../src/http/machine-log.js'
import { registerMachineRoutes } from '../../src/control/machine-routes.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { listen } from '../helpers/http-app.js'
import { imageThread } from '../helpers/image-thread.js'
import { exchange } from '../helpers/matchbox-fixture.js'
import { MemoryStore } from '../helpers/memory-store.js'
import { makeAuthority, makeCertificate } from '../helpers/pki.js'
import { until } from '../helpers/until.js'

const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`

async function open (t: Test, port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

const closed = async (socket: Socket): Promise<void> => { if (!socket.closed) await new Promise<void>(resolve => { socket.once('close', () => { resolve() }) }) }

/** Sends a request and gives the answer's status; 0 when the connection ends instead. */
const ask = (socket: Socket, request: string): Promise<number> => new Promise(resolve => {
  socket.once('close', () => { resolve(0) })
  socket.once('data', data => {
    socket.removeAllListeners('close')
    resolve(Number(data.toString('latin1').split(' ')[1]))
  })
  socket.write(request, 'latin1')
})

t.test('any number of odd requests over one connection', async t => {
  const { port } = await listen(t, { store: new MemoryStore() })
  const socket = await open(t, port)
  socket.setMaxListeners(0)
  const odd = ['X / HTTP/1.1\r\nHost: a\r\n\r\n', get('/\xe9')]
  const answers = new Map<number, number>()
  for (let i = 0; i < 4000; i++) {
    const status = await ask(socket, odd[i % odd.length]!)
    answers.set(status, (answers.get(status) ?? 0) + 1)
    if (status === 0) break
  }
  t.same([...answers], [[200, 2000], [404, 2000]])
  t.equal(await ask(socket, get('/healthz')), 200)
})

t.test('of what a client pipelines one request is worked on, and all are answered when it reads', async t => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'image'), Buffer.alloc(200_000))
  const { app, port } = await listen(t, { store: new MemoryStore(), assetsPath: folder })
  const socket = await open(t, port)
  socket.pause()
  const requests = 500
  socket.write(get('/assets/image').repeat(requests))
  const other = await open(t, port)
  for (let tries = 0; app.connections.waiting === 0 && tries < 10_000; tries++) t.equal(await ask(other, get('/healthz')), 200)
  const held = readdirSync('/proc/self/fd').filter(fd => {
    try { return readlinkSync(`/proc/self/fd/${fd}`) === join(folder, 'image') } catch { return false }
  })
  t.ok(held.length <= 1, `${held.length} descriptors`)
  let bytes = 0
  socket.on('data', data => { bytes += data.length }).resume()
  socket.write(get('/healthz', 'Connection: close\r\n'))
  await closed(socket)
  t.ok(bytes > requests * 200_000, 'all of them came')
  t.equal(app.connections.waiting, 0)
})

t.test('a connection that ends takes what waits on it along', async t => {
  let arrived = (): void => {}
  const held = new Promise<void>(resolve => { arrived = resolve })
  const { app, port } = await listen(t, { store: new MemoryStore(), routes: app => { app.get('/v1/held', () => { arrived() }) } })
  const socket = await open(t, port)
  socket.write(get('/v1/held').repeat(50))
  await held
  t.equal(app.connections.waiting, 49)
  socket.destroy()
  for (let tries = 0; app.connections.waiting > 0 && tries < 1000; tries++) await exchange(port, Buffer.from(get('/', 'Connection: close\r\n')))
  t.equal(app.connections.waiting, 0)
})

t.test('who pipelines and goes gives its places back once', async t => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'image'), Buffer.alloc(3_000_000))
  for (const sends of [() => undefined, imageThread]) {
    const { app, port } = await listen(t, { store: new MemoryStore(), assetsPath: folder, assetSender: sends(t) })
    for (let times = 0; times < 10; times++) {
      const socket = await open(t, port)
      await new Promise(resolve => { socket.write(get('/assets/image').repeat(10), resolve) })
      if (times % 2 === 0) await once(socket, 'data')
      socket.destroy()
    }
    for (let tries = 0; app.connections.waiting > 0 && tries < 1000; tries++) await exchange(port, Buffer.from(get('/', 'Connection: close\r\n')))
    for (let tries = 0; tries < 5; tries++) await exchange(port, Buffer.from(get('/', 'Connection: close\r\n')))
    t.equal(app.connections.waiting, 0)
  }
})

t.test('who takes nothing of an answer is cut off', async t => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'image'), Buffer.alloc(50_000_000))
  for (const [by, sends] of [['this thread', () => undefined], ['another', imageThread]] as const) {
    const assetSender = sends(t)
    const connections = new ClientConnections({ all: 10, perAddress: 10, progressTimeout: 200 })
    let socket: Socket | undefined
    const { finished, bytes } = await new Promise<RequestEvent>(resolve => {
      void listen(t, { store: new MemoryStore(), assetsPath: folder, connections, assetSender, onRequest: resolve }).then(async ({ port }) => {
        socket = await open(t, port)
        socket.pause().write(get('/assets/image'))
      })
    })
    t.equal(finished, false, `sent by ${by}`)
    t.ok(bytes < 50_000_000)
  }
})

t.test('an address that holds its share loses an idle connection for a new one, and gets none while all are busy', async t => {
  const connections = new ClientConnections({ all: 100, perAddress: 2, progressTimeout: 60_000 })
  let arrived = (): void => {}
  const { port } = await listen(t, { store: new MemoryStore(), connections, routes: app => { app.get('/v1/held', () => { arrived() }) } })
  const hold = async (socket: Socket): Promise<void> => {
    const held = new Promise<void>(resolve => { arrived = resolve })
    socket.write(get('/v1/held'))
    await held
  }
  const [first, second] = [await open(t, port), await open(t, port)]
  t.equal(await ask(first, get('/healthz')), 200)
  t.equal(await ask(second, get('/healthz')), 200)
  t.equal(await ask(first, get('/healthz')), 200, 'the second is the one that was used longest ago')
  const third = await open(t, port)
  await closed(second)
  t.equal(await ask(third, get('/healthz')), 200)
  await hold(first)
  await hold(third)
  const fourth = await open(t, port)
  await closed(fourth)
  t.same([connections.count, connections.displaced, connections.refused], [2, 1, 1])
  t.equal(await ask(await open(t, port, '127.0.0.2'), get('/healthz')), 200, 'another address has places of its own')
})

t.test('when all places are taken, whoever holds most gives one', async t => {
  const connections = new ClientConnections({ all: 4, perAddress: 4, progressTimeout: 60_000 })
  const { port } = await listen(t, { store: new MemoryStore(), connections, routes: app => { app.get('/v1/held', () => {}) } })
  const strangers: Socket[] = []
  for (let i = 0; i < 4; i++) {
    const socket = await open(t, port, '127.0.0.2')
    strangers.push(socket)
    t.equal(await ask(socket, get('/healthz')), 200)
    socket.write(get('/v1/held'))
  }
  const [one, two] = [await open(t, port), await open(t, port)]
  t.equal(await ask(one, get('/healthz')), 200)
  t.equal(await ask(two, get('/healthz')), 200)
  await Promise.all(strangers.slice(0, 2).map(async socket => { if (!socket.destroyed) await closed(socket) }))
  t.equal(connections.count, 4)
})

t.test('when all places are taken by as many addresses, a newcomer waits for one and is answered', async t => {
  const clock = new FakeClock()
  const connections = new ClientConnections({ all: 2, perAddress: 2, progressTimeout: 60_000, waiting: { all: 2, perAddress: 2 }, clock, steady: () => clock.now() })
  const held: ServerResponse[] = []
  let arrived = (): void => {}
  const routes = (app: FastifyInstance): void => {
    app.get('/v1/held', (_, reply) => {
      reply.hijack()
      held.push(reply.raw)
      arrived()
    })
  }
  const { app, port } = await listen(t, { store: new MemoryStore(), connections, routes })
  const hold = async (socket: Socket): Promise<void> => {
    const came = new Promise<void>(resolve => { arrived = resolve })
    socket.write(get('/v1/held'))
    await came
  }
  const waits = (count: number): Promise<void> => until(`${count} wait`, () => connections.inLine === count)
  // One after the other: half of the places are for those who have asked for something.
  const one = await open(t, port, '127.0.0.1')
  await hold(one)
  await hold(await open(t, port, '127.0.0.2'))
  const three = await open(t, port, '127.0.0.3')
  const answer = ask(three, get('/healthz'))
  const four = await open(t, port, '127.0.0.4')
  await waits(2)
  const five = await open(t, port, '127.0.0.5')
  await closed(five)
  t.same([connections.count, connections.refused, connections.displaced], [2, 1, 0])

  one.destroy()
  t.equal(await answer, 200, 'what it sent while it waited is answered')
  const last = ask(four, get('/healthz'))
  t.equal(connections.inLine, 1)
  clock.advance(250)
  t.equal(connections.displaced, 0, 'it is idle for a moment')
  clock.advance(1000)
  t.equal(await last, 200, 'then it gives way')
  await closed(three)
  t.same([connections.count, connections.inLine, connections.displaced], [2, 0, 1])

  await hold(four)
  const six = await open(t, port, '127.0.0.6')
  await waits(1)
  six.resetAndDestroy()
  await until('it is noticed', () => {
    clock.advance(250)
    return connections.inLine === 0
  })
  const seven = await open(t, port, '127.0.0.7')
  await waits(1)
  connections.dismiss()
  await closed(seven)
  t.equal(held.length, 3)
  t.equal(app.connections.count, 2)
})

t.test('of who waits for a place nothing is read, over TLS or not, and the request is answered when there is one', async t => {
  const clock = new FakeClock()
  const connections = new ClientConnections({ all: 1, perAddress: 1, progressTimeout: 60_000, waiting: { all: 10, perAddress: 10 }, clock, steady: () => clock.now() })
  const { app, port } = await listen(t, { store: new MemoryStore(), connections })
  const authority = makeAuthority('waits')
  const secure = buildHttpsServer(app, makeCertificate(authority, { cn: 'server', use: 'serverAuth', names: [{ ip: '127.0.0.1' }] }), pino({ enabled: false }))
  secure.listen(0, '127.0.0.1')
  t.teardown(() => { secure.closeAllConnections(); secure.close() })
  await once(secure, 'listening')
  const came: Socket[] = []
  for (const server of [app.server, secure]) server.on('connection', (socket: Socket) => { came.push(socket) })
  const first = await open(t, port, '127.0.0.1')
  t.equal(await ask(first, get('/healthz')), 200)
  const plain = await open(t, port, '127.0.0.2')
  const answer = ask(plain, get('/healthz', `X-A: ${'y'.repeat(7000)}\r\n`))
  const raw = await open(t, (secure.address() as AddressInfo).port, '127.0.0.3')
  const over = connectTls({ socket: raw, host: '127.0.0.1', ca: authority.cert })
  t.teardown(() => over.destroy())
  const secured = ask(over, get('/healthz'))
  await until('both wait', () => connections.inLine === 2)
  // What they sent is here by the time that what comes after it is answered.
  await until('it was sent', () => plain.bytesWritten > 7000 && plain.writableLength === 0 && raw.bytesWritten > 100)
  for (let times = 0; times < 3; times++) t.equal(await ask(first, get('/healthz')), 200)
  t.same(came.slice(1).map(({ bytesRead }) => bytesRead), [0, 0])
  clock.advance(1000)
  t.equal(await answer, 200)
  plain.destroy()
  t.equal(await secured, 200)
  t.equal(await ask(over, get('/healthz')), 200, 'and once more')
})

t.test('headers up to 64 KiB, in a thousand lines', async t => {
  const { port } = await listen(t, { store: new MemoryStore() })
  const status = async (headers: string): Promise<number | null> => (await exchange(port, Buffer.from(get('/healthz', `Connection: close\r\n${headers}`)))).status
  t.equal(await status(`X-A: ${'y'.repeat(65_000)}\r\n`), 200)
  t.equal(await status(`X-A: ${'y'.repeat(65_536)}\r\n`), 431)
  t.equal(await status('X-A: y\r\n'.repeat(998)), 200)
  t.equal(await status('X-A: y\r\n'.repeat(999)), 431)
})

t.test('a client that goes while it waits is noticed, whatever it sent behind', async t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const holder: { app?: HttpApp } = {}
  const options = { registry, now: () => 0, pace: new Pace(), addressClaims: { hear: () => undefined, isAddressOf: () => true }, onInstalled: () => {}, hold: (...held: Parameters<ClientConnections['hold']>) => { holder.app?.connections.hold(...held) } }
  const { app, port } = await listen(t, { store: new MemoryStore(), routes: app => { registerMachineRoutes(app, options) } })
  holder.app = app
  for (const path of ['/v1/machines/52:54:00:00:00:01?wait=ack&timeout=3600', '/v1/events']) {
    for (const behind of [1, 60, 1000]) {
      const socket = await open(t, port)
      const arrived = once(app.server, 'request')
      socket.write(get(path).repeat(1 + behind))
      await arrived
      if (behind < 64) socket.destroy()
      // Whoever sends very many is cut off.
      else await closed(socket)
      for (let tries = 0; app.connections.count > 0 && tries < 1000; tries++) await new Promise(resolve => setImmediate(resolve))
      t.same([app.connections.count, app.connections.waiting], [0, 0], `${path} and ${behind}`)
    }
  }
  // More than one address may listen, if a place leaked.
  for (let i = 0; i < 60; i++) {
    const socket = await open(t, port)
    const arrived = once(app.server, 'request')
    socket.write(get('/v1/events').repeat(10))
    await arrived
    socket.destroy()
    await closed(socket)
  }
  t.equal(await ask(await open(t, port), get('/v1/events')), 200)
})

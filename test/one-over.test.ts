// Each limit of docs/limits.md, tried: exactly so much is taken, and one more is not. A row without its pair fails; where the pair is a
// test of its room, that one is named. What a row says in words about another row (its connections are "as above") is that row's pair.
import { execFileSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { readFileSync, truncateSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { systemClock } from '../src/base/clock.js'
import { LineRations, lineRates } from '../src/base/line-rations.js'
import { Metrics } from '../src/base/metrics.js'
import { Pace } from '../src/base/pace.js'
import { RateLimiter } from '../src/base/rate-limit.js'
import { EventStreams } from '../src/control/event-streams.js'
import { registerMachineRoutes } from '../src/control/machine-routes.js'
import { loadConfig } from '../src/config/load.js'
import type { DhcpEvent } from '../src/dhcp/dhcp-event.js'
import { MessageExchange } from '../src/dhcp/message-exchange.js'
import { encodePacket } from '../src/dhcp/packet.js'
import { parseJson } from '../src/go/json.js'
import { strangerLimits } from '../src/grpc/grpc-server.js'
import { discoveryRoutes } from '../src/http/discovery-routes.js'
import { Turns } from '../src/http/in-turn.js'
import { Unfinished } from '../src/http/unfinished.js'
import { updateRoutes } from '../src/http/update-routes.js'
import { octetsOfPacket, PacketLog } from '../src/machines/packet-log.js'
import { MachineRegistry } from '../src/machines/registry.js'
import { observe, recordLimits } from '../src/machines/timeline.js'
import { HttpClient } from '../src/mirror/http-client.js'
import { parseYaml } from '../src/config/yaml-text.js'
import { DiskTurns } from '../src/disk/disk-turns.js'
import { FileCache } from '../src/disk/file-cache.js'
import { readWhole } from '../src/disk/whole-file.js'
import { keysIn } from '../src/mirror/key-store.js'
import { acceptInNumbers } from '../src/net/acceptors.js'
import { Connections, type ConnectionsOptions } from '../src/net/connections.js'
import { openListeningSocket } from '../src/net/listening-socket.js'
import { macFromBytes } from '../src/net/mac.js'
import { openFileStore } from '../src/store/file-store.js'
import { Instances } from '../src/updates/instances.js'
import type { Instance } from '../src/updates/instance.js'
import { homesOf } from '../src/wiring/homes.js'
import { loaderCache } from '../src/wiring/loader-files.js'
import { type MachineNews, openMachineNews } from '../src/wiring/machine-news.js'
import { readYaml } from '../src/yaml/read-yaml.js'
import { mac, request, testMac } from './helpers/dhcp.js'
import { FakeClock } from './helpers/fake-clock.js'
import { quiet, rawClient, startAppliance, tlsCredentials } from './helpers/grpc-appliance.js'
import { listen } from './helpers/http-app.js'
import { exchange } from './helpers/matchbox-fixture.js'
import { MemoryStore } from './helpers/memory-store.js'
import { TestMirror } from './helpers/mirror.js'
import { makePki } from './helpers/pki.js'
import { makeKey, Publisher } from './helpers/publisher.js'
import { needs } from './helpers/tools.js'

type Try = (t: Test) => void | Promise<void>
/** A test of a room: its file below test/, and its name. */
type Elsewhere = readonly [file: string, name: string]

/** Of a connection what its bounds look at. */
class FakeSocket extends EventEmitter {
  readonly remoteAddress: string
  bytesRead = 0
  destroyed = false
  paused = false

  constructor (address: string) {
    super()
    this.setMaxListeners(0)
    this.remoteAddress = address
  }

  destroy (): void {
    this.destroyed = true
    this.emit('close')
  }

  pause (): void { this.paused = true }
  resume (): void { this.paused = false }
  readonly asSocket = this as unknown as Socket
}

const socketsOf = (count: number, address: (n: number) => string): FakeSocket[] => Array.from({ length: count }, (_, n) => new FakeSocket(address(n)))
const ended = (sockets: readonly FakeSocket[]): number => sockets.filter(({ destroyed }) => destroyed).length
const anybody = (n: number): string => `10.${n >> 16}.${n >> 8 & 255}.${n & 255}`

/** `take` for so many of one address and in all, each from another, then one more of them. */
function shared (t: Test, { perAddress, all }: { readonly perAddress: number, readonly all: number }, bound: () => (socket: FakeSocket) => void): void {
  for (const [most, address] of [[perAddress, () => '10.0.0.1'], [all, anybody]] as const) {
    const take = bound()
    const sockets = socketsOf(most, address)
    for (const socket of sockets) take(socket)
    t.equal(ended(sockets), 0, `${most} are taken`)
    const more = new FakeSocket(address(most))
    take(more)
    t.equal(ended([...sockets, more]), 1, 'and one more is not, or costs another its place')
  }
}

const admitting = (options: ConnectionsOptions) => {
  const places = new Connections(options)
  return (socket: FakeSocket): void => { places.admit(socket.asSocket) }
}

async function routes (t: Test) {
  const registry = new MachineRegistry([], { note: () => {} })
  const app = fastify()
  registerMachineRoutes(app, { registry, now: () => 0, pace: new Pace(), addressClaims: { hear: () => undefined, isAddressOf: () => true }, onInstalled: () => {} })
  t.teardown(() => app.close())
  return app
}

/** So many requests that are held, then one more: of one address, and in all. */
async function held (t: Test, url: string, { perAddress, all }: { readonly perAddress: number, readonly all: number }): Promise<void> {
  for (const [most, address] of [[perAddress, () => '10.0.0.1'], [all, anybody]] as const) {
    const app = await routes(t)
    let [arrived, refused] = [0, 0]
    const allArrived = new Promise<void>(resolve => { app.addHook('onRequest', async () => { if (++arrived === most) resolve() }) })
    const ask = (n: number): Promise<unknown> => app.inject({ url, remoteAddress: address(n) }).then(({ statusCode }) => { if (statusCode === 503) refused++ })
    const first = Array.from({ length: most }, (_, n) => ask(n))
    await allArrived
    t.equal(refused, 0, `${most} are held`)
    await ask(most)
    t.equal(refused, 1)
    await app.close()
    await Promise.all(first)
  }
}

/** A body of so many octets is read, and one of one more is refused with a status. */
async function bodies (t: Test, octets: number, refusal: number, send: (body: string) => Promise<number>): Promise<void> {
  t.not(await send('x'.repeat(octets)), refusal, `${octets} octets`)
  t.equal(await send('x'.repeat(octets + 1)), refusal, 'one more')
}

async function updates (t: Test, url: string, octets: number): Promise<void> {
  const refused: string[] = []
  const app = fastify()
  updateRoutes(app, { updates: {} as never, reboots: {} as never, origin: () => '', onRefused: (_, reason) => { refused.push(reason) } })
  t.teardown(() => app.close())
  const send = async (body: string): Promise<number> => (await app.inject({ method: 'POST', url, payload: body, headers: { 'content-type': 'text/xml' } })).statusCode
  await send('x'.repeat(octets))
  t.notOk(refused.includes('too_large'), `${octets} octets are read`)
  t.equal(await send('x'.repeat(octets + 1)), 400)
  t.equal(refused.at(-1), 'too_large')
}

const headOf = (target: string, headers: string): Buffer => Buffer.from(`GET ${target} HTTP/1.1\r\n${headers}\r\n`, 'latin1')
/** Header lines of so many octets together, as they are counted: a colon, a blank and a line's end each. */
const linesOf = (octets: number): string => {
  const always = 'Host: a\r\nConnection: close\r\n'
  return `${always}X-A: ${'y'.repeat(octets - always.length - 'X-A: \r\n'.length)}\r\n`
}

async function statusOf (t: Test, ...heads: readonly Buffer[]): Promise<Array<number | null>> {
  const { port } = await listen(t, { store: new MemoryStore() })
  const statuses = []
  for (const head of heads) statuses.push((await exchange(port, head)).status)
  return statuses
}

const instance = (n: number, address: string): Instance => ({ id: String(n), address, group: 'g', status: 'idle', version: '1.0.0' }) as unknown as Instance

const record = (t: Test, limits: { readonly timeline: number, readonly history: number }): void => {
  const line = (n: number) => ({ mac: mac('52:54:00:00:00:01'), stage: 'script' as const, at: n, detail: String(n) })
  let machine = observe(undefined, line(0), limits)
  for (let n = 1; n < limits.timeline; n++) machine = observe(machine, line(n), limits)
  t.same([machine.timeline.length, machine.timeline.at(-1)?.detail], [limits.timeline, String(limits.timeline - 1)])
  machine = observe(machine, line(limits.timeline), limits)
  t.same([machine.timeline.length, machine.timeline.at(-1)?.detail], [limits.timeline, String(limits.timeline)], 'the oldest went')
}

/** The oldest goes when there is one too many of a kind, whatever room others leave. */
function pushedOutAlone (t: Test, kind: 'known' | 'leased'): void {
  const macOf = (n: number) => macFromBytes(Buffer.from([2, 0, 0, 0, 0, n]))!
  const see = (registry: MachineRegistry, n: number): void => { registry.record({ mac: macOf(n), stage: 'script', at: n }) }
  const one = new MachineRegistry([], { note: () => {} })
  see(one, 0)
  const budgets = { known: 20 * one.octets, leased: 20 * one.octets, stranger: 20 * one.octets, [kind]: 10 * one.octets }
  const other = kind === 'known' ? 'leased' : 'known'
  const registry = new MachineRegistry([], { note: () => {}, budgets, kindOf: ({ mac }) => mac === macOf(99) ? other : kind })
  see(registry, 99)
  for (let n = 0; n < 10; n++) see(registry, n)
  t.equal(registry.size, 11)
  see(registry, 10)
  t.same([registry.size, registry.get(macOf(0)), registry.get(macOf(99))?.mac], [11, undefined, macOf(99)])
}

/** The bodies that a receiver was sent of one event, once there are `count`. */
async function toldByWebhook (
  t: Test, event: 'conflict' | 'stuck', act: (registry: MachineRegistry, clock: FakeClock, news: MachineNews) => void, count = 60
): Promise<readonly string[]> {
  const told: string[] = []
  const receiver = createHttp((asked, answer) => {
    let body = ''
    asked.setEncoding('utf8').on('data', (piece: string) => { body += piece }).once('end', () => {
      told.push(body)
      answer.writeHead(204).end()
      receiver.emit('told')
    })
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const hook = `{url: "http://127.0.0.1:${(receiver.address() as AddressInfo).port}/", on: [${event}]}`
  const loaded = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`state_path=${t.testdir()}`, `webhooks=[${hook}]`] })
  const [closing, clock]: [Array<() => unknown>, FakeClock] = [[], new FakeClock()]
  const ground = { loaded, config: loaded.config, clock, log: quiet, homes: homesOf(loaded.config) }
  const registry = new MachineRegistry([], { note: () => {}, kindOf: ({ group }) => group === 'named' ? 'known' : 'leased' })
  const news = await openMachineNews(ground, registry, new Metrics(), close => { closing.push(close) })
  act(registry, clock, news)
  while (told.length < count) await once(receiver, 'told')
  for (const close of closing) await close()
  receiver.closeAllConnections()
  receiver.close()
  return told
}

const boots = (t: Test, limits: { readonly timeline: number, readonly history: number }): void => {
  const boot = (n: number) => ({ mac: mac('52:54:00:00:00:01'), stage: 'discover' as const, program: 'pxe' as const, at: n * 3_600_000 })
  let machine = observe(undefined, boot(0), limits)
  for (let n = 1; n <= limits.history + 1; n++) {
    t.equal(machine.history?.length ?? 0, n - 1)
    machine = observe(observe(machine, { ...boot(n), stage: 'kernel', program: 'ipxe' }, limits), boot(n), limits)
  }
  t.equal(machine.history?.length, limits.history, 'the oldest went')
}

/** A machine's DISCOVERs, one of each transaction from `first` on; `send` tells how many of them were decided on. */
function transactionsOf (): { readonly clock: FakeClock, readonly send: (first: number, count: number) => number } {
  const clock = new FakeClock()
  const exchange = new MessageExchange({ clock, log: quiet, onEvent: () => {} })
  return {
    clock,
    send: (first, count) => {
      let decided = 0
      for (let xid = first; xid < first + count; xid++) {
        exchange.receive(encodePacket(request({ dhcpMessageType: 'DISCOVER' }, { mac: testMac, xid })), { address: '0.0.0.0', port: 68 }, () => { decided++ })
      }
      return decided
    }
  }
}

/** The same half a second after the first 30: what they may send is used up, and they come back. */
function comingBack (): ReturnType<typeof transactionsOf> {
  const sender = transactionsOf()
  sender.send(0, 30)
  sender.clock.advance(500)
  sender.send(100, 10)
  return sender
}

const tries: Readonly<Record<string, Readonly<Record<string, Try | Elsewhere>>>> = {
  'HTTP and HTTPS': {
    connections: t => { shared(t, { perAddress: 50, all: 100 }, () => admitting({ perAddress: 50, all: 100, giveWay: [] })) },
    'connections that wait for a place': t => {
      shared(t, { perAddress: 50, all: 100 }, () => {
        // Nobody has a place of those.
        const places = new Connections({ perAddress: 1000, all: 0, giveWay: [], line: { perAddress: 50, all: 100, giveWay: () => false } })
        return socket => { places.enter(socket.asSocket, () => {}) }
      })
    },
    'connections on which no request has come': t => {
      shared(t, { perAddress: 50, all: 50 }, () => {
        const bound = new Unfinished({ perAddress: 50, all: 100 }, () => {})
        return socket => { bound.connected(socket.asSocket) }
      })
    },
    'TLS handshakes under way': t => {
      shared(t, { perAddress: 64, all: 256 }, () => {
        const bound = new Unfinished({ perAddress: 1000, all: 2000 }, () => {})
        return socket => { bound.shaking(socket.asSocket) }
      })
    },
    'octets of requests that are not answered': t => {
      const bound = new Unfinished({ perAddress: 10, all: 10 }, () => {})
      const sockets = socketsOf(2, anybody)
      for (const socket of sockets) {
        bound.count(socket.asSocket)
        socket.bytesRead = 4_194_304
      }
      bound.look()
      t.equal(ended(sockets), 0)
      sockets[1]!.bytesRead++
      bound.look()
      t.same(sockets.map(({ destroyed }) => destroyed), [false, true])
    },
    'requests worked on': ['http/client-connections.test.ts', 'of what a client pipelines one request is worked on, and all are answered when it reads'],
    'requests waiting': t => {
      const turns = new Turns()
      const listener = turns.listener(() => {})
      const wait = (socket: FakeSocket): void => {
        listener({ socket } as unknown as IncomingMessage, Object.assign(new EventEmitter(), { socket: null }) as unknown as ServerResponse)
      }
      const one = new FakeSocket('10.0.0.1')
      for (let n = 0; n < 63; n++) wait(one)
      t.equal(one.paused, false)
      wait(one)
      t.equal(one.paused, true, 'with 64 that wait it is read no more')
      const others = socketsOf(2000 - 64, anybody)
      for (const socket of others) wait(socket)
      t.same([turns.waiting, ended(others)], [2000, 0])
      const more = new FakeSocket('10.1.0.1')
      wait(more)
      t.same([turns.waiting, more.destroyed], [2000, true])
    },
    'connections that nobody has taken yet': async t => {
      if (!needs(t, 'ss')) return
      const server = createServer()
      const fd = openListeningSocket('127.0.0.1', 0)
      server.listen({ fd })
      await once(server, 'listening')
      const acceptors = acceptInNumbers(server, fd)
      const kernel = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'))
      const [, , most] = execFileSync('ss', ['-Hltn', `sport = :${(server.address() as AddressInfo).port}`], { encoding: 'utf8' }).trim().split(/\s+/)
      t.equal(Number(most), Math.min(4096, kernel))
      server.close()
      await acceptors.close()
    },
    'header lines, octets together': async t => { t.same(await statusOf(t, headOf('/healthz', linesOf(65_536)), headOf('/healthz', linesOf(65_537))), [200, 431]) },
    'header lines': async t => {
      const lines = (count: number): Buffer => headOf('/healthz', `Host: a\r\nConnection: close\r\n${'X: y\r\n'.repeat(count - 2)}`)
      t.same(await statusOf(t, lines(1000), lines(1001)), [200, 431])
    },
    'labels of a request': async t => {
      const labels = (count: number): Buffer => headOf(`/healthz?${'a&'.repeat(count - 1)}a`, 'Host: a\r\nConnection: close\r\n')
      t.same(await statusOf(t, labels(4096), labels(4097)), [200, 431])
    },
    'target and header lines, octets, about': async t => {
      const lines = 'Host: a\r\nConnection: close\r\n'
      const head = (octets: number): Buffer => headOf(`/healthz?${'a'.repeat(octets - 'GET /healthz? HTTP/1.1\r\n\r\n'.length - lines.length)}`, lines)
      t.same(await statusOf(t, head(1_000_000), head(1_000_100)), [200, 431])
    },
    'octets that the kernel holds of a connection that is not read, about': ['net/listening-socket.test.ts', 'no more than so much comes at once, and what is not read stays with the client'],
    'time for line and headers': ['http/http-server.test.ts', 'a client that does not get on with its request is cut off'],
    'time for a request to arrive': ['http/http-server.test.ts', 'a client that does not get on with its request is cut off'],
    'time without an octet of the answer taken': ['http/client-connections.test.ts', 'who takes nothing of an answer is cut off'],
    'time between requests': async t => {
      const { port } = await listen(t, { store: new MemoryStore(), limits: { keepAliveTimeout: 1 } })
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')
      const [answer] = await once(socket, 'data')
      t.match(String(answer), /^HTTP\/1\.1 200/)
      await once(socket, 'close')
    },
    '`/v1/machines/MAC?wait=`': t => held(t, '/v1/machines/52:54:00:00:00:01?wait=ack&timeout=3600', { perAddress: 500, all: 1000 }),
    '`/v1/events`': t => held(t, '/v1/events', { perAddress: 50, all: 200 }),
    '`/v1/events`, octets not read': t => {
      const streams = new EventStreams()
      const methods = { isCut: false, writeHead: () => {}, write: () => {}, end: () => {}, destroy () { this.isCut = true } }
      const readers = [262_144, 262_145].map(writableLength => Object.assign(new EventEmitter(), { writableLength, ...methods }))
      for (const reader of readers) streams.add(reader as unknown as ServerResponse, '')
      streams.send('data: x\n\n')
      streams.end()
      t.same(readers.map(({ isCut }) => isCut), [false, true])
      for (const reader of readers) reader.emit('close')
    },
    '`/v1/events`, octets kept for `Last-Event-ID`': ['control/event-log.test.ts', 'a flood takes so much memory, and says how many are gone'],
    'renderings of more than 32 KiB or 50,000 steps that wait': ['rendering/long-renderings.test.ts', 'so many wait of one address and in all; the addresses take turns'],
    'time for one of these': ['rendering/long-renderings.test.ts', 'a rendering that does not come to its end is given up, and an idle thread is ended'],
    'body of `/v1/installed`, octets': async t => {
      const app = await routes(t)
      await bodies(t, 65_536, 413, async payload => (await app.inject({ method: 'POST', url: '/v1/installed?mac=52:54:00:00:00:01', payload })).statusCode)
    },
    'body of `/v1/update/`, octets': t => updates(t, '/v1/update/', 65_536),
    'body of `/fleetlock/v1/`, octets': t => updates(t, '/fleetlock/v1/pre-reboot', 4096),
    'body of a request below `/etcd/`, octets': async t => {
      const app = fastify()
      const seen: number[] = []
      discoveryRoutes(app, { discovery: { state: { index: 1 }, newToken: async (size: number) => { seen.push(size); return 'a' } } as never, origin: () => '' } as never)
      t.teardown(() => app.close())
      const send = async (octets: number): Promise<number> => {
        const payload = 'size=3&x='.padEnd(octets, 'x')
        return (await app.inject({ method: 'PUT', url: '/etcd/new', payload, headers: { 'content-type': 'application/x-www-form-urlencoded' } })).statusCode
      }
      t.same([await send(4096), await send(4097), seen], [200, 400, [3]])
    },
    '`/etcd/TOKEN?wait=true`': ['http/discovery-routes.test.ts', 'strangers: names, bodies, waits beyond their share'],
    'discovery tokens': ['cluster/discovery.test.ts', 'an address has its share of tokens: of its own, the one that nobody joined goes first'],
    'members below discovery tokens': ['cluster/discovery.test.ts', 'members below all tokens of an address, and below all there are, are bounded'],
    'members below a discovery token': ['cluster/discovery.test.ts', 'members, values and sizes are bounded'],
    'value of a member, octets': ['cluster/discovery.test.ts', 'members, values and sizes are bounded'],
    'installed machines that are remembered': t => {
      const one = new Instances()
      for (let n = 0; n < 256; n++) {
        t.equal(one.hasRoom('10.0.0.1').room, true) || t.fail(String(n))
        one.put(String(n), instance(n, '10.0.0.1'))
      }
      t.same(one.hasRoom('10.0.0.1'), { room: false })
      const all = new Instances()
      for (let n = 0; n < 19_999; n++) all.put(String(n), instance(n, anybody(n)))
      t.same(all.hasRoom(anybody(19_999)), { room: true })
      all.put('19999', instance(19_999, anybody(19_999)))
      t.same(all.hasRoom(anybody(20_000)), { room: true, forget: '0' })
    }
  },
  'The page': {
    connections: ['http/unfinished.test.ts', 'the server of the page and of the control socket has the same bounds'],
    '`/ui/events`': ['ui/watchers.test.ts', 'so many watch from one address and in all'],
    'passwords that are tried': ['ui/access.test.ts', 'a crowd that tries passwords holds little, and is told to wait'],
    'machines of each section on the first page': ['ui/watchers.test.ts', 'so many machines are on a page, and the next has the others'],
    'machines on a page of one section': ['ui/watchers.test.ts', 'so many machines are on a page, and the next has the others'],
    'strangers on a page': ['ui/watchers.test.ts', 'so many strangers are on a page'],
    'groups on a page of the store, and profiles': ['ui/watchers.test.ts', 'so many groups and profiles are on a page, and the next of either has the others'],
    'files of the store with problems that are told one by one': ['ui/watchers.test.ts', 'so many problems are told one by one, and how many more there are'],
    'mirrored releases on the page of images': ['ui/watchers.test.ts', 'so many releases are on a page, which says how many there are']
  },
  gRPC: {
    connections: async t => {
      const pki = makePki()
      const appliance = await startAppliance({ pki, connections: { all: 4, perAddress: 2 } })
      t.teardown(() => appliance.close())
      const meet = async (localAddress: string): Promise<TLSSocket> => {
        const { port } = appliance.server.address
        const socket = connectTls({ ...pki.client, ca: pki.ca.cert, port, host: '127.0.0.1', servername: 'localhost', ALPNProtocols: ['h2'], localAddress } as ConnectionOptions)
        t.teardown(() => { socket.destroy() })
        // Node reads what comes of HTTP/2 only when somebody asks for it.
        await new Promise(resolve => { socket.on('error', resolve).once('close', resolve).once('data', resolve) })
        return socket
      }
      const own = [await meet('127.0.0.1'), await meet('127.0.0.1'), await meet('127.0.0.1')]
      t.same(own.map(({ destroyed }) => destroyed), [false, false, true])
      const others = [await meet('127.0.0.2'), await meet('127.0.0.3'), await meet('127.0.0.4')]
      t.equal([...own, ...others].filter(({ destroyed }) => !destroyed).length, 4)
    },
    handshakes: t => { shared(t, { perAddress: 25, all: 100 }, () => admitting({ ...strangerLimits, giveWay: [() => true] })) },
    'octets of a handshake, certificates among them': ['grpc/carrier.test.ts', 'a handshake has so many octets, and what follows it any number'],
    'time that what a client sends stays unread, as of one that takes no answers': ['grpc/carrier.test.ts', 'what nobody reads any more is closed'],
    'time for a handshake': async t => {
      const pki = makePki()
      let reason = ''
      const appliance = await startAppliance({ pki, onHandshakeFailure: why => { reason = why } })
      t.teardown(() => appliance.close())
      const socket = connect(appliance.server.address.port, '127.0.0.1').on('error', () => {}).resume()
      await once(socket, 'close')
      t.equal(reason, 'timeout')
    },
    'message, octets': async t => {
      const pki = makePki()
      const appliance = await startAppliance({ pki })
      const client = rawClient(appliance.address, tlsCredentials(pki, pki.client))
      t.teardown(async () => {
        client.close()
        await appliance.close()
      })
      // A name of one letter takes three octets, the key and the length of the content five.
      const put = async (octets: number) => await client.call('GenericPut', { name: 'a', config: Buffer.alloc(octets - 8) })
      t.notMatch(await put(4_194_304), { error: { message: /larger than max/ } })
      t.match(await put(4_194_305), { error: { code: 8, message: /larger than max/ } })
    },
    'octets of calls whose message has not come whole': ['grpc/unfinished-calls.test.ts', 'of one address and in all so much, and one more octet ends the call that is unfinished for the longest time'],
    'octets that such a call counts for at least': ['grpc/unfinished-calls.test.ts', 'a call that sends nothing counts too'],
    'calls at once': async t => {
      const pki = makePki()
      const appliance = await startAppliance({ pki })
      const session = connectHttp2(`https://${appliance.address}`, { ...pki.client, ca: pki.ca.cert, servername: 'localhost' })
      const [settings] = await once(session, 'remoteSettings') as [{ readonly maxConcurrentStreams: number }]
      t.equal(settings.maxConcurrentStreams, 100, 'which HTTP/2 itself holds clients to')
      session.destroy()
      await appliance.close()
    }
  },
  DHCP: {
    'datagram, octets': t => {
      const events: DhcpEvent[] = []
      const exchange = new MessageExchange({ clock: new FakeClock(), log: quiet, onEvent: event => { events.push(event) } })
      let decided = 0
      const packet = encodePacket(request({ dhcpMessageType: 'DISCOVER' }, { mac: testMac }))
      for (const octets of [4096, 4097]) exchange.receive(Buffer.concat([packet, Buffer.alloc(octets - packet.length)]), { address: '0.0.0.0', port: 68 }, () => { decided++ })
      t.equal(decided, 1)
      t.match(events.at(-1), { kind: 'dropped' })
    },
    'messages at once': ['dhcp/message-exchange.test.ts', 'a flood is limited for its sender, told of once in ten minutes, and hurts nobody else'],
    'messages a second, after that': t => {
      const { clock, send } = transactionsOf()
      send(0, 20)
      clock.advance(1000)
      t.equal(send(20, 5), 5)
      t.equal(send(25, 1), 0)
    },
    'messages at once beyond these, of transactions that come back': t => {
      const { send } = comingBack()
      t.equal(send(0, 20), 20)
      t.equal(send(20, 1), 0)
    },
    'messages a second of them, after that': t => {
      const { clock, send } = comingBack()
      send(0, 20)
      clock.advance(1000)
      send(200, 10)
      t.equal(send(0, 5), 5)
      t.equal(send(5, 1), 0)
    },
    'answers at once to an address that a message names and does not come from':
      ['dhcp/message-exchange.test.ts', 'to an address that a message names and does not come from so many leave in a second, for each place it comes from'],
    'answers a second there, after that':
      ['dhcp/message-exchange.test.ts', 'to an address that a message names and does not come from so many leave in a second, for each place it comes from'],
    'transactions that are remembered': ['dhcp/message-exchange.test.ts', 'transactions that are invented take the memory of so many'],
    'machines whose rate is remembered': t => {
      const limiter = new RateLimiter<number>({ burst: 1, perSecond: 0 }, 4096)
      t.equal(limiter.take(-1, 0), true)
      // It is in the older half of what is remembered until as many others again have come.
      for (let n = 0; n < 2 * 4096 - 1; n++) limiter.take(n, 0)
      t.equal(limiter.size <= 2 * 4096, true)
      t.equal(limiter.take(-1, 0), false, 'remembered')
      for (let n = 0; n < 3 * 4096; n++) limiter.take(10_000 + n, 0)
      t.equal(limiter.take(-1, 0), true, 'forgotten')
    },
    'messages that wait, of machines that somebody named': ['dhcp/backlog.test.ts', 'whoever speaks in the name of a machine crowds out that one alone'],
    'addresses that are looked at before a machine is to have them': ['dhcp/looks-ahead.test.ts', 'so many are remembered, and those that count no more make room'],
    'time for which such a look counts': ['dhcp/looks-ahead.test.ts', 'it counts for a minute, and not before it began'],
    "addresses of the interface's own link that are looked at while no new machine comes": [
      'dhcp/idle-looks.test.ts', 'of an hour without machines: one look at a time, all of them found free lately, and no other address'
    ],
    'new machines that wait to hear whether somebody uses their address': ['dhcp/idle-watch.test.ts', 'so many wait, and when one more comes nobody does'],
    'addresses that somebody uses which are set aside before a machine comes': ['dhcp/idle-watch.test.ts', 'where many addresses are in use a handful of them is set aside, and the others when a machine would get them'],
    'DISCOVERs that wait': ['dhcp/backlog.test.ts', 'whatever arrives, it holds so many'],
    'other messages that wait': ['dhcp/backlog.test.ts', 'whatever arrives, it holds so many'],
    'hundredths of the socket\'s buffer that the kernel may hold already when an answer goes on the link to who has not answered ARP':
      ['dhcp/message-exchange.test.ts', 'who does not answer ARP gets what is left of the socket\'s buffer, up to a part of it'],
    'the same, when the message came from there': ['dhcp/message-exchange.test.ts', 'who does not answer ARP gets what is left of the socket\'s buffer, up to a part of it'],
    'the same, when it goes behind a router': ['dhcp/message-exchange.test.ts', 'who does not answer ARP gets what is left of the socket\'s buffer, up to a part of it'],
    'datagrams of one socket that wait in the program, since the kernel has no room for them': ['net/unsent-share.test.ts', 'the share of the buffer that is held, and so many datagrams that wait for room'],
    'DISCOVERs, offers and their packets that are not recorded yet, while messages wait': ['machines/told-later.test.ts', 'with one more than may wait, those of the machine that waits longest are told']
  },
  TFTP: {
    'request, octets': ['tftp/packet.test.ts', 'RFC 2347: a request is at most 512 bytes'],
    transfers: ['tftp/tftp-server.test.ts', 'no more transfers than there are places, for one client and for all'],
    'requests that wait for a transfer': ['tftp/waiting-line.test.ts', 'so many of an address and in all, and one more costs the eldest its turn'],
    'hundredths of a socket\'s buffer that the kernel may hold already when something goes on the link to who has not answered ARP':
      ['net/sparing-udp.test.ts', 'whichever way it is sent, and only what goes to such a neighbour'],
    'clients remembered whose transfer gave way, or that were silent until it was given up': [
      'tftp/left-transfers.test.ts', 'so many of an address and in all; who was dropped is a stranger to nobody for a minute'
    ],
    'time in which such a client goes on where it stood': ['tftp/left-transfers.test.ts', 'a client is remembered for a minute, and then nobody is expected'],
    'time without being asked again, of one that waits': ['tftp/waiting-line.test.ts', 'who does not ask again is forgotten'],
    'time that a transfer takes, before it may give way to an address with fewer': ['tftp/places.test.ts', 'who holds many transfers for long gives way, however busy they are'],
    'transfers, where three quarters of all are under way': ['tftp/tftp-server.test.ts', 'the last quarter of the places is for clients that hold few'],
    'time without a further block confirmed, before it may give way to an address with fewer': ['tftp/tftp-server.test.ts', 'transfers that are confirmed and then held give way, whatever pause was chosen'],
    'time to confirm a transfer before it may give way': ['tftp/tftp-server.test.ts', 'requests that nobody ever answers to hold no place against a machine that boots']
  },
  Machines: {
    'lines of a boot, of a machine that somebody named': t => { record(t, recordLimits.known) },
    'lines of a boot, of a stranger': t => { record(t, recordLimits.stranger) },
    'boots before it, of a machine that somebody named': t => { boots(t, recordLimits.known) },
    'boots before it, of a stranger': t => { boots(t, recordLimits.stranger) },
    'lines of a boot, where several provisioners share it': t => { record(t, recordLimits.shared) },
    'boots before it, where several provisioners share it': t => { boots(t, recordLimits.shared) },
    'records of machines in etcd, strangers not among them': [
      'cluster/etcd-machines.test.ts', 'strangers write nothing, what repeats itself is no write each, and there are no more records than may be'
    ],
    'characters of a text': t => {
      const detail = (length: number) => observe(undefined, { mac: mac('52:54:00:00:00:01'), stage: 'script', at: 0, detail: 'x'.repeat(length) }).timeline[0]?.detail
      t.same([detail(256), detail(257)], ['x'.repeat(256), `${'x'.repeat(256)}...`])
    },
    'relay agents in a configured subnet, others, other DHCP servers, of each (only with `ui.address`)':
      ['dhcp/neighbours.test.ts', 'an address made up for each message: a bounded list that changes once a second, from which the real one does not go'],
    'octets of known machines, about': t => { pushedOutAlone(t, 'known') },
    'octets of machines that only a lease names, about': t => { pushedOutAlone(t, 'leased') },
    'octets of strangers, about': ['machines/registry.test.ts', 'invented machines push out the longest unseen stranger, never a known machine, and take so much'],
    'last packets of a machine (only with `ui.address`)': ['machines/packet-log.test.ts', 'the last fifty, as copies, and no more of one than a frame holds'],
    'octets of them, known machines, about': t => {
      const size = 100 + octetsOfPacket
      const log = new PacketLog(() => 'known', { known: 3 * size, leased: 0, stranger: 0 })
      const [one, two] = [mac('52:54:00:00:00:01'), mac('52:54:00:00:00:02')]
      const end = { address: '10.0.0.1', port: 68 }
      const packet = { protocol: 'dhcp' as const, at: 0, isSent: false, from: end, to: end, data: Buffer.alloc(100) }
      log.record(one, packet)
      log.record(two, packet)
      log.record(two, packet)
      t.same([log.of(one).length, log.of(two).length], [1, 2])
      log.record(two, packet)
      t.same([log.of(one).length, log.of(two).length], [0, 3])
    },
    'octets of them, machines that only a lease names, about': ['machines/packet-log.test.ts', 'whoever takes a lease under any hardware address pushes out those who did, within what they may take'],
    'octets of them, strangers, about': ['machines/packet-log.test.ts', 'a flood of strangers pushes out strangers, within what they may take'],
    'hardware addresses that one group by UUID or serial number names': ['matchbox/named-machines.test.ts', "a stranger who says a machine's serial number a thousand times makes a few known"],
    'addresses, of several provisioners, of which etcd is asked to whom another one gave them': ['machines/address-claims.test.ts', 'of several provisioners: whom another gave the address is looked for before its machine is taken for a stranger'],
    'machines that wait to be enrolled': ['machines/enroller.test.ts', 'only so many wait'],
    'machines that were enrolled': ['matchbox/enrolment.test.ts', 'nobody is enrolled beyond the quantities, the range, the profiles there are, or in spite of a group'],
    'conflicts told of to webhooks in an hour': async t => {
      const told = await toldByWebhook(t, 'conflict', (_, __, news) => { for (let n = 0; n < 61; n++) news.conflict(testMac, `10.0.0.${n}`, 'declined') })
      t.same([told.length, told.some(text => text.includes('"10.0.0.60"'))], [60, false])
    },
    'machines that only a lease names and that do not get further, told of to webhooks in an hour': async t => {
      const named = macFromBytes(Buffer.from([2, 0, 0, 0, 0, 255]))!
      const told = await toldByWebhook(t, 'stuck', (registry, clock) => {
        const stuck = { stage: 'script' as const, at: clock.now(), code: 'group_unmatched', failed: 'no group matches' }
        for (let n = 0; n < 61; n++) registry.record({ mac: macFromBytes(Buffer.from([2, 0, 0, 0, 0, n]))!, ...stuck })
        registry.record({ mac: named, ...stuck, group: 'named' })
        clock.advance(1000)
      }, 61)
      t.equal(told.length, 61)
      t.equal(told.filter(text => text.includes(`"mac":"${named}"`)).length, 1, 'whom a group names is told of whoever else there is')
    }
  },
  Files: {
    'calls to the disk of `assets_path`, to that of `tftp.root`, and reading ones to that of `data_path`': async t => {
      const turns = new DiskTurns('/assets', new FakeClock())
      let begun = 0
      const ends: Array<() => void> = []
      let heard = (): void => {}
      const fourth = new Promise<void>(resolve => { heard = resolve })
      const calls = Array.from({ length: 4 }, () => turns.take(() => {
        if (++begun === 4) heard()
        return new Promise<void>(resolve => { ends.push(resolve) })
      }))
      t.equal(begun, 3)
      ends[0]?.()
      await Promise.all([calls[0], fourth])
      for (const end of ends) end()
      await Promise.all(calls)
    },
    'loader file that is kept in memory, octets': t => {
      const keeps = (size: bigint): boolean => new FileCache({ ...loaderCache, clock: new FakeClock() }).keeps({ dev: 1n, ino: 1n, size, mtimeNs: 1n, ctimeNs: 1n })
      t.same([keeps(8_388_608n), keeps(8_388_609n)], [true, false])
    },
    'loader files in memory, octets': async t => {
      const cache = new FileCache({ ...loaderCache, clock: new FakeClock() })
      for (let n = 1; n <= 65; n++) {
        const file = cache.open({ dev: 1n, ino: BigInt(n), size: 1_048_576n, mtimeNs: 1n, ctimeNs: 1n })
        const piece = await file?.piece(0, async () => {})
        piece?.release()
        file?.close()
        t.equal(cache.bytes, Math.min(n, 64) * 1_048_576)
      }
    },
    'file of the store, octets': async t => {
      const folder = t.testdir({ generic: { most: '', over: '' }, groups: {}, profiles: {} })
      for (const [name, octets] of [['most', 33_554_432], ['over', 33_554_433]] as const) truncateSync(join(folder, 'generic', name), octets)
      const store = await openFileStore({ dataPath: folder, tombstoneMs: 0, clock: new FakeClock(), log: quiet, watch: false })
      t.match(store.problems(), [{ name: 'over', message: /larger than 32 MiB/ }])
      t.same([...store.snapshot.configs.generic.keys()], ['most'])
      await store.close()
    },
    'objects and lists of JSON inside one another': t => {
      const nested = (depth: number): Buffer => Buffer.from('['.repeat(depth) + ']'.repeat(depth))
      t.ok(parseJson(nested(1000)))
      t.throws(() => parseJson(nested(1001)), { message: /exceeded max depth of 1000/ })
    },
    'maps and lists of YAML inside one another': t => {
      const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
      t.ok(readYaml(nested(1000), 'v2'))
      t.throws(() => readYaml(nested(1001), 'v2'), { message: /exceeded max depth of 1000/ })
    },
    'the same of the configuration and of `hosts.d`': t => {
      const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
      t.same(parseYaml('a', nested(100)).problems, [])
      t.same(parseYaml('a', nested(101)).problems, ['a:1:101: maps and lists lie in one another more than 100 times'])
    },
    'file of OpenPGP keys, octets': async t => {
      const { publicKey } = await makeKey('someone')
      const folder = t.testdir({ most: publicKey.padEnd(4_194_304), over: publicKey.padEnd(4_194_305) })
      t.equal((await keysIn(join(folder, 'most'))).length, 1)
      await t.rejects(keysIn(join(folder, 'over')), { code: 'key_invalid', message: /larger than 4 MiB/ })
    },
    'file with a certificate, a key, a password, a secret or users, octets': t => wholeFile(t, 'credentials', 1_048_576),
    'file with authorities, with revoked certificates, or with the key that signs, octets': t => wholeFile(t, 'collections', 16_777_216),
    'configuration, or file of `hosts.d`, octets': t => wholeFile(t, 'lists', 33_554_432)
  },
  Publishers: {
    'document about releases, or signature, octets': async t => {
      const { publisher, client } = await asked(t)
      publisher.put('/most', Buffer.alloc(8_388_608))
      publisher.put('/over', Buffer.alloc(8_388_609))
      t.equal((await client.bytes(`${publisher.url}/most`)).length, 8_388_608)
      await t.rejects(client.bytes(`${publisher.url}/over`), { code: 'image_too_large', message: /larger than the 8 MiB/ })
    },
    'redirects of one request': async t => {
      const { publisher, client } = await asked(t)
      publisher.put('/0', 'here')
      for (let n = 1; n <= 6; n++) publisher.faults.set(`/${n}`, { kind: 'redirect', to: `${publisher.url}/${n - 1}` })
      t.equal(await client.text(`${publisher.url}/5`), 'here')
      await t.rejects(client.text(`${publisher.url}/6`), { message: /redirects more than 5 times/ })
    },
    'octets of an image': async t => {
      const { publisher } = await asked(t)
      const key = await makeKey('publisher')
      await publisher.flatcar('1.0.0', key, { bytes: 300_000 })
      const sync = async (maxSize: number) => await new TestMirror([{ os: 'flatcar', base_url: publisher.url }], { folder: t.testdir(), keys: [key], maxSize }).sync()
      t.match(await sync(300_000), [{ outcome: 'published' }])
      t.match(await sync(299_999), [{ error: { code: 'image_too_large' } }])
    },
    'octets that come in a second, at least, over twice `images.timeout`': ['mirror/steady.test.ts', 'less than 1 KiB a second is not waited for, a little more is']
  },
  Names: {
    'addresses of one name that are tried': ['net/connect-host.test.ts', '128 addresses of a name are tried, and no more'],
    'of them at once': ['net/connect-host.test.ts', 'eight addresses are tried at once, the first gives way to the ninth, and all are closed at the end']
  },
  'The log': {
    'lines of one event that tell what was given, at once': t => { lines(t, 'info', 'http.ipxe', 'burst') },
    'lines of it a second, after that': t => { lines(t, 'info', 'http.ipxe', 'perSecond') },
    'lines of one event that tell what went wrong, at once': t => { lines(t, 'warn', 'http.unmatched', 'burst') },
    'lines of this a second, after that': t => { lines(t, 'warn', 'http.unmatched', 'perSecond') }
  }
}

/** So many lines of one sender, and of all, and one more is left out: at once, or in the second after that. */
function lines (t: Test, level: 'info' | 'warn', event: string, when: 'burst' | 'perSecond'): void {
  const { perSender, inAll } = lineRates[level]
  for (const [rate, ip] of [[perSender, () => '10.0.0.1'], [inAll, anybody]] as const) {
    const rations = new LineRations()
    const take = (count: number, now: number): number => Array.from({ length: count }, (_, n) => rations.take(event, { ip: ip(n) }, level, now)).filter(Boolean).length
    t.equal(take(rate.burst, 0), rate.burst)
    if (when === 'perSecond') t.equal(take(rate.perSecond, 1000), rate.perSecond)
    t.equal(take(1, when === 'burst' ? 0 : 1000), 0)
  }
}

/** One octet more is refused before any of it is read. */
async function wholeFile (t: Test, kind: 'credentials' | 'collections' | 'lists', octets: number): Promise<void> {
  const folder = t.testdir({ most: '', over: '' })
  truncateSync(join(folder, 'most'), octets)
  truncateSync(join(folder, 'over'), octets + 1)
  t.equal((await readWhole(join(folder, 'most'), kind)).length, octets)
  await t.rejects(readWhole(join(folder, 'over'), kind), { message: `it is larger than ${octets / 2 ** 20} MiB` })
}

async function asked (t: Test) {
  const publisher = await Publisher.start()
  t.teardown(() => publisher.close())
  return { publisher, client: new HttpClient({ env: {}, timeout: 5000, clock: systemClock, signal: new AbortController().signal }) }
}

const text = readFileSync(new URL('../docs/limits.md', import.meta.url), 'utf8')
const rows = text.split('\n## ').slice(1).flatMap(section => {
  const [title = '', ...lines] = section.split('\n')
  return lines.filter(line => line.startsWith('| ') && !line.startsWith('| what')).map(line => [title, line.split('|')[1]!.trim()] as const)
})

t.test('every row of docs/limits.md has its pair, and there is no other', t => {
  t.same(Object.entries(tries).flatMap(([title, pairs]) => Object.keys(pairs).map(what => `${title}: ${what}`)).sort(), rows.map(([title, what]) => `${title}: ${what}`).sort())
  t.ok(rows.length > 60)
  t.end()
})

for (const [title, pairs] of Object.entries(tries)) {
  for (const [what, pair] of Object.entries(pairs)) {
    t.test(`${title}: ${what}`, async t => {
      if (typeof pair === 'function') return await pair(t)
      const [file, name] = pair
      const source = readFileSync(fileURLToPath(new URL(file, import.meta.url)), 'utf8')
      const starts = [`'${name.replaceAll("'", "\\'")}'`, `"${name}"`, `\`${name}, `]
      t.ok(starts.some(start => source.includes(`t.test(${start}`)), `${file}: ${name}`)
    })
  }
}

// The server on its port: starting, ending, and many clients at once.
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect, createServer } from 'node:net'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import { createLog } from '../../src/base/log.js'
import { openGrpcClient } from '../../src/grpc/client.js'
import type { CallEvent } from '../../src/grpc/services.js'
import { startGrpcServer } from '../../src/grpc/grpc-server.js'
import { systemClock } from '../../src/base/clock.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { plainSerial } from '../../src/net/tls-identity.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { quiet, rawClient, startAppliance, tlsCredentials } from '../helpers/grpc-appliance.js'
import { MemoryStore } from '../helpers/memory-store.js'
import { makeCertificate, makePki } from '../helpers/pki.js'

const pki = makePki()
const identity = (): { ca: string, cert: string, key: string } => ({ ca: pki.ca.cert, ...pki.server })
const host = '127.0.0.1'

t.test('where it cannot listen is said', async t => {
  const taken = createServer().listen(0, host)
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const provisioner = createProvisioner({ store: new MemoryStore() })
  const options = { provisioner, identity, clock: systemClock, log: quiet }
  await t.rejects(startGrpcServer({ ...options, listen: { host, port } }), { code: 'address_in_use', message: `${host}:${port}` })
  await t.rejects(startGrpcServer({ ...options, listen: { host: '203.0.113.77', port: 0 } }), { code: 'address_not_here' })
  await t.rejects(startGrpcServer({ ...options, listen: { fd: 999 } }), { code: 'socket_failed', message: /inherited socket 999/ })
})

t.test('the client of the command line, and what is told of each call', async t => {
  const calls: CallEvent[] = []
  const app = await startAppliance({ pki, onCall: event => { calls.push(event) } })
  t.teardown(() => app.close())
  const client = await openGrpcClient({ address: app.address, ca: pki.ca.cert, ...pki.client })
  t.teardown(() => { client.close() })
  t.same(await client.call('GroupPut', { group: { id: 'g', profile: 'p' } }), {})
  t.match(await client.call('GroupGet', { id: 'g' }), { group: { id: 'g', profile: 'p' } })
  await t.rejects(client.call('ProfileGet', { id: 'none' }), { code: status.NOT_FOUND, details: 'there is no profile "none"' })
  await t.rejects(client.call('Nonsense', {}), /no call Nonsense/)
  t.match(calls, [
    { call: 'GroupPut', id: 'g', code: status.OK, peer: /^127\.0\.0\.1:\d+$/ },
    { call: 'GroupGet', id: 'g', code: status.OK },
    { call: 'ProfileGet', id: 'none', code: status.NOT_FOUND, error: AppError }
  ])
})

/** A store in which putting a group waits until it is let go. */
function slowStore () {
  const store = new MemoryStore()
  const put = store.putGroup
  let letGo = (): void => {}
  const held = new Promise<void>(resolve => { letGo = resolve })
  const begun = new Promise<void>(resolve => {
    store.putGroup = async group => {
      resolve()
      await held
      await put(group)
    }
  })
  return { store, begun, letGo }
}

async function slowServer (grace: number, clock: FakeClock | typeof systemClock) {
  const { store, begun, letGo } = slowStore()
  const provisioner = createProvisioner({ store })
  const server = await startGrpcServer({ provisioner, listen: { host, port: 0 }, identity, clock, log: quiet, grace })
  const address = `${host}:${server.address.port}`
  return { store, begun, letGo, server, address, client: rawClient(address, tlsCredentials(pki, pki.client)) }
}

t.test('a connection whose certificate was taken away is cut a minute later, and no other', async t => {
  const clock = new FakeClock()
  const revoked = new Set<string>()
  const { stream, entries } = logLines()
  const server = await startGrpcServer({
    provisioner: createProvisioner({ store: new MemoryStore() }),
    listen: { host, port: 0 },
    identity: () => ({ ...identity(), revoked }),
    clock,
    log: createLog({ level: 'info', pretty: false, destination: stream })
  })
  t.teardown(() => server.close(0))
  const met = async (pair: typeof pki.client): Promise<ClientHttp2Session> => {
    const session = connectHttp2(`https://${host}:${server.address.port}`, { ca: pki.ca.cert, ...pair })
    t.teardown(() => { session.destroy() })
    // The server's settings come when it knows whom it has met.
    await once(session, 'remoteSettings')
    return session
  }
  const [gone, stays] = [await met(pki.client), await met(makeCertificate(pki.ca, { cn: 'other', use: 'clientAuth' }))]
  const closed = once(gone, 'close')
  server.dropRevoked()
  t.equal(clock.pending, 0, 'there is nobody to be cut')
  revoked.add(plainSerial(new X509Certificate(pki.client.cert).serialNumber))
  server.dropRevoked()
  clock.advance(1)
  server.dropRevoked()
  clock.advance(59_998)
  t.equal(clock.pending, 2)
  clock.advance(1)
  await closed
  clock.advance(1)
  t.equal(clock.pending, 0)
  t.match(entries().filter(({ msg }) => msg === 'grpc.revoked'), [{ client: 'CN=client', peer: /^127/ }], 'told once, though another list came')
  t.equal(stays.closed, false)
})

t.test('close lets the calls that run end, and takes no new ones', async t => {
  const { store, begun, letGo, server, address, client } = await slowServer(60_000, systemClock)
  const put = client.call('GroupPut', { group: { id: 'g', profile: 'p' } })
  await begun
  const closed = server.close()
  t.equal(server.close(), closed, 'closing twice is closing once')
  const late = rawClient(address, tlsCredentials(pki, pki.client))
  t.match(await late.call('GroupList', {}), { error: { code: status.UNAVAILABLE } }, 'no new connection')
  late.close()
  letGo()
  t.match(await put, { response: {} }, 'the call that ran is answered')
  await closed
  t.ok(store.snapshot.groups.has('g'))
  client.close()
})

t.test('close waits so long and no longer', async t => {
  const clock = new FakeClock()
  const { store, begun, letGo, server, client } = await slowServer(5000, clock)
  const put = client.call('GroupPut', { group: { id: 'g', profile: 'p' } })
  await begun
  const closed = server.close()
  clock.advance(5000)
  t.match(await put, { error: { code: status.UNAVAILABLE } }, 'cut')
  letGo()
  await closed
  t.ok(store.snapshot.groups.has('g'), 'but what was begun is finished')
  client.close()
})

t.test('clients that are known keep their places: a newcomer is told that there is none', async t => {
  const failures: string[] = []
  const server = await startGrpcServer({
    provisioner: createProvisioner({ store: new MemoryStore() }),
    listen: { host, port: 0 },
    identity,
    clock: systemClock,
    log: quiet,
    connections: { all: 2, perAddress: 2 },
    onHandshakeFailure: reason => { failures.push(reason) }
  })
  t.teardown(() => server.close(0))
  const clients: ClientHttp2Session[] = []
  for (let n = 0; n < 2; n++) {
    const client = connectHttp2(`https://${host}:${server.address.port}`, { ca: pki.ca.cert, ...pki.client })
    t.teardown(() => { client.destroy() })
    // Its settings come once the server knows who it is.
    await once(client, 'remoteSettings')
    clients.push(client)
  }
  const newcomer = connect(server.address.port, host).on('error', () => {})
  newcomer.resume()
  await once(newcomer, 'close')
  t.same(failures, ['busy'])
  for (const client of clients) await new Promise<void>((resolve, reject) => { client.ping(error => { if (error === null) resolve(); else reject(error) }) })
  t.pass('both answer')
})

t.test('who floods the port is counted each time, and told of once a minute', async t => {
  const [clock, { stream, entries }] = [new FakeClock(), logLines()]
  let busy = 0
  let heard = (): void => {}
  const server = await startGrpcServer({
    provisioner: createProvisioner({ store: new MemoryStore() }),
    listen: { host, port: 0 },
    identity,
    clock,
    log: createLog({ level: 'warn', pretty: false, destination: stream }),
    connections: { all: 1, perAddress: 1 },
    onHandshakeFailure: reason => {
      if (reason === 'busy') busy++
      heard()
    }
  })
  t.teardown(() => server.close(0))
  const known = connectHttp2(`https://${host}:${server.address.port}`, { ca: pki.ca.cert, ...pki.client })
  t.teardown(() => { known.destroy() })
  await once(known, 'remoteSettings')
  const flood = async (times: number): Promise<number> => {
    for (let n = 0; n < times; n++) {
      const refused = new Promise<void>(resolve => { heard = resolve })
      const socket = connect(server.address.port, host).on('error', () => {}).resume()
      await refused
      socket.destroy()
    }
    return entries().filter(({ msg }) => msg === 'grpc.busy').length
  }
  t.equal(await flood(3), 1)
  clock.advance(59_999)
  t.equal(await flood(1), 1)
  clock.advance(1)
  t.equal(await flood(2), 2)
  t.equal(busy, 6)
  t.match(entries()[0], { level: 'warn', peer: /^127\.0\.0\.1:\d+$/, connections: 1, handshakes: 0 })
})

t.test('a connection that never speaks does not hold the close', async t => {
  const clock = new FakeClock()
  const { server, client } = await slowServer(5000, clock)
  const socket = connect(server.address.port, host).on('error', () => {}).resume()
  await once(socket, 'connect')
  t.match(await client.call('GroupList', {}), { response: {} })
  const closed = server.close()
  await once(socket, 'close')
  await closed
  client.close()
})

t.test('an unexpected failure is INTERNAL, without its words, and the server goes on', async t => {
  const store = new MemoryStore()
  store.putProfile = async () => { throw new TypeError('/secret/path') }
  const provisioner = createProvisioner({ store })
  const server = await startGrpcServer({ provisioner, listen: { host, port: 0 }, identity, clock: systemClock, log: quiet })
  const client = rawClient(`${host}:${server.address.port}`, tlsCredentials(pki, pki.client))
  const answer = await client.call('ProfilePut', { profile: { id: 'p' } })
  t.match(answer, { error: { code: status.INTERNAL, message: /internal error/ } })
  t.notMatch(answer, { error: { message: /secret/ } })
  t.match(await client.call('ProfileList', {}), { response: {} })
  client.close()
  await server.close()
})

t.test('many clients put and delete while readers poll what always exists', async t => {
  // Longer than any machine takes from a delete to the next put: what counts is that a machine finds its group meanwhile.
  const app = await startAppliance({ pki, tombstoneMs: 3_600_000 })
  t.teardown(() => app.close())
  const first = rawClient(app.address, tlsCredentials(pki, pki.client))
  await first.call('ProfilePut', { profile: { id: 'p', boot: { kernel: '/k' } } })
  await first.call('GroupPut', { group: { id: 'always', profile: 'p', selector: { name: 'always' } } })
  const writing = new AbortController()
  let reads = 0
  const misses: unknown[] = []
  const poll = async (client: typeof first, i: number): Promise<void> => {
    while (!writing.signal.aborted) {
      const answer = i % 2 === 0 ? await client.call('GroupGet', { id: 'always' }) : await client.call('SelectGroup', { labels: { name: 'always' } })
      reads++
      if (!('response' in answer)) misses.push(answer)
      const { body } = app.provisioner.render('ipxe', { labels: new Map([['name', `w${i % 32}`]]), rawQuery: '', client: undefined })
      const gone = !seen.has(i % 32) || body !== undefined
      if (!gone) misses.push(`w${i % 32}`)
    }
  }
  /** Writers whose group was put once: machines find it from then on, also while it is replaced by delete and put. */
  const seen = new Set<number>()
  const polling = Promise.all(Array.from({ length: 100 }, (_, i) => poll(first, i)))
  await Promise.all(Array.from({ length: 32 }, async (_, i) => {
    const client = rawClient(app.address, tlsCredentials(pki, pki.client))
    for (let round = 0; round < 8; round++) {
      const group = { id: `w${i}`, profile: 'p', selector: { name: `w${i}` }, metadata: Buffer.from(JSON.stringify({ round })) }
      t.match(await client.call('GroupPut', { group }), { response: {} })
      seen.add(i)
      t.match(await client.call('GroupGet', { id: `w${i}` }), { response: { group: { metadata: group.metadata } } })
      if (round < 7) t.match(await client.call('GroupDelete', { id: `w${i}` }), { response: {} })
    }
    client.close()
  }))
  writing.abort()
  await polling
  first.close()
  t.same(misses, [])
  t.ok(reads > 100, `${reads} reads`)
  t.equal(app.store.snapshot.groups.size, 33)
})

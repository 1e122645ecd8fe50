// What the client makes of each answer of a member: members that are played, over gRPC itself.
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { type Metadata, Server, ServerCredentials, type ServerDuplexStream, type sendUnaryData, type ServerUnaryCall, status } from '@grpc/grpc-js'
import { EtcdClient, type EtcdClientOptions } from '../../src/etcd/etcd-client.js'
import { takesNothing, verdictOn } from '../../src/etcd/failure.js'
import { loadMethods } from '../../src/etcd/proto.js'
import { until } from '../helpers/until.js'

/** Milliseconds: whoever answers does so at once, however busy this machine is. */
const patience = 60_000
const methods = await loadMethods()
interface Failure { readonly code: status, readonly details: string }
const failure = (code: status, details = 'x'): Failure => ({ code, details })

/** A member whose next answers stand in `answers`, and whose others are those of cluster `cluster`. */
async function member (t: Test) {
  const played = {
    cluster: '16',
    /** Of Range. */
    answers: [] as Failure[],
    /** Of Authenticate; the next token without one. */
    logins: [] as Failure[],
    asked: [] as Array<readonly [call: string, metadata: Metadata]>,
    streams: [] as Array<ServerDuplexStream<object, object>>,
    endpoint: ''
  }
  let tokens = 0
  const unary = (name: string, failures: Failure[], said: () => object) => ({ metadata }: ServerUnaryCall<object, object>, answer: sendUnaryData<object>): void => {
    played.asked.push([name, metadata])
    const failed = failures.shift()
    if (failed === undefined) answer(null, { header: { cluster_id: played.cluster }, ...said() })
    else answer(failed)
  }
  const server = new Server()
  const { Range, Authenticate, Watch } = methods
  server.addService({ Range, Authenticate, Watch } as never, {
    Range: unary('Range', played.answers, () => ({})),
    Authenticate: unary('Authenticate', played.logins, () => ({ token: `token${++tokens}` })),
    Watch: (stream: ServerDuplexStream<object, object>) => {
      played.asked.push(['Watch', stream.metadata])
      played.streams.push(stream)
    }
  } as never)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => { if (error === null) resolve(port); else reject(error) })
  })
  t.teardown(() => { server.forceShutdown() })
  return Object.assign(played, { endpoint: `http://127.0.0.1:${port}` })
}

async function clientOf (t: Test, members: ReadonlyArray<{ readonly endpoint: string }>, more: Partial<EtcdClientOptions> = {}) {
  const left: Array<readonly [string, string]> = []
  const etcd = await EtcdClient.open({ endpoints: members.map(({ endpoint }) => endpoint), tls: undefined, patience, onFailover: (...told) => { left.push(told) }, ...more })
  t.teardown(() => { etcd.close() })
  return { etcd, left, ask: async () => await etcd.call('Range', { key: Buffer.from('a') }) }
}

const callsOf = ({ asked }: { readonly asked: ReadonlyArray<readonly [string, Metadata]> }): string[] => asked.map(([name, metadata]) => [name, ...metadata.get('token')].join(' '))

t.test('one cluster: another one that answers is refused, until it is to be forgotten', async t => {
  const [one, other] = [await member(t), await member(t)]
  const alone = await clientOf(t, [one])
  t.equal(alone.etcd.cluster, undefined)
  await alone.ask()
  t.equal(alone.etcd.cluster, '16')
  one.cluster = '255'
  const foreign = `${one.endpoint} belongs to another etcd cluster (ff) than the one that answered before (10)`
  await t.rejects(alone.ask(), { code: 'etcd_foreign', message: foreign })
  alone.etcd.forgetCluster()
  await alone.ask()
  t.equal(alone.etcd.cluster, '255')

  one.cluster = '16'
  const { etcd, left, ask } = await clientOf(t, [one, other])
  await ask()
  one.answers.push(failure(status.UNAVAILABLE, 'no leader'))
  other.cluster = '255'
  await t.rejects(ask(), { code: 'etcd_foreign', message: new RegExp(`^etcd does not answer: ${one.endpoint}: no leader; ${other.endpoint}: ${other.endpoint} belongs`) })
  t.match(left, [[one.endpoint, 'no leader'], [other.endpoint, /belongs/]])
  t.equal(etcd.endpoint, one.endpoint)
  await ask()
  t.match(one.asked.at(-1)?.[1].getMap(), { hasleader: 'true' })
})

t.test('a login: once for all who ask, again when its token is none any more, and no third time', async t => {
  const one = await member(t)
  let password = 0
  const { ask, etcd } = await clientOf(t, [one], { login: { user: 'p', password: async () => String(password++) } })
  await Promise.all([ask(), ask()])
  t.same(callsOf(one).splice(0), ['Authenticate', 'Range token1', 'Range token1'])
  t.equal(password, 1)
  one.asked.splice(0)
  one.answers.push(failure(status.UNAUTHENTICATED))
  await ask()
  t.same(callsOf(one), ['Range token1', 'Authenticate', 'Range token2'])
  one.asked.splice(0)
  one.answers.push(failure(status.UNAUTHENTICATED), failure(status.INVALID_ARGUMENT, 'etcdserver: user name is empty'))
  await t.rejects(ask(), { code: 'etcd_refused', message: /^etcd refuses: it asks who this is/ })
  t.same(callsOf(one), ['Range token2', 'Authenticate', 'Range token3'])
  one.asked.splice(0)
  etcd.renew()
  one.logins.push(failure(status.INVALID_ARGUMENT, 'etcdserver: authentication failed, invalid user ID or password'))
  await t.rejects(ask(), { code: 'etcd_refused', message: /^etcd refuses: the user or the password is wrong/ })
  await ask()
  t.same(callsOf(one), ['Authenticate', 'Authenticate', 'Range token4'], 'who was refused asks again')

  const { ask: nobody } = await clientOf(t, [one])
  one.answers.push(failure(status.UNAUTHENTICATED))
  await t.rejects(nobody(), { code: 'etcd_refused', message: /it asks who this is/ })
})

t.test('where nobody is asked for a password none is shown, and it is not tried again', async t => {
  const one = await member(t)
  const { ask } = await clientOf(t, [one], { login: { user: 'p', password: async () => 'x' } })
  one.logins.push(failure(status.FAILED_PRECONDITION, 'etcdserver: authentication is not enabled'))
  await ask()
  await ask()
  t.same(callsOf(one), ['Authenticate', 'Range', 'Range'])
})

t.test('streams end with the member that is left, and with the client; what ended is none of them', async t => {
  const [one, other] = [await member(t), await member(t)]
  const { etcd, left, ask } = await clientOf(t, [one, other], { login: { user: 'p', password: async () => 'x' } })
  const ends: string[] = []
  const open = async (): Promise<Awaited<ReturnType<EtcdClient['stream']>>> => {
    const before = one.streams.length + other.streams.length
    const stream = await etcd.stream('Watch')
    stream.on('error', error => { ends.push(error.message) })
    await until('the member has it', () => one.streams.length + other.streams.length > before)
    return stream
  }
  const ended = async (): Promise<string | undefined> => {
    await until('it ended', () => ends.length > 0)
    return ends.shift()
  }
  await open()
  t.match(callsOf(one), ['Authenticate', 'Watch token1'])
  one.answers.push(failure(status.UNAVAILABLE, 'gone'))
  await ask()
  t.match(await ended(), /CANCELLED/, 'with a call that goes elsewhere')
  t.same(left.splice(0), [[one.endpoint, 'gone']])

  await open()
  other.streams[0]!.emit('error', failure(status.UNAVAILABLE, 'stopping'))
  t.match(await ended(), /stopping/)
  t.same(left.splice(0), [[other.endpoint, 'stopping']], 'a stream that breaks says so of its member')

  const quiet = await open()
  quiet.cancel()
  t.match(await ended(), /CANCELLED/)
  t.same([left, etcd.endpoint], [[], one.endpoint], 'which ends in order says nothing')
  await open()
  one.streams.at(-1)!.emit('error', failure(status.UNAUTHENTICATED, 'invalid auth token'))
  t.match(await ended(), /invalid auth token/)
  one.asked.splice(0)
  await ask()
  t.match(callsOf(one), ['Authenticate', /^Range /], 'its token is none any more')

  await open()
  etcd.renew()
  t.match(await ended(), /CANCELLED/, 'certificates changed')
  await open()
  etcd.close()
  t.match(await ended(), /CANCELLED/, 'the client is closed')
  t.same(left, [])
})

t.test('a member alone is not left, but its streams end', async t => {
  const one = await member(t)
  const { etcd, left, ask } = await clientOf(t, [one])
  const stream = await etcd.stream('Watch')
  const ended = new Promise<Error>(resolve => { stream.on('error', resolve) })
  await until('the member has it', () => one.streams.length > 0)
  const cancelled = once(one.streams[0]!, 'cancelled')
  one.answers.push(failure(status.UNAVAILABLE, 'no leader'))
  await t.rejects(ask(), { code: 'etcd_away', message: `etcd does not answer: ${one.endpoint}: no leader` })
  t.match((await ended).message, /CANCELLED/)
  await cancelled
  t.same(left, [])
})

t.test('what a failure means', async t => {
  for (const [code, details, verdict] of [
    [status.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded', { code: 'etcd_full', message: /NOSPACE/ }],
    [status.RESOURCE_EXHAUSTED, 'etcdserver: too many requests', 'elsewhere'],
    [status.OUT_OF_RANGE, 'compacted', { code: 'etcd_compacted', message: 'etcd: compacted' }],
    [status.UNAUTHENTICATED, '', 'login'],
    [status.INVALID_ARGUMENT, 'etcdserver: revision in header is old', 'login'],
    [status.INVALID_ARGUMENT, 'etcdserver: user name is empty', 'login'],
    [status.INVALID_ARGUMENT, 'etcdserver: authentication failed', { code: 'etcd_refused', message: /password is wrong/ }],
    [status.INVALID_ARGUMENT, 'etcdserver: request is too large', { code: 'message_too_large' }],
    [status.INVALID_ARGUMENT, 'duplicate key', { code: 'etcd_refused', message: 'etcd: duplicate key' }],
    [status.PERMISSION_DENIED, '', { code: 'etcd_refused', message: /may not read and write/ }],
    ...[status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED, status.UNKNOWN, status.INTERNAL, status.UNIMPLEMENTED, status.DATA_LOSS].map(code => [code, '', 'elsewhere'] as const),
    [status.NOT_FOUND, 'lease', { code: 'etcd_refused', message: 'etcd: lease' }]
  ] as const) t.match(verdictOn({ code, details }), verdict, `${status[code]} ${details}`)
  const verdict = (code: status, details = ''): unknown => verdictOn({ code, details })
  t.equal(takesNothing(verdict(status.RESOURCE_EXHAUSTED, 'space exceeded')), true)
  for (const other of [verdict(status.PERMISSION_DENIED), new Error('etcd_full'), 'elsewhere']) t.equal(takesNothing(other), false)
})

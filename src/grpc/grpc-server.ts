// The read-write API on its port: connections are met (handshake.ts) and handed to grpc-js, which answers the calls.
import {
  type ConnectionInjector, Server, ServerCredentials, ServerInterceptingCall, type ServerInterceptingCallInterface,
  type ServiceDefinition, status
} from '@grpc/grpc-js'
import { type ServerHttp2Stream, constants } from 'node:http2'
import { type AddressInfo, type Socket, createServer } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock, Timer } from '../base/clock.js'
import { AppError, DecodeError, errnoOf, messageOf, unwaited } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Provisioner } from '../matchbox/provisioner.js'
import { Pace } from '../base/pace.js'
import { Connections } from '../net/connections.js'
import type { ShareLimits } from '../net/shares.js'
import { plainSerial, type TlsIdentity } from '../net/tls-identity.js'
import { decodeMessage } from './decode.js'
import { HandshakeError, type HandshakeReason, Handshakes } from './handshake.js'
import { type Protocol, loadProtocol, serviceNames } from './proto.js'
import { type CallEvent, createCalls, implementationOf } from './services.js'
import { UnfinishedCalls } from './unfinished-calls.js'

export interface GrpcServerOptions {
  readonly provisioner: Provisioner
  /** Where to listen: an address, or a socket that is listening already. */
  readonly listen: { readonly host: string, readonly port: number } | { readonly fd: number }
  /** What the next connection is met with; asked for each. */
  readonly identity: () => TlsIdentity
  readonly clock: Clock
  readonly log: Logger
  /** For the metrics. */
  readonly onCall?: (event: CallEvent) => void
  readonly onHandshakeFailure?: (reason: HandshakeReason) => void
  /** Connections; 1,000 in all, half of them of one address, without it. */
  readonly connections?: ShareLimits
  /** Octets of calls whose message has not come whole. */
  readonly unfinished?: ShareLimits
  /** Shares the turns of the event loop with others that have much to do; one of its own without it. */
  readonly pace?: Pace
  /** How long calls may take to end when the server closes, in milliseconds; then their connections are cut. */
  readonly grace?: number
}

export interface GrpcServer {
  readonly address: AddressInfo
  /** Takes no more connections, tells clients to go (GOAWAY), and waits `grace` milliseconds at most for the calls that run. */
  close: (grace?: number) => Promise<void>
  /** A new list is in force: whose certificate is on it is told so for a minute, whatever it calls; then its connections are cut. */
  readonly dropRevoked: () => void
}

/** grpc's own limit, and Matchbox's. */
export const maxReceiveBytes = 4 * 1024 * 1024
const defaultConnections: ShareLimits = { all: 1000, perAddress: 500 }
/** Of these nobody knows yet who they are. */
export const strangerLimits: ShareLimits = { all: 100, perAddress: 25 }
/** A stranger who floods the port gets a line a minute, and is counted. */
const busyEvery = 60_000
const maxConcurrentStreams = 100
/** Milliseconds that a handshake may take the processor when the client has sent its hello: RSA with 4,096 bits. */
const handshakeCost = 4
/** A client that is gone without a word is noticed after so many milliseconds. */
const keepalive = 300_000
const defaultGrace = 5000
/** Milliseconds in which a client reads why it is let in no more. */
const revokedGrace = 60_000

/** Listens; throws AppError `address_in_use`, `address_not_here`, `permission_denied` or `socket_failed`. */
export async function startGrpcServer (options: GrpcServerOptions): Promise<GrpcServer> {
  const { log, clock, pace = new Pace() } = options
  const protocol = await loadProtocol()
  const running = new Set<Promise<void>>()
  /** Who is at the other end, by address and port. */
  const clients = new Map<string, Client>()
  const isRevoked = (peer: string): boolean => options.identity().revoked?.has(clients.get(peer)?.serial ?? '') === true
  const dropping = new Set<Timer>()
  const unfinished = new UnfinishedCalls(options.unfinished)
  const onUnfinished = (peer: string): void => { log.warn({ peer, ...whoIs(clients.get(peer)), octets: unfinished.octets }, 'grpc.unfinished') }
  const server = new Server({
    'grpc.max_receive_message_length': maxReceiveBytes,
    'grpc.max_concurrent_streams': maxConcurrentStreams,
    'grpc.keepalive_time_ms': keepalive,
    'grpc.enable_channelz': 0,
    interceptors: [(_method, call) => received(call, unfinished, onUnfinished), (_method, call) => refuseRevoked(call, isRevoked)]
  })
  const onCall = (event: CallEvent): void => {
    logCall(log, event, clients.get(event.peer))
    options.onCall?.(event)
  }
  const calls = createCalls(options.provisioner, protocol)
  for (const name of serviceNames) {
    const implementation = implementationOf(calls[name], options.provisioner, onCall, running, clock.now)
    server.addService(strict(protocol, protocol.services[name]), implementation)
  }
  // TLS is done when a connection gets here.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())

  const sockets = new Set<Socket>()
  const handshakes = new Handshakes({ clock, pace })
  /** Those whose handshake is not finished. Who came first gives way: a newcomer has said as little as who says nothing. */
  const strangers = new Set<Socket>()
  const meeting = new Connections({ ...strangerLimits, giveWay: [() => true] })
  const places = new Connections({ ...options.connections ?? defaultConnections, giveWay: [socket => strangers.has(socket)] })
  let saidBusy = -busyEvery
  const busy = (peer: string): void => {
    options.onHandshakeFailure?.('busy')
    if (clock.now() - saidBusy < busyEvery) return
    saidBusy = clock.now()
    log.warn({ peer, connections: places.count, handshakes: meeting.count }, 'grpc.busy')
  }
  const listener = createServer({ noDelay: true }, raw => {
    const peer = `${raw.remoteAddress ?? 'unknown'}:${raw.remotePort ?? 0}`
    // What happens to the connection is told by the socket above it.
    raw.on('error', () => {})
    const displaced = meeting.displaced
    if (!places.admit(raw) || !meeting.admit(raw)) {
      busy(peer)
      return
    }
    if (meeting.displaced > displaced) busy(peer)
    sockets.add(raw)
    raw.once('close', () => { sockets.delete(raw) })
    strangers.add(raw)
    const shake = async (): Promise<TLSSocket> => {
      await pace.work(() => {}, handshakeCost)
      return await handshakes.shake(raw, options.identity())
    }
    unwaited(shake().then(socket => {
      const { subject, serialNumber } = socket.getPeerCertificate()
      clients.set(peer, { client: nameOf(subject), serial: plainSerial(serialNumber), socket })
      socket.once('close', () => { clients.delete(peer) })
      log.debug({ peer, tls: socket.getProtocol(), ...whoIs(clients.get(peer)) }, 'grpc.connect')
      socket.on('error', error => { log.debug({ peer, err: messageOf(error) }, 'grpc.disconnect') })
      injector.injectConnection(socket)
    }, (error: unknown) => {
      const reason = error instanceof HandshakeError ? error.reason : 'failed'
      log[error instanceof HandshakeError && error.silent ? 'debug' : 'warn']({ peer, reason, err: messageOf(error) }, 'grpc.handshake')
      options.onHandshakeFailure?.(reason)
      raw.destroy()
    }).finally(() => {
      strangers.delete(raw)
      meeting.release(raw)
    }))
  })
  await listen(listener, options.listen)
  listener.on('error', error => { log.error({ err: messageOf(error) }, 'grpc.listener') })
  const address = listener.address() as AddressInfo

  let closing: Promise<void> | undefined
  const close = async (grace = options.grace ?? defaultGrace): Promise<void> => {
    const closed = new Promise<void>(resolve => { listener.close(() => { resolve() }) })
    for (const socket of strangers) socket.destroy()
    for (const timer of dropping) timer.cancel()
    await drain({ injector, sockets, running, clock, grace })
    server.forceShutdown()
    injector.destroy()
    await closed
    log.info('grpc.close')
  }
  const dropRevoked = (): void => {
    const gone = [...clients].filter(([peer]) => isRevoked(peer))
    if (gone.length === 0 || closing !== undefined) return
    const timer = clock.after(revokedGrace, () => {
      dropping.delete(timer)
      for (const [peer, { socket, ...client }] of gone) {
        // Who has gone, or was cut by the list before this one.
        if (socket.destroyed) continue
        log.info({ peer, ...client }, 'grpc.revoked')
        socket.destroy()
      }
    })
    dropping.add(timer)
  }
  return { address, close: grace => (closing ??= close(grace)), dropRevoked }
}

interface Draining {
  readonly injector: ConnectionInjector
  readonly sockets: ReadonlySet<Socket>
  readonly running: ReadonlySet<Promise<void>>
  readonly clock: Clock
  readonly grace: number
}

/** Lets the calls that run end, within `grace` milliseconds, then cuts what is left. */
async function drain ({ injector, sockets, running, clock, grace }: Draining): Promise<void> {
  injector.drain(grace)
  const ended = Promise.all([...sockets].map(socket => new Promise(resolve => socket.once('close', resolve))))
  await new Promise<void>(resolve => {
    const timer = clock.after(grace, resolve)
    unwaited(ended.then(() => {
      timer.cancel()
      resolve()
    }))
  })
  for (const socket of sockets) socket.destroy()
  // What a client no longer waits for is still written: a put is never left half-way because its caller hung up.
  await Promise.all(running)
}

/** The service with requests read by decode.ts; one that cannot be read is handed on as the error it met. */
function strict (protocol: Protocol, service: ServiceDefinition): ServiceDefinition {
  return Object.fromEntries(Object.entries(service).map(([name, method]) => {
    const type = protocol.requestType(name)
    return [name, {
      ...method,
      requestDeserialize: (bytes: Buffer) => {
        try {
          return decodeMessage(bytes, type)
        } catch (error) {
          if (error instanceof DecodeError) return error
          throw error
        }
      }
    }]
  }))
}

/**
 * Compressed requests are refused, as Matchbox does, so that a few bytes cannot become many, and what comes of one that is not whole is
 * counted. grpc-js takes the header away before an interceptor sees it and keeps it in a field of its call, as it does the stream; it is
 * the first interceptor that is given this call itself.
 */
function received (
  call: ServerInterceptingCallInterface, unfinished: UnfinishedCalls, onEnded: (peer: string) => void
): ServerInterceptingCall {
  const encoding: unknown = Reflect.get(call, 'incomingEncoding')
  const stream = Reflect.get(call, 'stream') as ServerHttp2Stream
  const held = unfinished.begin(stream.session?.socket.remoteAddress ?? '', () => {
    onEnded(call.getPeer())
    call.sendStatus({ code: status.RESOURCE_EXHAUSTED, details: 'too much of unfinished calls is held: this one was unfinished for the longest time' })
    // Once its status has left; what came of its message goes with it.
    setImmediate(() => { stream.close(constants.NGHTTP2_NO_ERROR) })
  })
  stream.on('data', (octets: Buffer) => { held.grow(octets.length) }).once('end', held.done).once('close', held.done)
  return new ServerInterceptingCall(call, {
    start: next => {
      if (typeof encoding !== 'string' || encoding === 'identity') next()
      else call.sendStatus({ code: status.UNIMPLEMENTED, details: `Decompressor is not installed for grpc-encoding ${JSON.stringify(encoding)}` })
    }
  })
}

/** A certificate that was taken away also ends with the connection that it opened before. */
const refuseRevoked = (call: ServerInterceptingCallInterface, isRevoked: (peer: string) => boolean) => new ServerInterceptingCall(call, {
  start: next => {
    if (isRevoked(call.getPeer())) call.sendStatus({ code: status.UNAUTHENTICATED, details: 'the client certificate was revoked' })
    else next()
  }
})

const quiet: ReadonlySet<status> = new Set([status.OK, status.NOT_FOUND])

/** Whose certificate it is: `CN=terraform`; its serial number as `certs show` tells it. */
interface Client { readonly client: string, readonly serial: string, readonly socket: TLSSocket }

const whoIs = (client: Client | undefined): object => client === undefined ? {} : { client: client.client, serial: client.serial }

const nameOf = (subject: object): string => Object.entries(subject).map(([key, value]) => `${key}=${String(value)}`).join(', ')

function logCall (log: Logger, { call, id, peer, code, ms, told, error }: CallEvent, client: Client | undefined): void {
  const reads = call.endsWith('Get') || call.endsWith('List') || call.startsWith('Select')
  const level = code === status.INTERNAL ? 'error' : !quiet.has(code) ? 'warn' : reads ? 'debug' : 'info'
  log[level]({ call, id, peer, ...whoIs(client), ...told, code: status[code], ms, ...error === undefined ? {} : { err: messageOf(error) } }, 'grpc.call')
}

async function listen (listener: ReturnType<typeof createServer>, at: GrpcServerOptions['listen']): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(at, () => {
      listener.off('error', reject)
      resolve()
    })
  }).catch((error: unknown) => {
    const where = 'fd' in at ? `the inherited socket ${at.fd}` : `${at.host}:${at.port}`
    const errno = errnoOf(error)
    if (errno === 'EADDRINUSE') throw new AppError('address_in_use', `gRPC cannot listen on ${where}: another program does`, { cause: error })
    if (errno === 'EADDRNOTAVAIL') throw new AppError('address_not_here', `gRPC cannot listen on ${where}: this machine does not have that address`, { cause: error })
    if (errno === 'EACCES') throw new AppError('permission_denied', `gRPC cannot listen on ${where}: permission denied`, { cause: error })
    throw new AppError('socket_failed', `gRPC cannot listen on ${where}: ${messageOf(error)}`, { cause: error })
  })
}

// The HTTP server: builds the fastify application, which listens when its caller says so. Paths answer as Matchbox's do,
// so each request target is first read as Go reads it: what must be redirected or refused is, paths of Matchbox's are
// handed to their routes by their decoded form, and every other path is fastify's as usual.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from '../base/log.js'
import type { Provisioner } from '../matchbox/provisioner.js'
import type { Mac } from '../net/mac.js'
import { errorAnswer, notFound, send } from './answer.js'
import type { FileCache } from '../disk/file-cache.js'
import { assetRoutes } from './asset-routes.js'
import { type LoaderSource, isLoaderPath, loaderRoutes, loadersPath } from './loader-routes.js'
import { bootRoutes } from './boot-routes.js'
import { BootingMachines } from './booting-machines.js'
import { ClientConnections } from './client-connections.js'
import { answerClientError, originalTarget } from './client-error.js'
import { configRoutes } from './config-routes.js'
import { healthRoutes } from './health-routes.js'
import { type RequestEvent, type Seen, seenNothing, tell } from './machine-log.js'
import { RenderingCache } from './rendering-cache.js'
import { type Target, encodePath, escapeHtml, escapeNonAscii, parseTarget } from '../go/http/request-target.js'
import { cleanUrlPath } from '../go/path.js'
import { goBytes, printable } from '../go/string.js'
import type { Routing } from './routing.js'
import { type DetachedSigner, Signatures, type SignatureForm, splitSignaturePath } from './signatures.js'

export interface HttpOptions {
  readonly provisioner: Provisioner
  readonly log: Logger
  /** The folder under /assets/; '' for none. */
  readonly assetsPath: string
  /** Keeps what is served under /assets/ in memory. */
  readonly assetCache?: FileCache
  /** Signs what machines read; undefined for no .sig and .asc. */
  readonly signer?: DetachedSigner | undefined
  /** The files under /boot/, for UEFI HTTP Boot. */
  readonly loaders?: LoaderSource
  /** Whose address it is: for a request that does not say who asks. Without it such a request has no labels. */
  readonly identify?: ((ip: string) => Mac | undefined) | undefined
  /** Why the program is not ready, one line each; none when it is. */
  readonly ready: () => readonly string[]
  /** What may be amiss all the same, one line each. */
  readonly warnings?: () => readonly string[]
  /** Told of each request once its answer has left. */
  readonly onRequest?: (event: RequestEvent) => void
  /** What clients may hold of this listener and the others that serve the same routes; generous without it. */
  readonly connections?: ClientConnections
  readonly limits?: Partial<HttpLimits>
}

export interface HttpLimits {
  /** Request line and headers, in bytes; what is longer is refused with 431, as 64 KiB of headers are. Go takes 1 MiB and 4 KiB. */
  readonly headerBytes: number
  /** Milliseconds for line and headers to arrive, and for the whole request; then 408. */
  readonly headersTimeout: number
  readonly requestTimeout: number
  /** Milliseconds between requests of one connection; iPXE keeps its own open while it boots. */
  readonly keepAliveTimeout: number
}

export const defaultLimits: HttpLimits = {
  headerBytes: 1_000_000, headersTimeout: 20_000, requestTimeout: 60_000, keepAliveTimeout: 75_000
}

/** Milliseconds after which a client that takes nothing of its answer is cut off. */
export const progressTimeout = 60_000

interface Arrival {
  /** Milliseconds of no clock in particular. */
  readonly started: number
  readonly target: Target | undefined
  readonly method: string
  /** Where the client has to go instead. */
  redirect: string | undefined
  /** What is asked for is not the document but its signature. */
  signature: SignatureForm | undefined
  /** A body that cannot be told from the next request. */
  readonly unreadable: boolean
  /** Two of them, of which a proxy before us may have believed the other (RFC 9112 section 3.2). */
  readonly hosts: number
  readonly seen: Seen
}

/** A body that nobody reads is only drained up to here, as in Go; for more, the connection ends with the answer. */
const drainedBytes = 256 * 1024

/** On the message itself: a WeakMap of many short-lived keys keeps the garbage collector busy. */
const arrivalKey = Symbol('arrival')
interface ArrivingMessage extends IncomingMessage { [arrivalKey]?: Arrival }

function arrivalOf ({ raw }: { readonly raw: ArrivingMessage }): Arrival {
  raw[arrivalKey] ??= read(raw)
  return raw[arrivalKey]
}

export const refuseExpectation = (_: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(417, { 'content-length': '0', connection: 'close' }).end()
}

const refused = '/ refused'
const assets = '/assets/'
/** Paths whose routes ignore the method, as Go's handlers do. */
const matchboxPaths: ReadonlySet<string> = new Set([
  '/', '/boot.ipxe', '/boot.ipxe.0', '/ipxe', '/grub', '/ignition', '/cloud', '/generic', '/metadata'
])

/** The application, and what its clients' connections hold, for other listeners of the same routes. */
export type HttpApp = FastifyInstance & { readonly connections: ClientConnections }

export function buildHttpApp (options: HttpOptions): HttpApp {
  const { provisioner, log, assetsPath, assetCache, signer, loaders, identify, onRequest, limits = {} } = options
  const connections = options.connections ?? new ClientConnections({ all: 4096, perAddress: 4096, progressTimeout })
  const { headerBytes, headersTimeout, requestTimeout, keepAliveTimeout } = { ...defaultLimits, ...limits }

  const signatures = signer === undefined ? undefined : new Signatures(signer)
  const app = fastify({
    logger: false,
    serverFactory: handle => createServer({
      maxHeaderSize: headerBytes, headersTimeout, requestTimeout, keepAliveTimeout, connectionsCheckingInterval: headersTimeout / 4
    }, connections.listener(handle)),
    forceCloseConnections: 'idle',
    // Whoever connected before the listener closed is answered: a machine that boots asks once.
    return503OnClosing: false,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 1024 },
    rewriteUrl: (raw: ArrivingMessage) => {
      const arrival = read(raw)
      raw[arrivalKey] = arrival
      const route = routeOf(arrival, { assets: assetsPath !== '', signatures: signatures !== undefined, loaders: loaders !== undefined })
      if (route === undefined) return raw.url!
      // Matchbox's routes are told by `method`; for fastify, which would read a body, there are two.
      if (raw.method !== 'HEAD') raw.method = 'GET'
      return route
    },
    clientErrorHandler: (error, socket) => { answerClientError(app.server, error, socket, log) }
  })

  connections.watch(app.server)
  app.server.on('checkExpectation', refuseExpectation)
  // No more descriptors, for one: who waits is taken when there are some again.
  app.server.on('error', error => { if (app.server.listening) log.error({ error: error.message }, 'http.listener') })

  const routing: Routing = {
    provisioner,
    booting: new BootingMachines(),
    rendered: new RenderingCache(),
    target: request => arrivalOf(request).target ?? { path: '', rawQuery: '' },
    method: request => arrivalOf(request).method,
    seen: request => arrivalOf(request).seen,
    ip: ipOf,
    identify,
    answer: (request, reply, answer) => {
      const { signature, seen } = arrivalOf(request)
      if (signature === undefined || signatures === undefined) return send(reply, answer)
      // A signature is no stage of a boot.
      Object.assign(seen, { kind: 'other', name: `${seen.name}.${signature}` })
      return signatures.over(answer, signature).then(signed => send(reply, signed))
    }
  }

  app.decorateReply('bodyBytes', 0)
  app.addHook('onRequest', (request, reply, done) => {
    const { headers } = request
    if (Number(headers['content-length'] ?? 0) > drainedBytes || headers['transfer-encoding'] !== undefined) reply.raw.setHeader('connection', 'close')
    // Not fastify's onResponse, which does not hear of an answer that the client broke off.
    const ip = ipOf(request)
    const sentBefore = request.socket.bytesWritten
    reply.raw.once('close', () => {
      const { seen, started } = arrivalOf(request)
      const finished = reply.raw.writableFinished
      const length = request.raw.method === 'HEAD' ? 0 : reply.bodyBytes || Number(reply.getHeader('content-length') ?? 0)
      const bytes = finished ? length : Math.min(length, Math.max(0, request.socket.bytesWritten - sentBefore))
      tell(seen, { ip, status: reply.raw.statusCode, bytes, ms: performance.now() - started, finished }, log, onRequest)
    })
    done()
  })
  app.setNotFoundHandler((_, reply) => send(reply, notFound))
  app.setErrorHandler((error: Error & { statusCode?: number }, _, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) log.error({ err: error.message }, 'http.failed')
    return send(reply, errorAnswer(status, status >= 500 ? '500 Internal Server Error' : `${status} ${error.message}`))
  })
  app.get(refused, (request, reply) => refuse(arrivalOf(request), reply))

  bootRoutes(app, routing)
  configRoutes(app, routing)
  healthRoutes(app, options.ready, options.warnings ?? (() => []))
  if (assetsPath !== '') assetRoutes(app, routing, assetsPath, assetCache)
  if (loaders !== undefined) loaderRoutes(app, routing, loaders)
  return Object.assign(app, { connections })
}

function read (raw: IncomingMessage): Arrival {
  const started = performance.now()
  raw.url = originalTarget(raw.socket) ?? raw.url ?? ''
  // A request without a version (HTTP/0.9) is none to Go.
  const target = raw.httpVersionMajor < 1 ? undefined : parseTarget(raw.url)
  const unreadable = (raw.headers['transfer-encoding'] ?? 'chunked').trim().toLowerCase() !== 'chunked'
  const seen = seenNothing(printable(target?.path ?? raw.url))
  return { started, target, method: raw.method ?? '', redirect: undefined, signature: undefined, unreadable, hosts: hostsOf(raw), seen }
}

/** How many Host headers it has: Node keeps the first and says nothing of others. */
function hostsOf ({ rawHeaders }: IncomingMessage): number {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.length === 4 && rawHeaders[i]!.toLowerCase() === 'host') hosts++
  return hosts
}

/** The route of a request that Matchbox's rules decide; undefined leaves it to fastify. */
function routeOf (arrival: Arrival, has: Readonly<Record<'assets' | 'signatures' | 'loaders', boolean>>): string | undefined {
  const { target } = arrival
  if (target === undefined || target.path === '*' || arrival.unreadable || arrival.hosts > 1) return refused
  const clean = cleanUrlPath(target.path)
  if (has.loaders && isLoaderPath(clean)) return loadersPath
  const to = has.assets && clean === assets.slice(0, -1) ? assets : clean
  if (to !== target.path) {
    arrival.redirect = `${encodePath(to)}${target.rawQuery === '' ? '' : `?${target.rawQuery}`}`
    return refused
  }
  if (matchboxPaths.has(to)) return to
  if (has.assets && to.startsWith(assets)) return assets
  const signed = has.signatures ? splitSignaturePath(to) : undefined
  if (signed !== undefined && signed.path !== '/' && matchboxPaths.has(signed.path)) {
    arrival.signature = signed.form
    return signed.path
  }
  // Fastify would cut the path at a number sign, which here is part of it, and answers JSON where octets are not UTF-8.
  return to.includes('#') || !to.isWellFormed() ? refused : undefined
}

/** Answers what is no request for a document: a redirect, or what was wrong with it. */
function refuse ({ target, method, redirect, unreadable, hosts }: Arrival, reply: FastifyReply): FastifyReply {
  const closing = (status: number, text: string): FastifyReply => send(reply, {
    status,
    headers: { connection: 'close', ...text === '' ? {} : { 'content-type': 'text/plain; charset=utf-8' } },
    body: Buffer.from(text)
  })
  if (hosts > 1) return closing(400, '400 Bad Request: too many Host headers')
  if (target?.path === '*') return closing(method === 'OPTIONS' ? 200 : 400, '')
  if (unreadable) return closing(501, 'Unsupported transfer encoding')
  if (target === undefined) return closing(400, '400 Bad Request')
  if (redirect === undefined) return send(reply, notFound)
  const readable = method === 'GET' || method === 'HEAD'
  return send(reply, {
    status: 301,
    headers: { location: escapeNonAscii(redirect), ...readable ? { 'content-type': 'text/html; charset=utf-8' } : {} },
    body: readable ? goBytes(`<a href="${escapeHtml(redirect)}">Moved Permanently</a>.\n\n`) : Buffer.alloc(0)
  })
}

const ipOf = (request: FastifyRequest): string => (request.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '')

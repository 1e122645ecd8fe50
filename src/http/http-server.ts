// The HTTP server: machines' paths are answered by handlers of their own, every other one by fastify, to which whoever builds
// the application adds routes. It listens when its caller says so.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { DiskAssets } from '../assets/asset-source.js'
import type { FileSender } from '../assets/file-sender.js'
import type { Logger } from '../base/log.js'
import { noSchemas } from '../base/no-schemas.js'
import type { DiskTurns } from '../disk/disk-turns.js'
import type { FileCache } from '../disk/file-cache.js'
import type { Provisioner } from '../matchbox/provisioner.js'
import { type Answer, errorAnswer, notFound } from './answer.js'
import type { Arrival } from './arrival.js'
import { assetRoutes } from './asset-routes.js'
import { bootRoutes, type Enrol } from './boot-routes.js'
import { BootingMachines } from './booting-machines.js'
import { boundedServer, defaultLimits, type HttpLimits, progressTimeout } from './bounded-server.js'
import { ClientConnections } from './client-connections.js'
import { answerClientError } from './client-error.js'
import { configRoutes } from './config-routes.js'
import { front, serverError } from './front.js'
import { healthRoutes } from './health-routes.js'
import { type LoaderSource, loaderRoutes } from './loader-routes.js'
import type { Hear } from './client-address.js'
import { type Identify, MachineDocuments } from './machine-documents.js'
import type { RequestEvent } from './machine-log.js'
import { matchboxRoutes, type Route } from './matchbox-routes.js'
import { type DetachedSigner, Signatures } from './signatures.js'

export interface HttpOptions {
  readonly provisioner: Provisioner
  readonly log: Logger
  /** The folder under /assets/; '' for none. */
  readonly assetsPath: string
  /** Keeps what is served under /assets/ in memory. */
  readonly assetCache?: FileCache
  /** At the disk that it is on. */
  readonly assetTurns?: DiskTurns
  /** Sends what is served under /assets/ where it can; else this thread does. */
  readonly assetSender?: FileSender | undefined
  /** Signs what machines read; undefined for no .sig and .asc. */
  readonly signer?: DetachedSigner | undefined
  /** The files under /boot/, for UEFI HTTP Boot. */
  readonly loaders?: LoaderSource
  /** Whose address it is: for a request that does not say who asks. Without it such a request has no labels. */
  readonly identify?: Identify | undefined
  /** Before a document is made for whoever has an address that this program may not have heard of. */
  readonly hear?: Hear | undefined
  /** Before a machine's iPXE script is made: gives it a group of its own, if it is to have one. */
  readonly enrol?: Enrol | undefined
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

export const refuseExpectation = (_: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(417, { 'content-length': '0', connection: 'close' }).end()
}

/** The application: people's routes are added to it. */
export type HttpApp = FastifyInstance & {
  /** What its clients' connections hold, and who answers a request, for other listeners of the same routes. */
  readonly connections: ClientConnections
  readonly handle: RequestListener
}

export function buildHttpApp (options: HttpOptions): HttpApp {
  const { log, limits = {} } = options
  const connections = options.connections ?? new ClientConnections({ all: 4096, perAddress: 4096, progressTimeout })
  let closing = false
  const app = fastify({
    schemaController: noSchemas,
    serverFactory: () => boundedServer(connections, { ...defaultLimits, ...limits })((request, response) => { handle(request, response) }),
    forceCloseConnections: 'idle',
    // Whoever connected before the listener closed is answered: a machine that boots asks once.
    return503OnClosing: false,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 1024 },
    clientErrorHandler: (error, socket) => { answerClientError(app.server, error, socket, log) }
  })
  const arrivals = new WeakMap<IncomingMessage, Arrival>()
  const others = (arrival: Arrival): void => {
    arrivals.set(arrival.request, arrival)
    app.routing(arrival.request, arrival.response)
  }
  const handle = front({ route: routeOf(options), others, isClosing: () => closing, log, onRequest: options.onRequest })

  app.server.on('checkExpectation', refuseExpectation)
  // No more descriptors, for one: who waits is taken when there are some again.
  app.server.on('error', error => { if (app.server.listening) log.error({ error: error.message }, 'http.listener') })
  app.addHook('preClose', done => {
    closing = true
    done()
  })
  app.addHook('onSend', (request, _, payload, done) => {
    const arrival = arrivals.get(request.raw)
    if (arrival !== undefined && (typeof payload === 'string' || Buffer.isBuffer(payload))) arrival.bodyBytes = Buffer.byteLength(payload)
    done()
  })
  const reply = (reply: FastifyReply, { status, headers, body }: Answer): FastifyReply => reply.code(status).headers(headers).send(body)
  app.setNotFoundHandler((_, to) => reply(to, notFound))
  app.setErrorHandler((error: Error & { statusCode?: number }, _, to) => {
    const status = error.statusCode ?? 500
    if (status >= 500) log.error({ err: error.message }, 'http.failed')
    return reply(to, status >= 500 ? serverError : errorAnswer(status, `${status} ${error.message}`))
  })
  healthRoutes(app, options.ready, options.warnings ?? (() => []))
  return Object.assign(app, { connections, handle })
}

function routeOf (options: HttpOptions): Route {
  const { provisioner, identify, hear, enrol, assetsPath, assetCache, assetTurns, assetSender, loaders, signer } = options
  const documents = new MachineDocuments(provisioner, identify, hear)
  const booting = new BootingMachines()
  return matchboxRoutes({
    documents: [...bootRoutes(provisioner, documents, booting, enrol), ...configRoutes(documents)],
    signatures: signer === undefined ? undefined : new Signatures(signer),
    assets: assetsPath === '' ? undefined : assetRoutes(new DiskAssets(assetsPath, assetCache, assetTurns), booting, assetSender),
    loaders: loaders === undefined ? undefined : loaderRoutes(loaders)
  })
}

// What installed machines ask for: /v1/update/ (Omaha), /updates/v1/graph (Cincinnati), /fleetlock/v1/ (FleetLock). Their clients
// follow no redirect, and Zincati sends JSON without saying so, so bodies are taken as octets whatever they claim to be.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError, DecodeError } from '../base/errors.js'
import { readGraphQuery, type UpdateQuery } from '../updates/graph-query.js'
import { parseLockRequest } from '../updates/lock-request.js'
import { decodeOmahaRequest, mostRequestBytes } from '../updates/omaha-request.js'
import { encodeOmahaResponse } from '../updates/omaha-response.js'
import type { Reboots } from '../updates/reboots.js'
import type { Updates } from '../updates/updates.js'
import { addressOf, type Hear, whenHeard } from './client-address.js'

export interface UpdateRoutesOptions {
  readonly updates: Updates
  readonly reboots: Reboots
  /** Where machines reach this server: `http://192.168.100.2:8080`. */
  readonly origin: (client: string) => string
  /** Fulfilled when it is known whose an address is, before it is answered. */
  readonly hear?: Hear
  /** Told of each request that could not be read, with a fixed word. */
  readonly onRefused: (protocol: string, reason: string, address: string) => void
}

const mostLockBytes = 4096

export function updateRoutes (app: FastifyInstance, options: UpdateRoutesOptions): void {
  for (const [protocol, bodyLimit] of [[omaha, mostRequestBytes], [fleetlock, mostLockBytes], [cincinnati, mostLockBytes]] as const) {
    void app.register(async room => {
      room.addHook('preHandler', whenHeard(options.hear))
      room.removeAllContentTypeParsers()
      room.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_, body, done) => { done(null, body) })
      protocol(room, options)
    })
  }
}

type BodyError = Error & { readonly statusCode?: number }

/** The body was larger than it may be, or ended before it was whole. */
const isBodyError = ({ statusCode = 500 }: BodyError): boolean => statusCode >= 400 && statusCode < 500

/** A request without a body has none at all. */
const bodyOf = ({ body }: FastifyRequest): Buffer => Buffer.isBuffer(body) ? body : Buffer.alloc(0)

function omaha (app: FastifyInstance, { updates, origin, onRefused }: UpdateRoutesOptions): void {
  const text = async (reply: FastifyReply, status: number, body: string): Promise<FastifyReply> =>
    await reply.code(status).header('content-type', status === 200 ? 'text/xml; charset=utf-8' : 'text/plain; charset=utf-8').send(body)
  app.setErrorHandler(async (error: BodyError, request, reply) => {
    if (!isBodyError(error)) throw error
    onRefused('omaha', 'too_large', addressOf(request))
    return await text(reply, 400, `${error.message}\n`)
  })
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const address = addressOf(request)
    try {
      const apps = decodeOmahaRequest(bodyOf(request))
      const answers = []
      for (const asked of apps) answers.push(await updates.answerApp(asked, address, origin(address)))
      return await text(reply, 200, encodeOmahaResponse(answers))
    } catch (error) {
      // Clients ask more and more rarely after 500 and 503, and not after 400.
      if (error instanceof AppError) return await text(reply, 503, `${error.message}\n`)
      if (!(error instanceof DecodeError)) throw error
      onRefused('omaha', error.code, address)
      return await text(reply, 400, `this is no request of the Omaha protocol: ${error.message}\n`)
    }
  }
  app.post('/v1/update', answer)
  app.post('/v1/update/', answer)
}

/** As Zincati and its servers word an error: `kind` is a word for metrics. */
const refusal = async (reply: FastifyReply, status: number, kind: string, value: string): Promise<FastifyReply> =>
  await reply.code(status).send({ kind, value })

function cincinnati (app: FastifyInstance, { updates, onRefused }: UpdateRoutesOptions): void {
  app.get<{ Querystring: UpdateQuery }>('/updates/v1/graph', async (request, reply) => {
    const address = addressOf(request)
    const query = readGraphQuery(request.query)
    if (query === undefined) {
      onRefused('cincinnati', 'scope_missing', address)
      return await refusal(reply, 400, 'invalid_scope', 'stream and basearch are needed')
    }
    try {
      const graph = await updates.answerGraph(query, address)
      if (graph !== undefined) return await reply.send(graph)
      onRefused('cincinnati', 'unknown_stream', address)
      return await refusal(reply, 404, 'unknown_stream', `nothing is mirrored of the stream ${query.stream}`)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return await refusal(reply, 503, 'failed_state', error.message)
    }
  })
}

function fleetlock (app: FastifyInstance, { reboots, onRefused }: UpdateRoutesOptions): void {
  app.setErrorHandler(async (error: BodyError, request, reply) => {
    if (!isBodyError(error)) throw error
    onRefused('fleetlock', 'too_large', addressOf(request))
    return await refusal(reply, 400, 'invalid_client_identity', error.message)
  })
  const route = (
    path: string, failed: string, act: (group: string, id: string, address: string, reply: FastifyReply) => Promise<FastifyReply>
  ): void => {
    app.post(path, async (request, reply) => {
      const address = addressOf(request)
      const refused = async (value: string): Promise<FastifyReply> => {
        onRefused('fleetlock', 'invalid_client_identity', address)
        return await refusal(reply, 400, 'invalid_client_identity', value)
      }
      // Neither a form of a web page nor a redirect sends it.
      if (request.headers['fleet-lock-protocol'] !== 'true') return await refused('the header fleet-lock-protocol: true is missing')
      const client = parseLockRequest(bodyOf(request))
      if (client === undefined) return await refused('expected {"client_params": {"group": "...", "id": "..."}}')
      try {
        return await act(client.group, client.id, address, reply)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        return await refusal(reply, 500, failed, error.message)
      }
    })
  }
  const done = async (reply: FastifyReply): Promise<FastifyReply> => await reply.code(200).send('')
  route('/fleetlock/v1/pre-reboot', 'failed_lock', async (group, id, address, reply) => {
    const refusedBy = await reboots.lock(group, id, address)
    switch (refusedBy?.kind) {
      case undefined: return await done(reply)
      case 'unknown_group': return await refusal(reply, 400, 'unknown_group', `no group ${group} is configured (updates.groups)`)
      case 'outside_window': return await refusal(reply, 503, 'outside_window', `reboots of ${group} may begin at ${new Date(refusedBy.opens).toISOString()} (${refusedBy.window})`)
      case 'failed_lock_semaphore_full': return await refusal(reply, 503, refusedBy.kind, 'semaphore currently full, all slots are locked already')
    }
  })
  route('/fleetlock/v1/steady-state', 'failed_unlock', async (group, id, address, reply) => {
    await reboots.unlock(group, id, address)
    return await done(reply)
  })
}

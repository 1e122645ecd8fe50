// etcd's discovery service for machines: /etcd/new makes a token, and below /etcd/<token> members of the new cluster find one
// another. The paths are those of discovery.etcd.io below /etcd, and so Mayu's.
import { setMaxListeners } from 'node:events'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../base/errors.js'
import type { Discovery } from '../cluster/discovery.js'
import { discoveryLimits, sizeIn } from '../cluster/discovery-limits.js'
import { keyError, type KeysAnswer, memberKey, tokenKey } from '../cluster/keys-answer.js'
import { networkOf } from '../net/ipv4.js'
import { type ShareLimits, Shares } from '../net/shares.js'
import { addressOf, type Hear, whenHeard } from './client-address.js'

export interface DiscoveryRoutesOptions {
  readonly discovery: Discovery
  /** Where machines reach this server: `http://192.168.100.2:8080`. */
  readonly origin: (client: string) => string
  /** Fulfilled when it is known whose an address is, before it is answered. */
  readonly hear?: Hear
  /** Told of a request whose answer takes its time, before it waits. */
  readonly hold?: (request: IncomingMessage, response: ServerResponse) => void
}

/** Members that wait for others: each holds a connection. */
export const discoveryWaiters: ShareLimits = { all: 1000, perAddress: 100 }
export const mostBodyBytes = 4096
const defaultSize = '3'

type Query = Readonly<Record<string, string | string[] | undefined>>
interface TokenRequest { readonly Params: { readonly token: string, readonly id: string }, readonly Querystring: Query }

export function discoveryRoutes (app: FastifyInstance, { discovery, origin, hear, hold }: DiscoveryRoutesOptions): void {
  const places = new Shares(discoveryWaiters)
  const closing = new AbortController()
  // One for each who waits.
  setMaxListeners(0, closing.signal)
  app.addHook('preClose', async () => { closing.abort() })

  /** Answers with the next event; the head leaves at once, as etcd's does, so that proxies between see life. */
  const wait = (request: FastifyRequest<TokenRequest>, reply: FastifyReply, key: string, answerNow: KeysAnswer): FastifyReply => {
    const asked = textOf(request.query, 'waitIndex')
    if (!/^\d{0,15}$/.test(asked)) return send(reply, keyError('invalidField', 'waitIndex is a number', answerNow.index))
    // 0 is "from now on" to etcd.
    const from = Number(asked) === 0 ? undefined : Number(asked)
    const leave = places.take(addressOf(request))
    if (leave === undefined) return send(reply, keyError('raftInternal', 'too many wait already: ask again', answerNow.index))
    hold?.(request.raw, reply.raw)
    reply.hijack()
    const { raw } = reply
    let begun = false
    const cancel = discovery.wait({ key, recursive: textOf(request.query, 'recursive') === 'true' }, request.params.token, from, ({ status, index, body }) => {
      if (!begun) raw.writeHead(status, headersOf(index))
      begun = true
      raw.end(`${JSON.stringify(body)}\n`)
    })
    if (!begun) {
      raw.writeHead(200, headersOf(answerNow.index))
      raw.flushHeaders()
      begun = true
    }
    const end = (): void => { raw.end() }
    closing.signal.addEventListener('abort', end, { once: true })
    if (closing.signal.aborted) end()
    raw.once('close', () => {
      cancel()
      leave()
      closing.signal.removeEventListener('abort', end)
    })
    return reply
  }
  const isWaiting = ({ method, query }: FastifyRequest<TokenRequest>): boolean => method === 'GET' && textOf(query, 'wait') === 'true'

  void app.register(async room => {
    room.addHook('preHandler', whenHeard(hear))
    room.removeAllContentTypeParsers()
    room.addContentTypeParser('*', { parseAs: 'string', bodyLimit: mostBodyBytes }, (_, body, done) => { done(null, body) })
    // What is no fault of whoever asked: etcd's clients ask again after a 5xx, and give up after anything else.
    room.setErrorHandler(async (error: Error & { readonly statusCode?: number }, _, reply) => {
      if (error instanceof AppError) return send(reply, keyError('raftInternal', error.message, discovery.state.index))
      if (error.statusCode === undefined || error.statusCode >= 500) throw error
      return send(reply, keyError('invalidField', error.message, discovery.state.index))
    })
    room.route<{ Querystring: Query }>({
      method: ['GET', 'PUT', 'POST'],
      url: '/etcd/new',
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        const size = sizeIn(formOf(request).get('size') ?? (textOf(request.query, 'size') || defaultSize))
        void reply.header('content-type', 'text/plain; charset=utf-8')
        if (size === undefined) return await reply.code(400).send(`size is a number from 1 to ${discoveryLimits.largestSize}\n`)
        const address = addressOf(request)
        const token = await discovery.newToken(size, networkOf(address))
        return await reply.send(`${origin(address)}/etcd/${token}`)
      }
    })
    room.get<TokenRequest>('/etcd/:token', (request, reply) => {
      const { token } = request.params
      const answer = discovery.list(token)
      return isWaiting(request) && answer.status === 200 ? wait(request, reply, tokenKey(token), answer) : send(reply, answer)
    })
    room.delete<TokenRequest>('/etcd/:token', (request, reply) => {
      const { status, index } = discovery.list(request.params.token)
      const key = tokenKey(request.params.token)
      return send(reply, keyError(status === 200 ? 'notFile' : 'keyNotFound', key, index))
    })
    room.get<TokenRequest>('/etcd/:token/_config/size', (request, reply) => send(reply, discovery.size(request.params.token)))
    room.put<TokenRequest>('/etcd/:token/_config/size', async (request, reply) =>
      send(reply, await discovery.putSize(request.params.token, formOf(request).get('value') ?? textOf(request.query, 'value'))))
    room.get<TokenRequest>('/etcd/:token/:id', (request, reply) => {
      const { token, id } = request.params
      const answer = discovery.member(token, id)
      // A key may be waited for before it is there, below a token that is.
      const waits = isWaiting(request) && discovery.list(token).status === 200
      return waits ? wait(request, reply, memberKey(token, id), answer) : send(reply, answer)
    })
    room.put<TokenRequest>('/etcd/:token/:id', async (request, reply) => {
      const { token, id } = request.params
      const form = formOf(request)
      const exist = form.get('prevExist') ?? textOf(request.query, 'prevExist')
      if (!/^[A-Za-z0-9.-][\w.-]{0,127}$/.test(id) || !['', 'true', 'false'].includes(exist)) {
        return send(reply, keyError('invalidField', exist === '' ? 'a member is named by letters and digits' : 'prevExist is true or false', discovery.state.index))
      }
      const mustExist = exist === '' ? undefined : exist === 'true'
      return send(reply, await discovery.putMember(token, id, form.get('value') ?? textOf(request.query, 'value'), mustExist, addressOf(request)))
    })
    room.delete<TokenRequest>('/etcd/:token/:id', async (request, reply) =>
      send(reply, await discovery.deleteMember(request.params.token, request.params.id)))
  })
}

const headersOf = (index: number): Record<string, string> => ({ 'content-type': 'application/json', 'x-etcd-index': String(index) })

const send = (reply: FastifyReply, { status, index, body }: KeysAnswer): FastifyReply =>
  // Octets: fastify gives a text a charset, which etcd's JSON has none of.
  reply.code(status).headers(headersOf(index)).send(Buffer.from(`${JSON.stringify(body)}\n`))

const textOf = (query: Query, name: string): string => {
  const value = query[name]
  return Array.isArray(value) ? value[0] ?? '' : value ?? ''
}

/** The body as a form, whatever it says it is: curl -d and Go's clients alike. */
const formOf = ({ body }: Pick<FastifyRequest, 'body'>): URLSearchParams => new URLSearchParams(typeof body === 'string' ? body : '')

// What every HTTP request goes through first: it is read once, handed to whoever answers its path, and told of when its answer has
// left. What goes wrong in an answer ends there.
import type { IncomingMessage, RequestListener } from 'node:http'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { errorAnswer } from './answer.js'
import { Arrival, type Handler } from './arrival.js'
import { type RequestEvent, tell } from './machine-log.js'
import type { Route } from './matchbox-routes.js'

export interface FrontOptions {
  readonly route: Route
  /** Answers what `route` leaves. */
  readonly others: Handler
  /** Whether nobody is to ask again on the same connection. */
  readonly isClosing: () => boolean
  readonly log: Logger
  readonly onRequest: ((event: RequestEvent) => void) | undefined
}

/** A body that nobody reads is only drained up to here, as in Go; for more, the connection ends with the answer. */
const drainedBytes = 256 * 1024

export const serverError = errorAnswer(500, '500 Internal Server Error')

export const front = ({ route, others, isClosing, log, onRequest }: FrontOptions): RequestListener => (request, response) => {
  const arrival = new Arrival(request, response)
  const { notes, client: ip, started } = arrival
  // Not `finish`, which does not come where the client breaks off. It comes once; `once` would wrap the listener, and take it away.
  response.on('close', () => {
    const { sent: bytes, finished } = arrival
    tell(notes, { ip, status: response.statusCode, bytes, ms: performance.now() - started, finished }, log, onRequest)
  })
  if (isClosing() || hasLongBody(request)) response.setHeader('connection', 'close')
  const fail = (error: unknown): void => {
    log.error({ ip, err: messageOf(error) }, 'http.failed')
    if (response.headersSent) response.destroy()
    else arrival.send(serverError)
  }
  try {
    const handler = route(arrival) ?? others
    handler(arrival)?.catch(fail)
  } catch (error) {
    fail(error)
  }
}

const hasLongBody = ({ headers }: IncomingMessage): boolean =>
  Number(headers['content-length'] ?? 0) > drainedBytes || headers['transfer-encoding'] !== undefined

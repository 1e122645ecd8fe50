// A request as it arrived, read once: the target and query as Go reads them, who sent it, and what is found out about it on the
// way to its answer. One value, handed from the server to whatever answers; answers leave through it with a Content-Length, which
// boot ROMs need.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ownTextOf } from '../base/own-text.js'
import { hostProblem } from '../go/http/host-header.js'
import { parseTarget } from '../go/http/request-target.js'
import { goBytes, goString, printable } from '../go/string.js'
import type { Labels } from '../matchbox/select.js'
import type { Answer } from './answer.js'
import { addressOf } from './client-address.js'
import { originalTarget } from './client-error.js'
import { parseLabels } from './labels.js'
import { type RequestNotes, noNotes } from './machine-log.js'

/** Why a request is none that anything could answer, the first of them that holds. */
export type Flaw =
  /** No Host header, several, or one that is none. */
  | 'host'
  /** `OPTIONS *`: of the server itself. */
  | 'asterisk'
  /** A body that cannot be told from the next request. */
  | 'body'
  | 'target'

/** A query as it came, and the labels in it. */
export interface MachineQuery { readonly raw: string, readonly labels: Labels }

/** Answers a request, at once or when it can. */
export type Handler = (arrival: Arrival) => void | Promise<void>

/** Bodies up to here are sent as text, which leaves with the headers in one write; a buffer takes a second one. */
const joinedBytes = 16 * 1024

export class Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Milliseconds of no clock in particular. */
  readonly started = performance.now()
  /** Percent-decoded; '' where there is a flaw. */
  readonly path: string
  /** As it came. */
  readonly rawQuery: string
  readonly flaw: Flaw | undefined
  /** The client's IP address. */
  readonly client: string
  /** For the log and the event. */
  readonly notes: RequestNotes
  /** Length of the answer's body, or of the one that HEAD asks about. */
  bodyBytes = 0
  readonly #sentBefore: number
  #leftElsewhere = 0
  #query: MachineQuery | undefined

  constructor (request: IncomingMessage, response: ServerResponse) {
    request.url = originalTarget(request.socket) ?? request.url ?? ''
    // A request without a version (HTTP/0.9) is none to Go.
    const target = request.httpVersionMajor < 1 ? undefined : parseTarget(request.url)
    this.request = request
    this.response = response
    // It is remembered of a boot, the target is not.
    this.path = ownTextOf(request.url, target?.path ?? '')
    this.rawQuery = target?.rawQuery ?? ''
    this.flaw = hostProblemOf(request) !== undefined ? 'host' : this.path === '*' ? 'asterisk' : hasUnreadableBody(request) ? 'body' : target === undefined ? 'target' : undefined
    this.client = addressOf(request)
    this.notes = noNotes(printable(target === undefined ? request.url : this.path))
    this.#sentBefore = request.socket.bytesWritten
  }

  /** What the query says of the machine; read when somebody wants to know. */
  get query (): MachineQuery {
    if (this.#query === undefined) {
      // A copy: what is cut from a string keeps all of it, and this one is cut from a target of any length.
      const raw = goString(goBytes(this.rawQuery))
      this.#query = { raw, labels: parseLabels(raw) }
    }
    return this.#query
  }

  get method (): string { return this.request.method ?? '' }
  get headers (): IncomingMessage['headers'] { return this.request.headers }

  /** Sends an answer. */
  send ({ status, headers, body }: Answer): void {
    if (status === 304) this.response.writeHead(status, headers)
    else this.begin(status, headers, body.length)
    if (body.length <= joinedBytes) this.response.end(body.toString('latin1'), 'latin1')
    else this.response.end(body)
  }

  /**
   * Sends the head of an answer whose body is of `length` octets. The length is spelled as GRUB compares it (2.06 to 2.12, to
   * the letter): without a size it loads no kernel.
   */
  begin (status: number, headers: Answer['headers'], length: number): void {
    this.bodyBytes = length
    const lines: string[] = []
    for (const name in headers) lines.push(name, headers[name]!)
    lines.push('Content-Length', String(length))
    this.response.writeHead(status, lines)
  }

  /** Whether the client is gone: what is made for it now nobody gets. */
  get isGone (): boolean { return this.request.socket.destroyed }

  get finished (): boolean { return this.response.writableFinished }

  /** Bytes of the body that have left. */
  get sent (): number {
    const { request, finished } = this
    const length = request.method === 'HEAD' ? 0 : this.bodyBytes
    return finished ? length : Math.min(length, Math.max(0, request.socket.bytesWritten - this.#sentBefore) + this.#leftElsewhere)
  }

  /** So many octets of the body have left by another way than `response`. */
  readonly left = (octets: number): void => { this.#leftElsewhere = octets }

  /** What went wrong with the answer, or on its way. */
  readonly failed = (problem: string): void => { this.notes.problem = problem }
}

/** What is wrong with its Host header. */
export const hostProblemOf = ({ rawHeaders, httpVersion, method }: IncomingMessage): string | undefined =>
  hostProblem(rawHeaders, httpVersion === '1.1' && method !== 'CONNECT')

const hasUnreadableBody = ({ headers }: IncomingMessage): boolean => (headers['transfer-encoding'] ?? 'chunked').trim().toLowerCase() !== 'chunked'

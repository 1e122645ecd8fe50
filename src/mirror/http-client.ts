// HTTP towards publishers, by Node's own client: through the proxy that the usual variables name, redirects followed a few
// times and never from https to http, sizes bounded, and given up when nothing comes for a while. A connection for each
// request: they are few and large, and one that was kept may have been closed by the other side a moment ago.
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { counted } from '../base/units.js'
import type { Clock } from '../base/clock.js'
import { AppError, messageOf } from '../base/errors.js'
import { basicAuthorization } from '../net/connect-url.js'
import { NameError } from '../net/name-servers.js'
import { connect, type ConnectOptions } from './connect.js'
import { longestWait, patiently, retryAfterOf, TransientError } from './patience.js'
import { type ProxyEnvironment, proxyFor } from './proxy.js'
import type { Fetcher } from './source.js'

export interface HttpClientOptions extends ConnectOptions {
  /** Where HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY (or in lower case) are read from. */
  readonly env: ProxyEnvironment
  /** What a publisher is told of who asks, for URLs of one origin: `Basic ...`. */
  readonly authorization?: { readonly origin: string, readonly value: string } | undefined
  /** false: a redirect is an answer like any other. */
  readonly follow?: boolean
}

export interface HttpAnswer {
  readonly statusCode: number
  readonly headers: IncomingHttpHeaders
  /** To be read to its end or destroyed. */
  readonly body: IncomingMessage
}

/** The publisher does not have it. */
export class MissingError extends AppError {}

export const maxRedirects = 5
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** Metadata and signatures are some KiB. */
export const maxDocumentBytes = 8 * 2 ** 20

export class HttpClient implements Fetcher {
  readonly #options: HttpClientOptions

  constructor (options: HttpClientOptions) { this.#options = options }

  get clock (): Clock { return this.#options.clock }

  /** The answer after redirects, whatever its status. TransientError when nobody answers. */
  async get (url: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    let at = url
    for (let count = 0; count <= maxRedirects; count++) {
      const answer = await this.#ask(new URL(at), headers, undefined)
      if (!redirects.has(answer.statusCode) || this.#options.follow === false) return answer
      discard(answer)
      const { location } = answer.headers
      if (location === undefined || !URL.canParse(location, at)) throw new AppError('image_download_failed', `${shown(at)} redirects to nowhere`)
      const next = new URL(location, at)
      if (!/^https?:$/.test(next.protocol) || (next.protocol === 'http:' && at.startsWith('https:'))) {
        throw new AppError('image_download_failed', `${shown(at)} redirects to ${shown(next.href)}, which is not followed`)
      }
      at = next.href
    }
    throw new AppError('image_download_failed', `${shown(url)} redirects more than ${maxRedirects} times`)
  }

  async #ask (url: URL, headers: Readonly<Record<string, string>>, sent: string | undefined): Promise<HttpAnswer> {
    const { env, authorization } = this.#options
    try {
      const proxy = proxyFor(url, env)
      const socket = await connect(url, proxy, this.#options)
      const throughProxy = proxy !== undefined && url.protocol === 'http:'
      const forProxy = throughProxy ? basicAuthorization(proxy) : undefined
      return await this.#exchange(socket, throughProxy ? `${url.origin}${url.pathname}${url.search}` : `${url.pathname}${url.search}`, {
        host: url.host,
        'user-agent': 'core-provisioner',
        accept: '*/*',
        'accept-encoding': 'identity',
        ...forProxy !== undefined && { 'proxy-authorization': forProxy },
        // Nobody else, wherever the publisher redirects to, is told.
        ...authorization?.origin === url.origin && { authorization: authorization.value },
        ...headers
      }, sent)
    } catch (error) {
      throw broken(url.href, error)
    }
  }

  async #exchange (
    socket: Socket, path: string, headers: Readonly<Record<string, string>>, sent: string | undefined
  ): Promise<HttpAnswer> {
    const { clock, timeout, signal } = this.#options
    return await new Promise((resolve, reject) => {
      const asked = request({ createConnection: () => socket, method: sent === undefined ? 'GET' : 'POST', path, headers, setHost: false, signal })
      const silence = clock.after(timeout, () => { asked.destroy(Object.assign(new Error('no answer'), { code: 'NO_ANSWER' })) })
      asked.on('error', error => {
        silence.cancel()
        socket.destroy()
        reject(error)
      })
      // An answer that leads to another protocol (101) is closed by Node without an error.
      asked.once('close', () => {
        silence.cancel()
        reject(Object.assign(new Error('closed without an answer'), { code: 'ECONNRESET' }))
      })
      asked.once('response', body => {
        silence.cancel()
        resolve({ statusCode: body.statusCode ?? 0, headers: body.headers, body })
      })
      asked.end(sent)
    })
  }

  async text (url: string): Promise<string> { return (await this.bytes(url)).toString('utf8') }

  async bytes (url: string): Promise<Buffer> {
    return await patiently(async () => await this.#whole(url, await this.get(url)), this.#options)
  }

  /** What is answered to a small document that is sent; redirects are not followed. */
  async post (url: string, document: string, headers: Readonly<Record<string, string>>): Promise<Buffer> {
    const all = { ...headers, 'content-length': String(Buffer.byteLength(document)) }
    return await patiently(async () => await this.#whole(url, await this.#ask(new URL(url), all, document)), this.#options)
  }

  async #whole (url: string, answer: HttpAnswer): Promise<Buffer> {
    if (answer.statusCode !== 200) throw refused(url, answer, this.clock.now())
    const pieces: Buffer[] = []
    let length = 0
    try {
      for await (const piece of steady(url, answer.body, this.#options)) {
        length += piece.length
        if (length > maxDocumentBytes) throw new AppError('image_too_large', `${shown(url)} is larger than the ${maxDocumentBytes / 2 ** 20} MiB that metadata may have`)
        pieces.push(piece)
      }
    } catch (error) {
      discard(answer)
      throw broken(url, error)
    }
    return Buffer.concat(pieces)
  }
}

/** A URL as it may be shown: a name and a password, or a signature that lets in who has it, are nobody else's. */
export function shown (url: string): string {
  if (!URL.canParse(url)) return url
  const { protocol, host, pathname, search } = new URL(url)
  return /^https?:$/.test(protocol) ? `${protocol}//${host}${pathname}${search === '' ? '' : '?...'}` : `${protocol}...`
}

/** Bytes a second: what is slower holds a connection up rather than to send a file. */
export const slowest = 1024

/** The pieces of a body as they come; TransientError when nothing comes for `timeout`, or too little in twice that. */
export async function * steady (url: string, body: IncomingMessage, { clock, timeout }: Pick<HttpClientOptions, 'clock' | 'timeout'>): AsyncGenerator<Buffer> {
  // Only the wait for the publisher counts, not what the disk takes in between.
  const silence = (): ReturnType<Clock['after']> => clock.after(timeout, () => {
    body.destroy(new TransientError('image_download_failed', `${shown(url)}: nothing more came`))
  })
  let timer = silence()
  let since = clock.now()
  let bytes = 0
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      timer.cancel()
      bytes += piece.length
      const milliseconds = clock.now() - since
      if (milliseconds > 2 * timeout) {
        if (bytes < slowest * milliseconds / 1000) throw new TransientError('image_download_failed', `${shown(url)}: less than ${slowest} bytes come in a second`)
        since = clock.now()
        bytes = 0
      }
      yield piece
      timer = silence()
    }
  } finally {
    timer.cancel()
  }
}

/** Reads no more of an answer; that it breaks then is of no interest. */
export const discard = ({ body }: Pick<HttpAnswer, 'body'>): void => { body.on('error', () => {}).destroy() }

/** A status that is not the one that was hoped for; the body is thrown away. */
export function refused (url: string, answer: HttpAnswer, now: number): AppError {
  const { statusCode, headers: { 'retry-after': header } } = answer
  discard(answer)
  const message = `${shown(url)}: answered ${statusCode}`
  if (statusCode === 404 || statusCode === 410) return new MissingError('image_download_failed', `${message}: the publisher does not have it`)
  if (statusCode === 401 || statusCode === 403) return new AppError('image_download_failed', `${message}: it wants other credentials, or none (base_url may hold a name and a password)`)
  if (statusCode < 500 && ![408, 425, 429].includes(statusCode)) return new AppError('image_download_failed', message)
  const retryAfter = retryAfterOf(header, now)
  const when = retryAfter !== undefined && retryAfter > longestWait ? `, and asks to be left alone for ${counted(Math.round(retryAfter / 60_000), 'minute')}` : ''
  return new TransientError('image_download_failed', message + when, { retryAfter })
}

const words: Readonly<Record<string, string>> = {
  NO_ANSWER: 'it does not answer',
  ETIMEDOUT: 'it can not be reached',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection broke',
  ECONNREFUSED: 'nobody listens there',
  ENETUNREACH: 'there is no way to it',
  EHOSTUNREACH: 'there is no way to it',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ENOTFOUND: 'its name is not known'
}

/** What Node says of a certificate that leads to no authority it trusts. */
const untrusted: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT'
])

/** What cut a request or a body, as AppError. */
export function broken (url: string, error: unknown): AppError {
  if (error instanceof AppError) return error
  const code = typeof Object(error).code === 'string' ? String(Object(error).code) : ''
  const at = shown(url)
  if (error instanceof NameError) return new TransientError('image_download_failed', `${at}: ${error.message}`, { cause: error })
  if (untrusted.has(code)) return new AppError('image_download_failed', `${at}: its certificate is by an authority that is not trusted here (${code}); images.ca_file names a file with the certificates of further ones`, { cause: error })
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code.startsWith('CERT_')) return new AppError('image_download_failed', `${at}: its certificate is not good: ${messageOf(error)}`, { cause: error })
  return new TransientError('image_download_failed', `${at}: ${words[code] ?? (messageOf(error) || code)}`, { cause: error })
}

// HTTP towards publishers: through the proxy that the usual variables name, redirects followed a few times and never from
// https to http, sizes bounded, and given up when nothing comes for a while. undici, since Node 20's fetch knows no proxy.
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import type { Clock } from '../base/clock.js'
import { AppError, messageOf } from '../base/errors.js'
import type { Fetcher } from './source.js'

export interface HttpClientOptions {
  /** Where HTTP_PROXY, HTTPS_PROXY and NO_PROXY (or in lower case) are read from. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds without a byte. */
  readonly timeout: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

export type HttpAnswer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>

/** A download that may go better when it is tried again. */
export class TransientError extends AppError {}

/** The publisher does not have it. */
export class MissingError extends AppError {}

const maxRedirects = 5
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** Metadata and signatures are some KiB. */
const maxDocumentBytes = 8 * 2 ** 20

export class HttpClient implements Fetcher {
  readonly #agent: Dispatcher
  readonly #options: HttpClientOptions

  constructor (options: HttpClientOptions) {
    const { env, timeout } = options
    this.#options = options
    this.#agent = new EnvHttpProxyAgent({
      // '' keeps the agent from reading the process's own environment.
      httpProxy: env['http_proxy'] ?? env['HTTP_PROXY'] ?? '',
      httpsProxy: env['https_proxy'] ?? env['HTTPS_PROXY'] ?? env['http_proxy'] ?? env['HTTP_PROXY'] ?? '',
      noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
      // Proxies let CONNECT through to 443 alone, as a rule.
      proxyTunnel: false,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      connect: { timeout }
    })
  }

  async close (): Promise<void> { await this.#agent.destroy() }

  /** The answer after redirects, whatever its status. TransientError when nobody answers. */
  async get (url: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    let at = url
    for (let count = 0; count <= maxRedirects; count++) {
      const answer = await this.#ask(at, headers)
      if (!redirects.has(answer.statusCode)) return answer
      // An answer that nobody reads may be an error; it is of no interest any more.
      answer.body.on('error', () => {}).destroy()
      const { location } = answer.headers
      if (typeof location !== 'string' || !URL.canParse(location, at)) throw new AppError('image_download_failed', `${at} redirects to nowhere`)
      const next = new URL(location, at)
      if (!/^https?:$/.test(next.protocol) || (next.protocol === 'http:' && at.startsWith('https:'))) {
        throw new AppError('image_download_failed', `${at} redirects to ${next.href}, which is not followed`)
      }
      at = next.href
    }
    throw new AppError('image_download_failed', `${url} redirects more than ${maxRedirects} times`)
  }

  async #ask (url: string, headers: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    const { signal } = this.#options
    try {
      return await request(url, { dispatcher: this.#agent, signal, headers: { 'user-agent': 'core-provisioner', 'accept-encoding': 'identity', ...headers } })
    } catch (error) {
      throw broken(url, error)
    }
  }

  async text (url: string): Promise<string> { return (await this.bytes(url)).toString('utf8') }

  async bytes (url: string): Promise<Buffer> {
    const answer = await this.get(url)
    if (answer.statusCode !== 200) throw refused(url, answer)
    const pieces: Buffer[] = []
    let length = 0
    try {
      for await (const piece of steady(url, answer.body, this.#options)) {
        length += piece.length
        if (length > maxDocumentBytes) throw new AppError('image_too_large', `${url} is larger than the ${maxDocumentBytes / 2 ** 20} MiB that metadata may have`)
        pieces.push(piece)
      }
    } catch (error) {
      throw broken(url, error)
    }
    return Buffer.concat(pieces)
  }
}

/** Bytes a second: what is slower holds a connection up rather than to send a file. */
const slowest = 1024

/** The pieces of a body as they come; TransientError when they come too slowly. undici itself sees to it that they come at all. */
export async function * steady (url: string, body: AsyncIterable<unknown>, { clock, timeout }: Pick<HttpClientOptions, 'clock' | 'timeout'>): AsyncGenerator<Buffer> {
  let since = clock.now()
  let bytes = 0
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.length
    const milliseconds = clock.now() - since
    if (milliseconds > 2 * timeout) {
      if (bytes < slowest * milliseconds / 1000) throw new TransientError('image_download_failed', `${url}: less than ${slowest} bytes come in a second`)
      since = clock.now()
      bytes = 0
    }
    yield piece
  }
}

/** A status that is not the one that was hoped for; the body is thrown away. */
export function refused (url: string, { statusCode, body }: HttpAnswer): AppError {
  body.on('error', () => {}).destroy()
  const message = `${url}: answered ${statusCode}`
  if (statusCode === 404 || statusCode === 410) return new MissingError('image_download_failed', `${message}: the publisher does not have it`)
  return statusCode >= 500 || statusCode === 408 || statusCode === 429
    ? new TransientError('image_download_failed', message)
    : new AppError('image_download_failed', message)
}

const words: Readonly<Record<string, string>> = {
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer',
  UND_ERR_BODY_TIMEOUT: 'nothing more came',
  UND_ERR_CONNECT_TIMEOUT: 'it can not be reached',
  UND_ERR_SOCKET: 'the connection broke',
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'its name is not known'
}

/** What cut a request or a body, as AppError. */
export function broken (url: string, error: unknown): AppError {
  if (error instanceof AppError) return error
  const code = typeof Object(error).code === 'string' ? String(Object(error).code) : ''
  return new TransientError('image_download_failed', `${url}: ${words[code] ?? (messageOf(error) || code)}`, { cause: error })
}

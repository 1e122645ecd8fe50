// A connection to where a URL leads: all addresses of the name tried as RFC 8305 has it (Node gives each 250 ms and gives it
// up then, which a long way takes), through a proxy's CONNECT (RFC 9110 section 9.3.6) and TLS where they are asked for.
import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { type IncomingMessage, request } from 'node:http'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import type { Clock } from '../base/clock.js'
import { AppError, errnoOf } from '../base/errors.js'

export interface ConnectOptions {
  readonly clock: Clock
  /** Milliseconds for each step of the way (name, address, proxy, TLS), and without a byte after that. */
  readonly timeout: number
  readonly signal: AbortSignal
  /** Who is trusted; those whom Node knows when undefined. */
  readonly secureContext?: (() => SecureContext) | undefined
  /** Stands in for the system's resolver. */
  readonly resolve?: ((host: string) => Promise<readonly LookupAddress[]>) | undefined
}

/** Milliseconds after which the next address is tried beside the one that has not answered (RFC 8305 section 5). */
const attemptDelay = 250

/** A connection on which the URL's server is spoken to; over `proxy` when that is given. */
export async function connect (url: URL, proxy: URL | undefined, options: ConnectOptions): Promise<Socket> {
  if (proxy === undefined) return await secured(url, await reached(url, options), options)
  const towards = await secured(proxy, await reached(proxy, options), options)
  // What is not encrypted is asked of the proxy itself: most let CONNECT through to 443 alone.
  return url.protocol === 'http:' ? towards : await secured(url, await tunnelled(url, proxy, towards, options), options)
}

const portOf = ({ port, protocol }: URL): number => port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1')

/** `Basic ...` (RFC 7617) for the credentials in a URL; undefined when it has none. */
export function basicAuthorization ({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`
}

function decoded (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const timedOut = (): Error => Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })

type Begin<Result> = (resolve: (result: Result) => void, reject: (error: unknown) => void) => () => void

/** What `begin` resolves with. When it fails, takes too long or is given up, what it gave is called to undo it. */
async function inTime<Result> ({ clock, timeout, signal }: ConnectOptions, begin: Begin<Result>): Promise<Result> {
  signal.throwIfAborted()
  let undo = (): void => {}
  let end = (): void => {}
  try {
    return await new Promise<Result>((resolve, reject) => {
      const giveUp = (): void => { reject(signal.reason) }
      const timer = clock.after(timeout, () => { reject(timedOut()) })
      signal.addEventListener('abort', giveUp, { once: true })
      end = () => {
        timer.cancel()
        signal.removeEventListener('abort', giveUp)
      }
      undo = begin(resolve, reject)
    })
  } catch (error) {
    undo()
    throw error
  } finally {
    end()
  }
}

/** IPv6 and IPv4 in turn, beginning with what the resolver put first (RFC 8305 section 4). */
function interleaved (addresses: readonly LookupAddress[]): LookupAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family)
  const others = addresses.filter(({ family }) => family !== addresses[0]?.family)
  return Array.from({ length: Math.max(first.length, others.length) }, (_, index) => [first[index], others[index]]).flat()
    .filter(address => address !== undefined)
}

async function reached (url: URL, options: ConnectOptions): Promise<Socket> {
  const { clock, resolve: resolveName = async host => await lookup(host, { all: true }) } = options
  const host = hostOf(url)
  const family = isIP(host)
  const waiting = interleaved(family === 0
    ? await inTime<readonly LookupAddress[]>(options, (resolve, reject) => {
      resolveName(host).then(resolve, reject)
      return () => {}
    })
    : [{ address: host, family }])
  return await inTime<Socket>(options, (resolve, reject) => {
    const attempts = new Set<Socket>()
    const failures: unknown[] = []
    let over = false
    let timer: ReturnType<Clock['after']> | undefined
    const stop = (kept?: Socket): void => {
      over = true
      timer?.cancel()
      for (const socket of attempts) if (socket !== kept) socket.destroy()
    }
    const next = (): void => {
      timer?.cancel()
      const address = waiting.shift()
      if (over || address === undefined) return
      const socket = connectTcp({ host: address.address, port: portOf(url), family: address.family, noDelay: true })
      attempts.add(socket)
      socket.on('error', error => {
        attempts.delete(socket)
        failures.push(error)
        if (over) return
        if (waiting.length > 0) next()
        else if (attempts.size === 0) reject(mostTelling(failures))
      })
      socket.once('connect', () => {
        if (over) return
        stop(socket)
        resolve(socket)
      })
      if (waiting.length > 0) timer = clock.after(attemptDelay, next)
    }
    if (waiting.length === 0) reject(Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' }))
    else next()
    return stop
  })
}

/** That there is no way to one family's addresses says little as long as the other's were reached. */
const mostTelling = (failures: readonly unknown[]): unknown =>
  failures.find(error => !['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL'].includes(errnoOf(error))) ?? failures[0]

async function tunnelled (url: URL, proxy: URL, towards: Socket, options: ConnectOptions): Promise<Socket> {
  const authority = `${url.hostname}:${portOf(url)}`
  const authorization = basicAuthorization(proxy)
  return await inTime<Socket>(options, (resolve, reject) => {
    const asked = request({
      createConnection: () => towards,
      method: 'CONNECT',
      path: authority,
      setHost: false,
      headers: { host: authority, 'user-agent': 'core-provisioner', ...authorization !== undefined && { 'proxy-authorization': authorization } }
    })
    const refuse = ({ statusCode = 0 }: IncomingMessage): void => {
      towards.destroy()
      reject(new AppError('image_download_failed', `the proxy ${proxy.host} does not let through to ${authority}: it answered ${statusCode}`))
    }
    asked.once('connect', (answer: IncomingMessage, socket: Socket) => {
      if (answer.statusCode === undefined || answer.statusCode < 200 || answer.statusCode > 299) {
        refuse(answer)
        return
      }
      // In TLS the client speaks first: nothing has come behind the answer.
      resolve(socket)
    })
    asked.once('response', refuse)
    asked.on('error', reject)
    asked.end()
    return () => { towards.destroy() }
  })
}

async function secured (url: URL, socket: Socket, options: ConnectOptions): Promise<Socket> {
  if (url.protocol === 'http:') return socket
  const host = hostOf(url)
  return await inTime<Socket>(options, (resolve, reject) => {
    const tls = connectTls({
      socket,
      host,
      // RFC 6066 section 3: no addresses.
      ...isIP(host) === 0 && { servername: host },
      ALPNProtocols: ['http/1.1'],
      ...options.secureContext !== undefined && { secureContext: options.secureContext() }
    })
    tls.on('error', reject)
    tls.once('secureConnect', () => { resolve(tls) })
    // An end before the handshake is done is no error to Node.
    tls.once('close', () => { reject(Object.assign(new Error('the connection was closed during the TLS handshake'), { code: 'ECONNRESET' })) })
    // The socket below it ends with it.
    return () => { tls.destroy() }
  })
}

// A connection on which the server that a URL leads to is spoken to: its host, its port, and TLS where that is asked for.
import { isIP, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import { connectHost, type HostOptions, inTime } from './connect-host.js'

export interface UrlOptions extends HostOptions {
  /** Who is trusted; those whom Node knows when undefined. */
  readonly secureContext?: (() => SecureContext) | undefined
}

export const connectTo = async (url: URL, options: UrlOptions): Promise<Socket> =>
  await secured(url, await connectHost(hostOf(url), portOf(url), options), options)

export const portOf = ({ port, protocol }: URL): number => port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)

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

export async function secured (url: URL, socket: Socket, options: UrlOptions): Promise<Socket> {
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

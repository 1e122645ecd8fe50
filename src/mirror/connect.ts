// A connection to where a URL leads, through a proxy's CONNECT (RFC 9110 section 9.3.6) where one is to be asked.
import { type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { AppError } from '../base/errors.js'
import { inTime } from '../net/connect-host.js'
import { basicAuthorization, connectTo, portOf, secured, type UrlOptions } from '../net/connect-url.js'

/** `timeout`: for each step of the way (name, address, proxy, TLS), and without a byte after that. */
export type ConnectOptions = UrlOptions

/** A connection on which the URL's server is spoken to; over `proxy` when that is given. */
export async function connect (url: URL, proxy: URL | undefined, options: ConnectOptions): Promise<Socket> {
  if (proxy === undefined) return await connectTo(url, options)
  const towards = await connectTo(proxy, options)
  // What is not encrypted is asked of the proxy itself: most let CONNECT through to 443 alone.
  return url.protocol === 'http:' ? towards : await secured(url, await tunnelled(url, proxy, towards, options), options)
}

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

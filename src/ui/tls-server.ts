// The page over TLS, for people who show a certificate of the authority that the gRPC API trusts.
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer, Server, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { plainSerial, type TlsIdentity } from '../net/tls-identity.js'

/** Milliseconds for a handshake. */
const handshakeTimeout = 5000

/** A certificate is asked for and not demanded: who has none is told so by the page, where browsers show it. */
export function buildTlsServer (
  identity: TlsIdentity, isAllowed: (address: string | undefined) => boolean, options: ServerOptions, handle: RequestListener
): Server {
  const settings = { ...options, ...contextOf(identity), requestCert: true, rejectUnauthorized: false, handshakeTimeout }
  const server = createServer(settings, handle)
  // Who may not look does not get as far as a handshake, which costs milliseconds.
  server.prependListener('connection', (raw: Socket) => { if (!isAllowed(raw.remoteAddress)) raw.destroy() })
  return server
}

/** Puts new certificates in force: for connections that are open as well, which are made anew. */
export function renewTls (server: object, identity: TlsIdentity): void {
  if (!(server instanceof Server)) return
  server.setSecureContext(contextOf(identity))
  server.closeAllConnections()
}

const contextOf = ({ ca, cert, key, crl }: TlsIdentity): Parameters<Server['setSecureContext']>[0] =>
  ({ ca, cert, key, ...crl !== undefined && { crl: [...crl] }, minVersion: 'TLSv1.2' })

/** Whether the request came with a certificate for clients, of that authority, that nobody took back. */
export function isCertified ({ socket }: IncomingMessage, { revoked }: TlsIdentity): boolean {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return false
  const serial = socket.getPeerCertificate().serialNumber
  return serial !== undefined && revoked?.has(plainSerial(serial)) !== true
}

// The HTTP application over TLS: a second listener before the same routes, for firmware and Ignition configs that speak
// https. No client certificates: what is served is what the plain listener serves.
import { createServer, type Server } from 'node:https'
import type { Logger } from '../base/log.js'
import { defaultLimits, serverOptions } from './bounded-server.js'
import { answerClientError } from './client-error.js'
import { type HttpApp, refuseExpectation } from './http-server.js'

export interface TlsPair {
  /** PEM texts: the certificate with those between it and its authority, and its key. */
  readonly cert: string
  readonly key: string
}

/** `app` has to be ready. New certificates are put in force by the server's `setSecureContext`. */
export function buildHttpsServer (app: HttpApp, { cert, key }: TlsPair, log: Logger): Server {
  const server = createServer({
    cert,
    key,
    minVersion: 'TLSv1.2',
    handshakeTimeout: defaultLimits.headersTimeout,
    ...serverOptions(defaultLimits)
  }, app.connections.listener(app.handle))
  app.connections.watch(server)
  server.on('checkExpectation', refuseExpectation)
  // A request that is read once more comes in at the plain server, with the connection as it is after decryption.
  server.on('clientError', (error, socket) => { answerClientError(app.server, error, socket, log) })
  server.on('error', error => { if (server.listening) log.error({ error: error.message }, 'https.listener') })
  server.on('tlsClientError', (error, socket) => { log.debug({ ip: socket.remoteAddress, error: error.message }, 'https.handshake') })
  return server
}

// The TLS handshake of the gRPC port: TLS 1.2 or 1.3, HTTP/2 (ALPN h2), and a client certificate of the configured
// authority, before a byte of gRPC is read. grpc-js would do it itself, but then could neither take new certificates
// (grpc-node#2804) nor say why a client did not get in.
import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { type Server, type TLSSocket, createServer } from 'node:tls'
import type { Clock } from '../base/clock.js'
import { errnoOf, messageOf } from '../base/errors.js'
import type { Pace } from '../base/pace.js'
import type { TlsIdentity } from '../net/tls-identity.js'
import { Carrier, mostHandshakeOctets } from './carrier.js'

/** A client that did not get in. */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError'
  /** A short fixed word, fit for a metric's label. */
  readonly reason: HandshakeReason
  /** Nothing was said before the connection ended, as when a load balancer looks whether somebody listens. */
  readonly silent: boolean

  constructor (reason: HandshakeReason, detail: string, silent: boolean) {
    super(`${reasons[reason]}${detail === '' ? '' : ` (${detail})`}`)
    this.reason = reason
    this.silent = silent
  }
}

const reasons = {
  no_client_certificate: 'the client showed no certificate: give it client.crt and client.key',
  wrong_authority: "the client's certificate is not of the authority in rpc.ca_file",
  revoked: "the client's certificate was taken away (rpc.crl_file)",
  crl_expired: 'the list of revoked certificates has ended: certs revoke writes a new one',
  expired: "the client's certificate has ended: renew it",
  not_yet_valid: "the client's certificate is not valid yet: check the clocks",
  wrong_purpose: 'the client showed a certificate that is not meant for clients, such as server.crt: give it client.crt and client.key',
  bad_certificate: "the client's certificate was not accepted",
  plain_text: 'the client did not speak TLS',
  old_tls: 'the client knows no TLS newer than 1.1',
  no_shared_cipher: 'the client knows none of the ciphers',
  not_http2: 'the client did not offer HTTP/2 (ALPN h2)',
  server_refused: "the client did not accept this server's certificate: is its ca.crt the one that issued server.crt, and the name it connects to among the names in server.crt?",
  timeout: 'the client did not finish the handshake in time',
  hung_up: 'the client hung up during the handshake',
  too_large: `the client's certificates are larger than a handshake may be (${mostHandshakeOctets} octets): give it one with fewer names, and those between it and its authority alone`,
  busy: 'too many connections of one address, or in all, had said nothing yet',
  failed: 'the handshake failed'
} as const
export type HandshakeReason = keyof typeof reasons

/** OpenSSL's and Node's words for what happened; those of a certificate's verification come first. */
const reasonOfCode: Readonly<Record<string, HandshakeReason>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'wrong_authority',
  UNABLE_TO_GET_ISSUER_CERT: 'wrong_authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'wrong_authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'wrong_authority',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'wrong_authority',
  CERT_SIGNATURE_FAILURE: 'wrong_authority',
  INVALID_CA: 'wrong_authority',
  CERT_REVOKED: 'revoked',
  CRL_HAS_EXPIRED: 'crl_expired',
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not_yet_valid',
  INVALID_PURPOSE: 'wrong_purpose',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'no_client_certificate',
  ERR_SSL_HTTP_REQUEST: 'plain_text',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'plain_text',
  ERR_SSL_WRONG_VERSION_NUMBER: 'plain_text',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'old_tls',
  ERR_SSL_VERSION_TOO_LOW: 'old_tls',
  ERR_SSL_NO_SHARED_CIPHER: 'no_shared_cipher',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'not_http2',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'server_refused',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'server_refused',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'server_refused',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'server_refused',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'timeout',
  ECONNRESET: 'hung_up',
  EPIPE: 'hung_up'
}

/** Matchbox's choice for TLS 1.2, and OpenSSL's names of those of TLS 1.3. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'
].join(':')

/** Milliseconds. */
export const handshakeTimeout = 10_000

export interface HandshakeOptions {
  readonly clock: Pick<Clock, 'after'>
  /** Shares the turns of the event loop: certificates are looked at so many a turn. */
  readonly pace: Pace
}

/**
 * Meets clients. Reading a key and certificates takes milliseconds, which a stranger must not be able to ask for by each
 * connection: one server stays for as long as the identity does. What it tells of a connection it tells to a likeness of itself that is
 * made for that one.
 */
export class Handshakes {
  readonly #options: HandshakeOptions
  #identity: TlsIdentity | undefined
  #server: Server | undefined

  constructor (options: HandshakeOptions) { this.#options = options }

  /**
   * Meets the client on `raw` as `identity` and answers the socket to speak HTTP/2 on. Throws HandshakeError and leaves
   * nothing open. A client whose certificate is refused sees its connection closed without an alert, which Node cannot send there.
   */
  async shake (raw: Socket, identity: TlsIdentity): Promise<TLSSocket> {
    if (raw.destroyed) throw new HandshakeError('hung_up', '', raw.bytesRead === 0)
    const server = this.#serverFor(identity)
    return await new Promise((resolve, reject) => {
      const fail = (reason: HandshakeReason, detail: string): void => {
        raw.destroy()
        reject(new HandshakeError(reason, detail, raw.bytesRead === 0))
      }
      // Whatever else is known of it is told first.
      raw.once('close', () => { setImmediate(fail, 'hung_up', '') })
      const carrier = new Carrier(raw, { ...this.#options, onTooLarge: () => { fail('too_large', '') } })
      const told: Readonly<Record<string, (...values: never[]) => void>> = {
        secureConnection: (socket: TLSSocket) => {
          carrier.secured()
          if (socket.alpnProtocol !== 'h2') {
            socket.destroy()
            fail('not_http2', '')
            return
          }
          // Of the connection below, which Node does not look for behind a stream; HTTP/2 tells calls from where they come.
          for (const name of ['remoteAddress', 'remotePort', 'remoteFamily', 'localAddress', 'localPort'] as const) Object.defineProperty(socket, name, { value: raw[name] })
          resolve(socket)
        },
        tlsClientError: (error: unknown, socket: TLSSocket) => {
          // The verification's own word, which the error (a mere hang-up by this side) does not carry.
          const verification: unknown = socket.authorizationError
          const code = typeof verification === 'string' ? verification : errnoOf(error)
          const reason = reasonOfCode[code] ?? (typeof verification === 'string' ? 'bad_certificate' : 'failed')
          fail(reason, reason === 'hung_up' ? '' : code === '' ? messageOf(error) : code)
        }
      }
      const likeness = Object.assign(Object.create(server) as Server, {
        emit: (event: string, ...values: never[]): boolean => {
          told[event]?.(...values)
          return told[event] !== undefined
        }
      })
      for (const begin of server.listeners('connection')) begin.call(likeness, carrier)
    })
  }

  #serverFor (identity: TlsIdentity): Server {
    if (this.#server !== undefined && this.#identity === identity) return this.#server
    const server = createServer({
      ca: identity.ca,
      cert: identity.cert,
      key: identity.key,
      ...identity.crl !== undefined && { crl: [...identity.crl] },
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ciphers,
      honorCipherOrder: true,
      ALPNProtocols: ['h2'],
      // A certificate is asked for and looked at each time.
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout
    })
    this.#identity = identity
    this.#server = server
    return server
  }
}

// A plain HTTP server with its bounds in force: for machines, for the page and for the control socket alike.
import { createServer, type RequestListener, type Server } from 'node:http'
import type { ClientConnections } from './client-connections.js'

export interface HttpLimits {
  /** Request line and headers, in bytes; what is longer is refused with 431, as 64 KiB of headers are. Go takes 1 MiB and 4 KiB. */
  readonly headerBytes: number
  /** Milliseconds for line and headers to arrive, and for the whole request; then 408. */
  readonly headersTimeout: number
  readonly requestTimeout: number
  /** Milliseconds between requests of one connection; iPXE keeps its own open while it boots. */
  readonly keepAliveTimeout: number
}

export const defaultLimits: HttpLimits = {
  headerBytes: 1_000_000, headersTimeout: 20_000, requestTimeout: 60_000, keepAliveTimeout: 75_000
}

/** Milliseconds after which a client that takes nothing of its answer is cut off. */
export const progressTimeout = 60_000

/** What `createServer` of node:http and node:https take of it. A missing Host header is refused by whoever answers, with words. */
export const serverOptions = ({ headerBytes, headersTimeout, requestTimeout, keepAliveTimeout }: HttpLimits) =>
  ({
    maxHeaderSize: headerBytes,
    headersTimeout,
    requestTimeout,
    keepAliveTimeout,
    connectionsCheckingInterval: headersTimeout / 4,
    requireHostHeader: false
  })

/** The server that fastify is to use: what its clients hold is `connections`'. */
export const boundedServer = (connections: ClientConnections, limits = defaultLimits) => (handle: RequestListener): Server => {
  const server = createServer(serverOptions(limits), connections.listener(handle))
  connections.watch(server)
  return server
}

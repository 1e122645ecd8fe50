// The gRPC API and its certificates.
import { existsSync } from 'node:fs'
import { AppError } from '../base/errors.js'
import { problem } from '../doctor/finding.js'
import { connectionShares, descriptorLimit } from '../net/descriptors.js'
import { type ServerCertificate, openCertificate } from './certificate.js'
import type { Ground } from './ground.js'
import type { PreparedListener } from './listener.js'
import { hostsOf, listensAt } from './listens.js'
import type { ListenPlace } from './place.js'

/** For somebody who never asked for the API and has no certificates it is off; AppError says what is wrong with one that is asked for. */
export async function prepareGrpc (ground: Ground, place: ListenPlace): Promise<PreparedListener> {
  const { key, host = '0.0.0.0', port } = place
  const { loaded, config: { rpc } } = ground
  const files = { caFile: rpc.ca_file, certFile: rpc.cert_file, keyFile: rpc.key_file, crlFile: rpc.crl_file }
  let certificate: ServerCertificate
  try {
    certificate = await openCertificate('rpc', ['rpc'], files, ground)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (!loaded.isWritten(['rpc'])) {
      // Whoever has some of them wants it, and would otherwise find out from a client.
      const missing = ![rpc.ca_file, rpc.cert_file, rpc.key_file].some(file => existsSync(file))
      return {
        what: missing ? 'off as long as it has no certificates' : `off: ${error.message}`,
        off: error.message,
        findings: missing ? [] : [problem('certificates', `gRPC stays off: ${error.message}`)],
        listen: async () => { throw error }
      }
    }
    throw new AppError(error.code, `${error.message}; rpc.address: "" turns the gRPC API off`, { cause: error, port: error.port })
  }
  const { reloader, findings, serve } = certificate
  return {
    what: `as ${rpc.cert_file}`,
    findings,
    close: () => reloader.close(),
    listen: async ({ provisioner, sockets, metrics, amiss, clock, log, pace }) => {
      const { startGrpcServer } = await import('../grpc/grpc-server.js')
      let dropRevoked = (): void => {}
      serve({ metrics, amiss }, () => { dropRevoked() })
      const socket = sockets.take('grpc', { key, host, port })
      const server = await startGrpcServer({
        provisioner,
        listen: socket === undefined ? { host, port } : { fd: socket.fd },
        identity: () => reloader.identity,
        pace,
        connections: connectionShares(descriptorLimit()).grpc,
        clock,
        log,
        onCall: ({ call, code }) => { metrics.rpcCalls.inc({ call, code }) },
        onHandshakeFailure: reason => { metrics.rpcHandshakeFailures.inc({ reason }) }
      })
      dropRevoked = server.dropRevoked
      const listens = listensAt({ transport: 'tcp' }, place, server.address.port, hostsOf(place, ground.homes))
      return {
        listens,
        reload: async () => { await reloader.reload() },
        close: grace => server.close(grace)
      }
    }
  }
}

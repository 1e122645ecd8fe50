// The gRPC API and its certificates.
import { startGrpcServer } from '../grpc/grpc-server.js'
import { AppError } from '../base/errors.js'
import { TlsReloader } from '../tls/reload.js'
import type { Shared } from './shared.js'

/** Milliseconds that calls under way may take to finish. */
const grace = 1000

/** Gives what reads the certificates again. */
export async function startRpc (shared: Shared): Promise<() => Promise<void>> {
  const { loaded, config, log, clock, metrics, provisioner, sockets, onClose } = shared
  const { address, ca_file: caFile, cert_file: certFile, key_file: keyFile } = config.rpc
  const nothing = async (): Promise<void> => {}
  if (address === null) return nothing
  let reloader: TlsReloader
  try {
    reloader = await TlsReloader.open({ caFile, certFile, keyFile }, {
      clock,
      advertise: config.advertise,
      onEvent: event => {
        metrics.tlsReloads.inc({ result: event.what })
        if (event.what === 'kept') {
          log.error({ reason: event.reason }, 'tls.kept')
          return
        }
        log.info({ subject: event.subject, until: new Date(event.notAfter).toISOString() }, 'tls.reloaded')
        for (const warning of event.warnings) log.warn({ warning }, 'tls.certificate')
      }
    })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    // Somebody who never asked for the API and has no certificates wants the rest to work.
    if (!loaded.isWritten(['rpc'])) {
      log.info({ reason: error.message }, 'grpc.off')
      return nothing
    }
    throw new AppError(error.code, `${error.message}; core-provisioner certs init makes certificates, rpc.address: "" turns the gRPC API off`, { cause: error })
  }
  onClose(() => reloader.close())
  for (const warning of reloader.warnings()) log.warn({ warning }, 'tls.certificate')
  metrics.gauge('rpc_certificate_expiry_seconds', 'When the gRPC certificate ends, in seconds since the epoch', () => reloader.notAfter / 1000)
  const socket = sockets.take('rpc', { key: 'rpc.address', ...address })
  const server = await startGrpcServer({
    provisioner,
    listen: socket === undefined ? address : { fd: socket.fd },
    identity: () => reloader.identity,
    clock,
    log,
    onCall: ({ call, code }) => { metrics.rpcCalls.inc({ call, code }) },
    onHandshakeFailure: reason => { metrics.rpcHandshakeFailures.inc({ reason }) },
    grace
  })
  onClose(() => server.close())
  return async () => { await reloader.reload() }
}

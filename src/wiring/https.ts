// The optional TLS listener of the HTTP API, its certificate kept in step with the files.
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { LoadedConfig } from '../config/load.js'
import { AppError } from '../base/errors.js'
import type { HttpApp } from '../http/http-server.js'
import { buildHttpsServer } from '../http/https-server.js'
import { listenError } from '../net/udp.js'
import { type ReloadOptions, TlsReloader } from '../tls/reload.js'
import type { Shared } from './shared.js'

/** Milliseconds that answers under way may take to finish. */
const grace = 1500

/** Opens the configured certificate; AppError names the key and the line it was written on. */
export async function openHttpsCertificate ({ config, where }: LoadedConfig, options: Omit<ReloadOptions, 'advertise'>): Promise<TlsReloader> {
  const { cert_file: certFile, key_file: keyFile } = config.http.https
  const refuse = (key: 'cert_file' | 'key_file', reason: string, cause?: unknown): never => {
    throw new AppError('certificate_invalid', `${where(['http', 'https', key])}: http.https.${key}: ${reason}`, { cause })
  }
  if (!existsSync(certFile)) refuse('cert_file', `there is no file ${certFile}; http.https.address: "" turns https off`)
  if (!existsSync(keyFile)) refuse('key_file', `there is no file ${keyFile}; http.https.address: "" turns https off`)
  try {
    return await TlsReloader.open({ caFile: undefined, certFile, keyFile }, { ...options, advertise: config.advertise })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return refuse('cert_file', error.message, error)
  }
}

/** Serves the routes of `app`, which is ready, over TLS too; gives what reads the certificate again. */
export async function startHttps ({ loaded, log, clock, metrics, onClose }: Shared, app: HttpApp): Promise<() => Promise<void>> {
  const { address } = loaded.config.http.https
  if (address === null) return async () => {}
  const reloader = await openHttpsCertificate(loaded, {
    clock,
    onEvent: event => {
      metrics.tlsReloads.inc({ result: event.what })
      if (event.what === 'kept') {
        log.error({ listener: 'https', reason: event.reason }, 'tls.kept')
        return
      }
      server.setSecureContext({ ...pairOf(reloader), minVersion: 'TLSv1.2' })
      log.info({ listener: 'https', subject: event.subject, until: new Date(event.notAfter).toISOString() }, 'tls.reloaded')
      for (const warning of event.warnings) log.warn({ listener: 'https', warning }, 'tls.certificate')
    }
  })
  onClose(() => reloader.close())
  for (const warning of reloader.warnings()) log.warn({ listener: 'https', warning }, 'tls.certificate')
  metrics.gauge('https_certificate_expiry_seconds', 'When the https certificate ends, in seconds since the epoch', () => reloader.notAfter / 1000)

  const server = buildHttpsServer(app, pairOf(reloader), log)
  server.listen(address.port, address.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw listenError(error, `${address.host}:${address.port}/tcp`)
  }
  onClose(async () => {
    const impatient = clock.after(grace, () => { server.closeAllConnections() })
    const closed = once(server, 'close')
    server.close()
    server.closeIdleConnections()
    await closed
    impatient.cancel()
  })
  const bound = server.address()
  log.info({ url: `https://${address.host}:${typeof bound === 'object' ? bound?.port : address.port}` }, 'https.listen')
  return async () => { await reloader.reload() }
}

const pairOf = ({ identity: { cert, key } }: TlsReloader): { cert: string, key: string } => ({ cert, key })

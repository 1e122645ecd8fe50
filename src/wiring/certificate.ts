// The certificate of a listener, kept in step with its files: told in the log, counted, and shown to whoever looks.
import type { ReloadOptions, TlsEvent, ServerTlsFiles } from '../tls/reload.js'
import { TlsReloader } from '../tls/reload.js'
import { AppError } from '../base/errors.js'
import type { Metrics } from '../base/metrics.js'
import { fine, type Finding, warning } from '../doctor/finding.js'
import type { Ground } from './ground.js'

export interface ServerCertificate {
  readonly reloader: TlsReloader
  readonly findings: readonly Finding[]
  /** From now on: what is wrong with it is logged, new ones are counted, and `inForce` hears of them. */
  readonly serve: (metrics: Metrics, inForce?: () => void) => void
}

/**
 * `listener` is its name in metrics and log, `section` where its keys stand. AppError `certificate_invalid` as from TlsReloader.open, with
 * the key's place before it.
 */
export async function openCertificate (
  listener: string, section: readonly string[], files: ServerTlsFiles, { loaded, clock, config, log }: Ground
): Promise<ServerCertificate> {
  let onEvent: ReloadOptions['onEvent'] = () => {}
  const options = { clock, advertise: config.advertise, onEvent: (event: TlsEvent) => { onEvent(event) } }
  const reloader = await TlsReloader.open(files, options).catch((error: unknown) => {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, `${loaded.keyAt([...section, ...error.key === undefined ? [] : [error.key]])}: ${error.message}`, { cause: error })
  })
  return {
    reloader,
    findings: [
      ...reloader.signatures().map(text => fine('certificates', text)),
      ...reloader.warnings().map(text => warning('certificates', text))
    ],
    serve: (metrics, inForce = () => {}) => {
      const reloads = metrics.tlsReloads(listener)
      metrics.gauge(`${listener}_certificate_expiry_seconds`, `When the certificate of ${listener} ends, in seconds since the epoch`, () => reloader.notAfter / 1000)
      const level = reloader.isOutOfTime ? 'error' : 'warn'
      for (const warning of reloader.warnings()) log[level]({ listener, warning }, 'tls.certificate')
      onEvent = (event: TlsEvent) => {
        reloads.inc({ result: event.what })
        if (event.what === 'kept') {
          log.error({ listener, reason: event.reason }, 'tls.kept')
          return
        }
        inForce()
        log.info({ listener, subject: event.subject, until: new Date(event.notAfter).toISOString() }, 'tls.reloaded')
        for (const warning of event.warnings) log.warn({ listener, warning }, 'tls.certificate')
      }
    }
  }
}

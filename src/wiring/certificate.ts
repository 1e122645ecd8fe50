// The certificate of a listener, kept in step with its files: told in the log, counted, and shown to whoever looks.
import type { ReloadOptions, TlsEvent, ServerTlsFiles } from '../tls/reload.js'
import { TlsReloader } from '../tls/reload.js'
import { AppError } from '../base/errors.js'
import { fine, type Finding, warning } from '../doctor/finding.js'
import type { Ground } from './ground.js'
import type { RunningParts } from './running-parts.js'

export interface ServerCertificate {
  readonly reloader: TlsReloader
  readonly findings: readonly Finding[]
  /** From now on: what is wrong with it is logged and told in /readyz, new ones are counted, and `inForce` hears of them. */
  readonly serve: (parts: Pick<RunningParts, 'metrics' | 'amiss'>, inForce?: () => void) => void
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
    serve: ({ metrics, amiss }, inForce = () => {}) => {
      const reloads = metrics.tlsReloads(listener)
      metrics.gauge(`${listener}_certificate_expiry_seconds`, `When the certificate of ${listener} ends, in seconds since the epoch`, () => reloader.notAfter / 1000)
      /** What was not told, by this listener or another one with the same files. */
      const put = (warnings: readonly string[]): readonly string[] => {
        const told = new Set([...amiss.values()].flat())
        const { kept } = reloader
        amiss.set(`certificate of ${listener}`, [...kept === undefined ? [] : [`${kept}: what was read before stays in force`], ...warnings])
        return warnings.filter(warning => !told.has(warning))
      }
      const tell = (warnings: readonly string[]): void => {
        const level = reloader.isOutOfTime ? 'error' : 'warn'
        for (const warning of warnings) log[level]({ listener, warning }, 'tls.certificate')
      }
      tell(put(reloader.warnings()))
      onEvent = (event: TlsEvent) => {
        if (event.what === 'aged') {
          tell(put(event.warnings))
          return
        }
        reloads.inc({ result: event.what })
        if (event.what === 'kept') {
          put(reloader.warnings())
          log.error({ listener, reason: event.reason }, 'tls.kept')
          return
        }
        inForce()
        log.info({ listener, subject: event.subject, until: new Date(event.notAfter).toISOString() }, 'tls.reloaded')
        tell(put(event.warnings))
      }
    }
  }
}

// The log: pino, JSON lines for a service, one readable line an event on a terminal. Events are named noun.verb
// (`dhcp.offer`, `tftp.done`) with the fields mac, xid, ip, group, profile, ms.
import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger } from 'pino'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = typeof logLevels[number]

export interface LogOptions {
  readonly level: LogLevel
  /** Readable lines with colours instead of JSON. */
  readonly pretty: boolean
  readonly destination: NodeJS.WritableStream
}

/**
 * A logger whose lines are written as they are made, so that the last one before an exit is not lost.
 * Usage: `log.info({ mac, ip }, 'dhcp.offer')`.
 */
export function createLog ({ level, pretty: readable, destination }: LogOptions): Logger {
  const stream = readable
    ? pretty({ destination, colorize: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l', singleLine: true })
    : destination
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: label => ({ level: label }) } }, stream)
}

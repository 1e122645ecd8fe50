// The log: pino, JSON lines, or one readable line an event on a terminal and in systemd's journal. Events are named noun.verb
// (`dhcp.offer`, `tftp.done`) with the fields mac, xid, ip, group, profile, ms.
import { type Logger, type LoggerOptions, pino } from 'pino'
import { type Lines, type LinesDestination, linesTo } from './background-lines.js'
import type { Clock, Timer } from './clock.js'
import { journalLine } from './journal-line.js'
import { LineRations } from './line-rations.js'
import { terminalLine } from './terminal-line.js'

export type { Logger } from 'pino'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

export interface LogOptions {
  readonly level: LogLevel
  /** Readable lines in place of JSON, with colours or without. */
  readonly pretty: false | 'plain' | 'colours'
  /** Readable lines with the priorities that systemd's journal takes. */
  readonly journal?: boolean
  /** Its descriptor is needed for `background`; standard output and error have one. */
  readonly destination: LinesDestination
  /**
   * Lines are written by another thread (background-lines.ts): a service that logs to a disk which is busy, to a reader that hangs or to
   * a terminal that was told to wait (Ctrl-S) goes on answering. `endLog` writes what is left before the process ends.
   */
  readonly background?: boolean
  /**
   * Of lines that strangers can cause only so many are written, by this clock; what was left out is told once a minute. Who has asked
   * for level debug sees all of them.
   */
  readonly rationed?: Clock
}

/** Milliseconds after which it is told how many lines were left out. */
export const leftOutEvery = 60_000

/**
 * A logger whose lines are written as they are made, so that the last one before an exit is not lost; `background` is for services.
 * Usage: `log.info({ mac, ip }, 'dhcp.offer')`.
 */
export function createLog ({ level, pretty, journal = false, destination, background = false, rationed }: LogOptions): Logger {
  // A log that can't be written (a full disk) ends nothing; the terminal of who reads along is gone for good.
  const lines: Lines = background ? linesTo(destination, error => { if (pretty !== false) destination.destroy(error) }) : destination
  const shown = (line: string): string => terminalLine(line, { colours: pretty === 'colours' })
  const readable = pretty !== false ? shown : journal ? journalLine : undefined
  const stream = readable === undefined ? lines : { ...lines, write: (line: string) => { lines.write(readable(line)) } }
  const options = { level, base: null, timestamp: isoTime(), formatters: { level: (label: string) => ({ level: label }) } }
  if (rationed === undefined || level === 'debug' || level === 'trace') return pino(options, stream)
  const rations = inRations(rationed)
  const rationedLines: LogLines = {
    write: line => { stream.write(line) },
    finish: async patience => {
      rations.tell(log)
      await lines.finish?.(patience)
    },
    countByThemselves: rations.countByThemselves
  }
  const log: Logger = pino({ ...options, hooks: { logMethod: rations.write } }, rationedLines)
  return log
}

type LogMethod = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>

type CountByThemselves = (isNamed: (mac: string) => boolean) => void

interface InRations {
  readonly write: LogMethod
  readonly tell: (log: Logger) => void
  readonly countByThemselves: CountByThemselves
}

function inRations (clock: Clock): InRations {
  const rations = new LineRations()
  let telling: Timer | undefined
  const tell = (log: Logger): void => {
    telling?.cancel()
    telling = undefined
    for (const { event, ...fields } of rations.leftOut()) log.warn({ event, ...fields }, 'log.left_out')
  }
  return {
    tell,
    countByThemselves: isNamed => { rations.countByThemselves(isNamed) },
    write: function (args, method, level) {
      const [fields, event] = args as readonly unknown[]
      const isTaken = typeof event !== 'string' || typeof fields !== 'object' || fields === null ||
        rations.take(event, fields, level < pino.levels.values['warn']! ? 'info' : 'warn', clock.now())
      if (isTaken) method.apply(this, args)
      else telling ??= clock.after(leftOutEvery, () => { tell(this) })
    }
  }
}

/** How a stream of this process is logged to: for a person on a terminal, in colours unless NO_COLOR (no-color.org) or TERM says no. */
export function prettyFor (stream: object, env: Readonly<Record<string, string | undefined>>): LogOptions['pretty'] {
  if (!('isTTY' in stream) || stream.isTTY !== true) return false
  return (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb' ? 'plain' : 'colours'
}

/** Where a logger's lines go. */
interface LogLines extends Lines { readonly countByThemselves?: CountByThemselves }

const linesOf = (log: Logger): LogLines | undefined =>
  (log as Logger & Readonly<Record<symbol, LogLines | undefined>>)[pino.symbols.streamSym]

/** From now on the lines of these machines are counted by themselves, and left out for no stranger's. */
export function countByThemselves (log: Logger, isNamed: (mac: string) => boolean): void { linesOf(log)?.countByThemselves?.(isNamed) }

/**
 * Resolves when every line is written, or after `patience` milliseconds, since the log's reader may hang. Then the process may end;
 * ending without it may lose the lines that another thread is writing, or put them after later ones, and waits for a reader that hangs.
 */
export async function endLog (log: Logger, patience = 1000): Promise<void> {
  await linesOf(log)?.finish?.(patience)
}

/** The time as pino puts it into a line; many lines are of the same millisecond. */
function isoTime (): () => string {
  let [at, text] = [0, '']
  return () => {
    const now = Date.now()
    if (now !== at) [at, text] = [now, `,"time":"${new Date(now).toISOString()}"`]
    return text
  }
}

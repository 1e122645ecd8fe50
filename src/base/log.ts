// The log: pino, JSON lines, or one readable line an event on a terminal and in systemd's journal. Events are named noun.verb
// (`dhcp.offer`, `tftp.done`) with the fields mac, xid, ip, group, profile, ms.
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'
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
  readonly destination: NodeJS.WritableStream & { readonly fd?: number }
  /**
   * JSON lines are written by another thread, those of one turn of the event loop and those that come meanwhile together: a service
   * that logs to a disk which is busy, or to a reader that hangs, goes on answering. `endLog` writes what is left before the process ends.
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

/** What may wait to be written, in octets; a log that nobody reads loses lines rather than filling the memory. */
const mostWaiting = 16 * 2 ** 20
/** And what may be gathered in a turn of the event loop before it is handed over: as much as is written at once. */
const mostGathered = 16 * 2 ** 10

/**
 * A logger whose lines are written as they are made, so that the last one before an exit is not lost; `background` is for services.
 * Usage: `log.info({ mac, ip }, 'dhcp.offer')`.
 */
export function createLog ({ level, pretty, journal = false, destination, background = false, rationed }: LogOptions): Logger {
  // Who reads along sees each line as it is made.
  const lines: Lines = pretty === false && background && destination.fd !== undefined ? backgroundLines(destination.fd) : destination
  const shown = (line: string): string => terminalLine(line, { colours: pretty === 'colours' })
  const readable = pretty !== false ? shown : journal ? journalLine : undefined
  const stream = readable === undefined ? lines : { ...lines, write: (line: string) => { lines.write(readable(line)) } }
  const options = { level, base: null, timestamp: isoTime(), formatters: { level: (label: string) => ({ level: label }) } }
  if (rationed === undefined || level === 'debug' || level === 'trace') return pino(options, stream)
  const rations = inRations(rationed)
  const rationedLines: Lines = {
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

/** Where lines go; what writes them in the background has to `finish`, in so many milliseconds. */
interface Lines extends DestinationStream {
  readonly finish?: (patience: number) => Promise<void>
  readonly countByThemselves?: CountByThemselves
}

const linesOf = (log: Logger): Lines | undefined => (log as Logger & Readonly<Record<symbol, Lines | undefined>>)[pino.symbols.streamSym]

/** From now on the lines of these machines are counted by themselves, and left out for no stranger's. */
export function countByThemselves (log: Logger, isNamed: (mac: string) => boolean): void { linesOf(log)?.countByThemselves?.(isNamed) }

/**
 * Resolves when every line is written, or after `patience` milliseconds, since the log's reader may hang. Then the process may end;
 * ending without it may lose the lines that another thread is writing, or put them after later ones, and waits for a reader that hangs.
 */
export async function endLog (log: Logger, patience = 1000): Promise<void> {
  await linesOf(log)?.finish?.(patience)
}

function backgroundLines (fd: number): Lines {
  const stream = pino.destination({ dest: fd, sync: false, maxLength: mostWaiting })
  let ending = false
  let gathered = ''
  // To wake another thread takes longer than to make a line: those of a turn go there together.
  const handOver = (): void => {
    const lines = gathered
    gathered = ''
    if (lines !== '') stream.write(lines)
  }
  // A log that can't be written (a full disk) ends nothing; its lines are tried again with the next.
  stream.on('error', () => {})
  return {
    // What is said after the end (by a part that did not close in time) has nowhere to go.
    write: line => {
      if (ending) return
      if (gathered === '') setImmediate(handOver)
      gathered += line
      if (gathered.length > mostGathered) handOver()
    },
    finish: async patience => {
      ending = true
      handOver()
      const over = AbortSignal.timeout(patience)
      await new Promise<unknown>(resolve => {
        stream.once('close', resolve).once('error', resolve)
        over.addEventListener('abort', resolve)
        stream.end()
      })
      // What is left by then pino would write when the process ends, and wait for as long as it takes.
      stream.destroy()
    }
  }
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

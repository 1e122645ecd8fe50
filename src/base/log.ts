// The log: pino, JSON lines, or one readable line an event on a terminal and in systemd's journal. Events are named noun.verb
// (`dhcp.offer`, `tftp.done`) with the fields mac, xid, ip, group, profile, ms.
import { type DestinationStream, type Logger, pino } from 'pino'
import { journalLine } from './journal-line.js'
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
   * JSON lines are written by another thread, those that come meanwhile together: a service that logs to a disk which is
   * busy, or to a reader that hangs, goes on answering. `endLog` writes what is left before the process ends.
   */
  readonly background?: boolean
}

/** What may wait to be written, in octets; a log that nobody reads loses lines rather than filling the memory. */
const mostWaiting = 16 * 2 ** 20

/**
 * A logger whose lines are written as they are made, so that the last one before an exit is not lost; `background` is for services.
 * Usage: `log.info({ mac, ip }, 'dhcp.offer')`.
 */
export function createLog ({ level, pretty, journal = false, destination, background = false }: LogOptions): Logger {
  // Who reads along sees each line as it is made.
  const lines: Lines = pretty === false && background && destination.fd !== undefined ? backgroundLines(destination.fd) : destination
  const shown = (line: string): string => terminalLine(line, { colours: pretty === 'colours' })
  const readable = pretty !== false ? shown : journal ? journalLine : undefined
  const stream = readable === undefined ? lines : { ...lines, write: (line: string) => { lines.write(readable(line)) } }
  return pino({ level, base: null, timestamp: isoTime(), formatters: { level: label => ({ level: label }) } }, stream)
}

/** How a stream of this process is logged to: for a person on a terminal, in colours unless NO_COLOR (no-color.org) or TERM says no. */
export function prettyFor (stream: object, env: Readonly<Record<string, string | undefined>>): LogOptions['pretty'] {
  if (!('isTTY' in stream) || stream.isTTY !== true) return false
  return (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb' ? 'plain' : 'colours'
}

/** Where lines go; what writes them in the background has to `finish`, in so many milliseconds. */
interface Lines extends DestinationStream {
  readonly finish?: (patience: number) => Promise<void>
}

/**
 * Resolves when every line is written, or after `patience` milliseconds, since the log's reader may hang. Then the process may end;
 * ending without it may lose the lines that another thread is writing, or put them after later ones, and waits for a reader that hangs.
 */
export async function endLog (log: Logger, patience = 1000): Promise<void> {
  const { finish } = (log as Logger & Readonly<Record<symbol, Lines | undefined>>)[pino.symbols.streamSym] ?? {}
  await finish?.(patience)
}

function backgroundLines (fd: number): Lines {
  const stream = pino.destination({ dest: fd, sync: false, maxLength: mostWaiting })
  let ending = false
  // A log that can't be written (a full disk) ends nothing; its lines are tried again with the next.
  stream.on('error', () => {})
  return {
    // What is said after the end (by a part that did not close in time) has nowhere to go.
    write: line => { if (!ending) stream.write(line) },
    finish: async patience => {
      ending = true
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

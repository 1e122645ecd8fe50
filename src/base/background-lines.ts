// Lines written by another thread, those of one turn of the event loop and those that come meanwhile together: whoever waits for a terminal
// that stands still (Ctrl-S), a reader that hangs or a disk that is busy is that thread, and not the machines.
import type { Writable } from 'node:stream'
import { pino } from 'pino'

/** Of a test it may have no descriptor. */
export type LinesDestination = Pick<Writable, 'write' | 'destroy'> & { readonly fd?: number }

export interface Lines {
  readonly write: (line: string) => unknown
  /** Resolves when all is written, or after `patience` milliseconds; what is said after that has nowhere to go. */
  readonly finish?: (patience: number) => Promise<void>
}

/** What may wait to be written, in octets; what nobody reads loses lines rather than filling the memory. */
const mostWaiting = 16 * 2 ** 20
/** And what may be gathered in a turn of the event loop before it is handed over: as much as is written at once. */
const mostGathered = 16 * 2 ** 10

/**
 * Lines for what `destination` leads to, by a thread of its own where it has a descriptor. `onUnwritten` hears why some could not be
 * written; they are tried again with the next.
 */
export function linesTo (destination: LinesDestination, onUnwritten: (error: Error) => void): Lines {
  return destination.fd === undefined ? { write: line => destination.write(line) } : backgroundLines(destination.fd, onUnwritten)
}

function backgroundLines (fd: number, onUnwritten: (error: Error) => void): Lines {
  const stream = pino.destination({ dest: fd, sync: false, maxLength: mostWaiting })
  let ending = false
  let gathered = ''
  // To wake another thread takes longer than to make a line: those of a turn go there together.
  const handOver = (): void => {
    const lines = gathered
    gathered = ''
    if (lines !== '') stream.write(lines)
  }
  stream.on('error', onUnwritten)
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

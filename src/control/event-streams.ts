// Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) to many readers: what happens within a
// moment is one write, and a reader that does not read is cut off rather than remembered for.
import type { ServerResponse } from 'node:http'

/** Octets that one reader may be behind. Its memory is the same as the others'. */
export const mostUnread = 256 * 1024
/** A proxy between may close a stream on which nothing comes; a comment line is something. Milliseconds. */
const heartbeat = 15_000
/** Milliseconds in which events are gathered, unless the one who sends them gathers them. */
const gather = 20

export class EventStreams {
  readonly #readers = new Set<ServerResponse>()
  readonly #gather: number
  #gathered: string[] = []
  #gathering: NodeJS.Timeout | undefined
  #beat: NodeJS.Timeout | undefined

  /** `gatherFor` milliseconds; 0: each event is sent at once. */
  constructor (gatherFor: number = gather) { this.#gather = gatherFor }

  get size (): number { return this.#readers.size }

  /** Sends `first`, then every event until the reader is gone. */
  add (reader: ServerResponse, first: string): void {
    reader.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    // What was gathered before it came is not for it.
    this.#flush()
    reader.write(first)
    this.#readers.add(reader)
    this.#beat ??= setInterval(() => { this.#write(':\n\n') }, heartbeat).unref()
    reader.once('close', () => {
      this.#readers.delete(reader)
      if (this.#readers.size > 0) return
      clearInterval(this.#beat)
      this.#beat = undefined
    })
  }

  /** `text` is a whole event, or what makes it: nobody may be there to read it. */
  send (text: string | (() => string)): void {
    if (this.#readers.size === 0) return
    this.#gathered.push(typeof text === 'string' ? text : text())
    if (this.#gather === 0) this.#flush()
    else this.#gathering ??= setTimeout(() => { this.#flush() }, this.#gather).unref()
  }

  end (): void {
    this.#flush()
    for (const reader of this.#readers) reader.end()
  }

  #flush (): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    if (this.#gathered.length === 0) return
    const text = this.#gathered.join('')
    this.#gathered = []
    this.#write(text)
  }

  #write (text: string): void {
    // A string would be turned into octets for each reader anew.
    const octets = Buffer.from(text)
    for (const reader of [...this.#readers]) {
      if (reader.writableLength > mostUnread) reader.destroy()
      else reader.write(octets)
    }
  }
}

// The last events of a stream, by number, so that a reader whose connection broke gets what it missed: `Last-Event-ID`
// (https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header). A number counts in one run of the
// program only, which its first part names.
import { counted } from '../base/units.js'

/** Octets of events that are kept: no more than a reader may be behind. */
export const mostKept = 256 * 1024

/** An event that is written down when somebody reads it, which may be never; `octets` are those of its data, at most. */
export interface UnwrittenEvent { readonly octets: number, readonly write: () => string }

interface NumberedEvent { readonly number: number, readonly octets: number, readonly text: () => string }

export class EventLog {
  readonly #run: string
  readonly #kept: NumberedEvent[] = []
  #octets = 0
  #last = 0

  /** `run` tells this run of the program from others: letters and digits. */
  constructor (run: string) { this.#run = run }

  /** The event as it is sent, with its number; `type` is for those who want to hear of events of that name. */
  add (data: string, type?: string): string { return this.addUnwritten({ octets: data.length, write: () => data }, type)() }

  /** The same of an event that may not be written down before the returned function is called, or a reader asks for what it missed. */
  addUnwritten ({ octets, write }: UnwrittenEvent, type?: string): () => string {
    const number = ++this.#last
    const before = `id: ${this.#run}-${number}\n${type === undefined ? '' : `event: ${type}\n`}data: `
    const text = (): string => `${before}${write()}\n\n`
    const event = { number, octets: before.length + octets + 2, text }
    this.#kept.push(event)
    this.#octets += event.octets
    let gone = 0
    for (; this.#octets > mostKept; gone++) this.#octets -= this.#kept[gone]?.octets ?? 0
    if (gone > 0) this.#kept.splice(0, gone)
    return text
  }

  /** What came after the event of that id; where that can't be told, an event `gap` that says so, and what there is of this run. */
  since (id: string): string {
    const [, run, digits = ''] = /^([0-9a-z]{1,40})-(\d{1,15})$/.exec(id) ?? []
    if (run !== this.#run || Number(digits) > this.#last) return this.#gap('the events before this were of another run of the program', this.#kept)
    const later = this.#kept.filter(({ number }) => number > Number(digits))
    const missed = this.#last - Number(digits) - later.length
    return missed === 0 ? later.map(({ text }) => text()).join('') : this.#gap(`${counted(missed, 'event is', 'events are')} not kept any more`, later)
  }

  /** The id of the last one, for a reader that has had none; an id alone is no event. */
  here (): string { return `id: ${this.#run}-${this.#last}\n\n` }

  #gap (reason: string, kept: readonly NumberedEvent[]): string {
    return [`event: gap\ndata: ${JSON.stringify({ reason })}\n\n`, ...kept.map(({ text }) => text())].join('')
  }
}

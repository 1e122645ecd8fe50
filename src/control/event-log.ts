// The last events of a stream, by number, so that a reader whose connection broke gets what it missed: `Last-Event-ID`
// (https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header). A number counts in one run of the
// program only, which its first part names.
import { counted } from '../base/units.js'

/** Octets of events that are kept: no more than a reader may be behind. */
export const mostKept = 256 * 1024

interface NumberedEvent { readonly number: number, readonly text: string }

export class EventLog {
  readonly #run: string
  readonly #kept: NumberedEvent[] = []
  #octets = 0
  #last = 0

  /** `run` tells this run of the program from others: letters and digits. */
  constructor (run: string) { this.#run = run }

  /** The event as it is sent, with its number; `type` is for those who want to hear of events of that name. */
  add (data: string, type?: string): string {
    const text = `id: ${this.#run}-${++this.#last}\n${type === undefined ? '' : `event: ${type}\n`}data: ${data}\n\n`
    this.#kept.push({ number: this.#last, text })
    this.#octets += text.length
    let gone = 0
    for (; this.#octets > mostKept; gone++) this.#octets -= this.#kept[gone]?.text.length ?? 0
    this.#kept.splice(0, gone)
    return text
  }

  /** What came after the event of that id; where that can't be told, an event `gap` that says so, and what there is of this run. */
  since (id: string): string {
    const [, run, digits = ''] = /^([0-9a-z]{1,40})-(\d{1,15})$/.exec(id) ?? []
    if (run !== this.#run || Number(digits) > this.#last) return this.#gap('the events before this were of another run of the program', this.#kept)
    const later = this.#kept.filter(({ number }) => number > Number(digits))
    const missed = this.#last - Number(digits) - later.length
    return missed === 0 ? later.map(({ text }) => text).join('') : this.#gap(`${counted(missed, 'event is', 'events are')} not kept any more`, later)
  }

  /** The id of the last one, for a reader that has had none; an id alone is no event. */
  here (): string { return `id: ${this.#run}-${this.#last}\n\n` }

  #gap (reason: string, kept: readonly NumberedEvent[]): string {
    return [`event: gap\ndata: ${JSON.stringify({ reason })}\n\n`, ...kept.map(({ text }) => text)].join('')
  }
}

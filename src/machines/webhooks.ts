// What others are told of machines: CloudEvents 1.0 as JSON (structured mode), signed as Standard Webhooks has it. Each
// receiver has its own line of events, which is kept on disk until it took them, or an hour is over; nothing waits for it.
import { createHmac, randomUUID } from 'node:crypto'
import { messageOf, unwaited } from '../base/errors.js'
import type { Clock, Timer } from '../base/clock.js'
import type { Logger } from '../base/log.js'

export type WebhookEvent = 'installed' | 'stuck' | 'enrolled' | 'conflict'

export interface Webhook {
  readonly url: string
  /** What signs: the octets behind `whsec_`; undefined for a receiver that does not check. */
  readonly secret: Buffer | undefined
  readonly on: readonly WebhookEvent[]
}

/** One event on its way to one receiver. */
export interface Delivery {
  readonly id: string
  readonly url: string
  /** Epoch milliseconds when it happened. */
  readonly at: number
  /** The CloudEvent as it is sent. */
  readonly body: string
  /** It is over: taken, given up, or its receiver is gone from the configuration. */
  readonly done?: true
}

/** What keeps deliveries over a restart (disk/json-lines). */
export interface DeliveryLog { readonly append: (delivery: Delivery) => Promise<void> }

/** Sends one request and gives the status; rejects when there was no answer. */
export type Post = (url: string, headers: Readonly<Record<string, string>>, body: string) => Promise<number>

export interface WebhooksOptions {
  readonly hooks: readonly Webhook[]
  /** Deliveries of before the restart. */
  readonly pending: readonly Delivery[]
  /** Who tells: the CloudEvent's `source`, `http://192.168.100.2:8080`. */
  readonly source: string
  readonly post: Post
  readonly keep: DeliveryLog
  readonly clock: Clock
  /** Milliseconds of a clock that nobody sets: by it the hour is over. */
  readonly steady: () => number
  readonly log: Logger
  /** Told of each attempt's end, for metrics. */
  readonly onAttempt?: (result: 'delivered' | 'failed' | 'given_up') => void
}

/** Milliseconds between attempts; the last goes on until the hour is over. */
const pauses = [5_000, 15_000, 30_000, 60_000, 120_000, 300_000] as const
const patience = 3_600_000
/** Events that wait for one receiver. A newer one is worth more than the oldest. */
const mostWaiting = 1000

interface Waiting { readonly delivery: Delivery, readonly since: number }

interface Line {
  readonly hook: Webhook
  /** `since`: by the steady clock; of those from before a restart as far as that can be told. */
  readonly waiting: Waiting[]
  attempts: number
  timer: Timer | undefined
  sending: boolean
}

export class Webhooks {
  readonly #options: WebhooksOptions
  readonly #lines: readonly Line[]
  #closed = false
  #writing: Promise<unknown> = Promise.resolve()

  constructor (options: WebhooksOptions) {
    this.#options = options
    this.#lines = options.hooks.map(hook => ({ hook, waiting: [], attempts: 0, timer: undefined, sending: false }))
    for (const delivery of options.pending) {
      const line = this.#lines.find(({ hook }) => hook.url === delivery.url)
      if (line === undefined) this.#keep({ ...delivery, done: true })
      else line.waiting.push({ delivery, since: options.steady() - Math.min(patience, Math.max(0, options.clock.now() - delivery.at)) })
    }
    for (const line of this.#lines) this.#next(line)
  }

  /** `data` is what happened, without secrets; `subject` the machine's hardware address. Returns at once. */
  tell (event: WebhookEvent, subject: string, data: Readonly<Record<string, unknown>>): void {
    const { clock, steady, source, log } = this.#options
    const at = clock.now()
    for (const line of this.#lines) {
      if (this.#closed || !line.hook.on.includes(event)) continue
      const id = `msg_${randomUUID()}`
      const body = JSON.stringify({
        specversion: '1.0',
        id,
        source,
        type: `core-provisioner.machine.${event}`,
        subject,
        time: new Date(at).toISOString(),
        datacontenttype: 'application/json',
        data
      })
      const delivery: Delivery = { id, url: line.hook.url, at, body }
      if (line.waiting.length >= mostWaiting) {
        // The first may be on its way just now.
        const [oldest] = line.waiting.splice(1, 1)
        if (oldest !== undefined) this.#end(oldest.delivery, 'given_up')
        log.warn({ url: originOf(line.hook.url), waiting: mostWaiting }, 'webhook.overflow')
      }
      line.waiting.push({ delivery, since: steady() })
      this.#keep(delivery)
      this.#next(line)
    }
  }

  /** Events that have not been delivered yet. */
  get waiting (): number { return this.#lines.reduce((sum, { waiting }) => sum + waiting.length, 0) }
  /** What is to be kept on disk. */
  * pending (): Iterable<Delivery> { for (const { waiting } of this.#lines) for (const { delivery } of waiting) yield delivery }

  async close (): Promise<void> {
    this.#closed = true
    for (const line of this.#lines) line.timer?.cancel()
    await this.#writing
  }

  #next (line: Line): void {
    if (this.#closed || line.sending || line.timer !== undefined || line.waiting.length === 0) return
    line.sending = true
    unwaited(this.#attempt(line, line.waiting[0]!).finally(() => {
      line.sending = false
      this.#next(line)
    }))
  }

  async #attempt (line: Line, waiting: Waiting): Promise<void> {
    const { delivery, since } = waiting
    const { clock, steady, log, post } = this.#options
    const where = originOf(delivery.url)
    const { outcome, why } = await post(delivery.url, headersOf(delivery, line.hook.secret, clock.now()), delivery.body)
      .then(judge, (error: unknown) => ({ outcome: 'failed' as const, why: messageOf(error) }))
    if (outcome === 'delivered') {
      this.#done(line, waiting, 'delivered')
      return
    }
    if (outcome === 'refused' || steady() - since >= patience) {
      log.warn({ url: where, id: delivery.id, reason: why }, 'webhook.given_up')
      this.#done(line, waiting, 'given_up')
      return
    }
    this.#options.onAttempt?.('failed')
    log.info({ url: where, id: delivery.id, reason: why, attempt: line.attempts + 1 }, 'webhook.failed')
    const pause = pauses[Math.min(line.attempts, pauses.length - 1)]!
    line.attempts++
    if (this.#closed) return
    line.timer = clock.after(pause, () => {
      line.timer = undefined
      this.#next(line)
    })
  }

  #done (line: Line, waiting: Waiting, result: 'delivered' | 'given_up'): void {
    const at = line.waiting.indexOf(waiting)
    if (at >= 0) line.waiting.splice(at, 1)
    line.attempts = 0
    this.#end(waiting.delivery, result)
  }

  #end (delivery: Delivery, result: 'delivered' | 'given_up'): void {
    this.#keep({ ...delivery, body: '', done: true })
    this.#options.onAttempt?.(result)
  }

  /** A full disk loses what was not delivered before a restart, and nothing else; the file itself says so in the log. */
  #keep (delivery: Delivery): void {
    this.#writing = Promise.all([this.#writing, this.#options.keep.append(delivery).catch(() => {})])
  }
}

type Outcome = 'delivered' | 'failed' | 'refused'

/** Standard Webhooks: 2xx is taken, 410 means never again; all else may be better later. */
const judge = (status: number): { readonly outcome: Outcome, readonly why: string } =>
  ({ outcome: status >= 200 && status < 300 ? 'delivered' : status === 410 ? 'refused' : 'failed', why: `answered ${status}` })

/** The signature covers id, time and body, so none of them can be given to another event. */
function headersOf ({ id, body }: Delivery, secret: Buffer | undefined, now: number): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(now / 1000))
  const signed = secret === undefined ? undefined : createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    ...signed !== undefined && { 'webhook-signature': `v1,${signed}` }
  }
}

/** A secret file: `whsec_` and base64, as Standard Webhooks writes it, or any other text as it is. undefined when it is too short. */
export function parseWebhookSecret (text: string): Buffer | undefined {
  const trimmed = text.trim()
  const octets = trimmed.startsWith('whsec_') ? Buffer.from(trimmed.slice(6), 'base64') : Buffer.from(trimmed)
  return octets.length >= 16 ? octets : undefined
}

/** A delivery from its line on disk. */
export function parseDelivery (line: string): Delivery | undefined {
  try {
    const value = Object(JSON.parse(line)) as Partial<Delivery>
    const whole = typeof value.id === 'string' && typeof value.url === 'string' && typeof value.body === 'string' && Number.isFinite(value.at)
    return whole ? value as Delivery : undefined
  } catch {
    return undefined
  }
}

/** Of all lines of the file, what is still to be delivered. */
export const deliveriesLeft = (lines: readonly Delivery[]): readonly Delivery[] =>
  [...new Map(lines.map(delivery => [delivery.id, delivery])).values()].filter(({ done }) => done !== true)

/** Paths and queries of such URLs are often secrets. */
const originOf = (url: string): string => URL.canParse(url) ? new URL(url).origin : '?'

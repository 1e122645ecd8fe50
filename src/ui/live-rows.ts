// What keeps the first page live: a stream of server-sent events with the rows that changed, made once for all who watch.
import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Clock, Timer } from '../base/clock.js'
import { unwaited } from '../base/errors.js'
import { EventLog } from '../control/event-log.js'
import { EventStreams } from '../control/event-streams.js'
import type { MachineRegistry } from '../machines/registry.js'
import type { Mac } from '../net/mac.js'
import { type ShareLimits, Shares } from '../net/shares.js'
import type { Boots } from './boots.js'
import type { LadderSection } from './ladder.js'
import { addressOf, plain } from './sending.js'

export const watchers: ShareLimits = { all: 100, perAddress: 20 }
/**
 * Milliseconds that a change waits for others that come with it, between two events at least, and after which it is looked for machines
 * that are silent for too long.
 */
const soon = 20
const gather = 100
const look = 2000
/** Rows that one event carries: they are made in one go, while DHCP waits. */
const mostRows = 100
/** Those among them that only time has changed: what a machine does never waits for a fleet that fell silent all at once. */
export const mostLate = 25

/** Rows of machines that did something, or were silent for too long, while anybody watches. */
export function serveLiveRows (
  app: FastifyInstance, { registry, clock }: { readonly registry: MachineRegistry, readonly clock: Clock }, boots: Boots
): void {
  const places = new Shares(watchers)
  const streams = new EventStreams(0)
  const log = new EventLog(randomUUID().replaceAll('-', ''))
  /** Machines that did something, and machines that another section has now because they did nothing. */
  const [changed, late] = [new Set<Mac>(), new Set<Mac>()]
  const sections = new Map<Mac, LadderSection>()
  let told = ''
  let overview: { counts: Record<LadderSection, number>, lastBoot: number | undefined } =
    { counts: { trouble: 0, booting: 0, fine: 0 }, lastBoot: undefined }
  let flushing: Timer | undefined
  let flushedAt = -Infinity
  let looking: Timer | undefined
  let stop = (): void => {}

  /** Rows of these, and how many there are of each section now. */
  const tell = (macs: readonly Mac[]): void => {
    const { text, placed } = boots.update(macs, overview)
    for (const { mac, section } of placed) {
      const before = sections.get(mac)
      if (before !== undefined) overview.counts[before]--
      overview.counts[section]++
      sections.set(mac, section)
    }
    told = JSON.stringify(overview.counts)
    streams.send(log.add(text()))
  }
  /** One change alone is told soon; of many there is one event in a while. */
  const plan = (): void => { flushing ??= clock.after(Math.min(gather, Math.max(soon, flushedAt + gather - clock.now())), flush) }
  const flush = (): void => {
    flushing = undefined
    flushedAt = clock.now()
    if (changed.size + late.size === 0) return
    const some = taken(changed, mostRows)
    for (const mac of some) late.delete(mac)
    tell([...some, ...taken(late, Math.min(mostLate, mostRows - some.length))])
    if (changed.size + late.size > 0) plan()
  }
  const lookAgain = async (): Promise<void> => {
    const made = await boots.overview()
    overview = { counts: { ...made.counts }, lastBoot: made.lastBoot }
    const isFirst = sections.size === 0
    for (const { machine: { mac }, section } of made.placed) {
      if (!isFirst && sections.get(mac) !== section) late.add(mac)
    }
    sections.clear()
    for (const { machine: { mac }, section } of made.placed) sections.set(mac, section)
    if (late.size > 0) plan()
    // A page may be older than the first look.
    else if (JSON.stringify(overview.counts) !== told) tell([])
  }
  const begin = (): void => {
    // The last one left a moment ago, and what it watched goes on.
    if (looking !== undefined) return
    stop = registry.onChange(({ machine: { mac } }) => {
      changed.add(mac)
      plan()
    })
    looking = clock.every(look, () => { unwaited(lookAgain()) })
    unwaited(lookAgain())
  }
  const end = (): void => {
    stop()
    looking?.cancel()
    flushing?.cancel()
    looking = flushing = undefined
    changed.clear()
    late.clear()
    sections.clear()
  }
  app.addHook('preClose', async () => {
    streams.end()
    end()
  })
  app.get('/ui/events', (request, reply) => {
    // Gone while its password was tried: no end of it would be told any more.
    if (reply.raw.destroyed) return reply.hijack()
    const leave = places.take(addressOf(request))
    if (leave === undefined) return plain(reply, 503, 'too many watch already')
    reply.raw.once('close', () => {
      leave()
      if (streams.size <= 1) setImmediate(() => { if (streams.size === 0) end() })
    })
    reply.hijack()
    const last = request.headers['last-event-id']
    if (streams.size === 0) begin()
    streams.add(reply.raw, `: boots\n\n${typeof last === 'string' ? log.since(last) : ''}`)
    return reply
  })
}

/** The first of a set, taken out of it. */
function taken<T> (set: Set<T>, most: number): T[] {
  const some: T[] = []
  for (const one of set) {
    if (some.length >= most) break
    set.delete(one)
    some.push(one)
  }
  return some
}

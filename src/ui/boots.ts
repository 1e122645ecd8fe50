// What the first page shows, made of all machines a few at a time; and what changes of it, for those who watch.
import type { Pace } from '../base/pace.js'
import { shown, type Shower } from '../control/machine-shown.js'
import type { Machine } from '../machines/machine.js'
import type { MachineRegistry } from '../machines/registry.js'
import type { Mac } from '../net/mac.js'
import { type BootsShown, type HourOfBoots, ladderRowHtml, type SectionPart, verdict } from './boots-page.js'
import { ladderRow, type LadderRow, type LadderSection, sectionOf, sections } from './ladder.js'
import { choose, type ListPlace } from './paging.js'

/** Machines that are looked at in one go. */
const slice = 200
/** Rows of each section on the first page: more than a screen has. */
export const firstRows = 20
/** Rows of a page that has one section alone. */
export const pageRows = 250
const hour = 3_600_000

interface Placed { readonly machine: Machine, readonly section: LadderSection }

export interface Overview {
  readonly placed: readonly Placed[]
  readonly counts: Readonly<Record<LadderSection, number>>
  readonly lastBoot: number | undefined
  readonly hours: readonly HourOfBoots[]
}

export class Boots {
  readonly #shower: Shower
  readonly #registry: MachineRegistry
  readonly #pace: Pace
  #making: Promise<Overview> | undefined

  constructor (shower: Shower) {
    this.#shower = shower
    this.#registry = shower.registry
    this.#pace = shower.pace
  }

  /** All machines by section. Who asks while it is being made gets the same. */
  overview (): Promise<Overview> {
    this.#making ??= this.#make().finally(() => { this.#making = undefined })
    return this.#making
  }

  async #make (): Promise<Overview> {
    const now = this.#shower.now()
    const first = Math.floor(now / hour) * hour - 23 * hour
    const hours = Array.from({ length: 24 }, (_, at) => ({ at: first + at * hour, good: 0, bad: 0 }))
    const count = (at: number, isGood: boolean): void => { const of = hours[Math.floor((at - first) / hour)]; if (of !== undefined) of[isGood ? 'good' : 'bad']++ }
    const placed: Placed[] = []
    const counts = { trouble: 0, booting: 0, fine: 0 }
    let lastBoot: number | undefined
    for (let after: Mac | undefined, more = true; more;) {
      await this.#pace.work(() => {
        const machines = this.#registry.after(after, slice)
        for (const machine of machines) {
          const section = sectionOf(machine, this.#registry.troubleOf(machine, now) !== undefined, now)
          placed.push({ machine, section })
          counts[section]++
          const began = machine.timeline[0]?.at
          const isDone = section === 'fine' && machine.stage !== undefined
          if (began !== undefined && section !== 'booting') count(began, isDone)
          if (isDone) lastBoot = Math.max(lastBoot ?? 0, machine.lastSeen)
          for (const { at, reason } of machine.history ?? []) count(at, reason === undefined)
        }
        after = machines.at(-1)?.mac
        more = machines.length === slice
      })
    }
    return { placed, counts, lastBoot, hours }
  }

  /** The first of each section, or of one alone those behind a place in it. */
  async page ({ query, section, behind }: BootsQuery): Promise<Pick<BootsShown, 'parts' | 'counts' | 'lastBoot' | 'hours' | 'now'>> {
    const { placed, ...rest } = await this.overview()
    const matching = await this.#matching(placed, query.toLowerCase())
    const counts = { trouble: 0, booting: 0, fine: 0 }
    for (const { section } of matching) counts[section]++
    const parts: SectionPart[] = []
    for (const of of section === undefined ? sections : [section]) {
      const machines = matching.filter(one => one.section === of).map(({ machine }) => machine)
      const { chosen, before, next } = choose(machines, section === undefined ? firstRows : pageRows, behind)
      const rows: LadderRow[] = []
      for (let at = 0; at < chosen.length; at += slice / 4) {
        rows.push(...await this.#pace.work(() => chosen.slice(at, at + slice / 4).map(machine => this.#row(machine))))
      }
      parts.push({ section: of, rows, before, next })
    }
    return { ...rest, counts, parts, now: this.#shower.now() }
  }

  /** Those that have the text in what a person knows a machine by. */
  async #matching (placed: readonly Placed[], wanted: string): Promise<readonly Placed[]> {
    if (wanted === '') return placed
    const found: Placed[] = []
    for (let at = 0; at < placed.length; at += slice) {
      await this.#pace.work(() => { found.push(...placed.slice(at, at + slice).filter(({ machine }) => isAskedFor(machine, wanted))) })
    }
    return found
  }

  /** The rows of machines that changed, where they stand now, and what those who watch are told of them once that is counted. */
  update (macs: Iterable<Mac>, overview: Pick<Overview, 'counts' | 'lastBoot'>): {
    readonly text: () => string, readonly placed: ReadonlyArray<{ readonly mac: Mac, readonly section: LadderSection }>
  } {
    const now = this.#shower.now()
    const rows = [...macs].map(mac => this.#registry.get(mac)).filter(machine => machine !== undefined).map(machine => this.#row(machine))
    return {
      placed: rows.map(({ machine: { mac }, section }) => ({ mac, section })),
      text: () => JSON.stringify({
        rows: rows.map(row => ladderRowHtml(row, now).text).join(''), counts: overview.counts, verdict: verdict(overview.counts, overview.lastBoot, now)
      })
    }
  }

  #row (machine: Machine): LadderRow { return ladderRow(shown(machine, this.#shower), this.#shower.now()) }
}

/** What a page is asked for. */
export interface BootsQuery {
  readonly query: string
  /** One alone; all three otherwise. */
  readonly section: LadderSection | undefined
  /** The last machine of the page before. */
  readonly behind: ListPlace | undefined
}

const isAskedFor = ({ mac, name, address, group, profile }: Machine, wanted: string): boolean =>
  [mac, mac.replaceAll(':', '-'), name, address, group, profile].some(text => text?.toLowerCase().includes(wanted) === true)

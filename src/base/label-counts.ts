// What is counted and timed with each message and request, by labels. prom-client spells out the names of the labels at each count, and
// looks at each of them; here a count is found by what the labels say, and handed over when metrics are read.
import { Counter, type Registry } from 'prom-client'

type LabelValue = string | number
type LabelValues<Name extends string> = Readonly<Record<Name, LabelValue>>

export interface LabelledOptions<Name extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly Name[]
}

/** Values by labels, found by what the first label says, then the second. */
class Cells<Name extends string, Cell> {
  readonly #names: readonly Name[]
  readonly #make: () => Cell
  readonly #found = new Map<LabelValue, unknown>()
  readonly all: Array<readonly [LabelValues<Name>, Cell]> = []

  constructor (names: readonly Name[], make: () => Cell) {
    this.#names = names
    this.#make = make
  }

  at (labels: LabelValues<Name>): Cell {
    const last = this.#names.length - 1
    let found = this.#found
    for (let n = 0; n < last; n++) {
      const value = labels[this.#names[n]!]
      let next = found.get(value) as Map<LabelValue, unknown> | undefined
      if (next === undefined) found.set(value, next = new Map())
      found = next
    }
    const value = labels[this.#names[last]!]
    const known = found.get(value) as Cell | undefined
    if (known !== undefined) return known
    const cell = this.#make()
    found.set(value, cell)
    this.all.push([{ ...labels }, cell])
    return cell
  }
}

/** A counter with labels. */
export class LabelCounts<Name extends string> {
  readonly #cells: Cells<Name, { count: number }>

  constructor (registry: Registry, options: LabelledOptions<Name>) {
    this.#cells = new Cells(options.labelNames, () => ({ count: 0 }))
    const told: Counter<Name> = new Counter({
      ...options,
      registers: [registry],
      collect: () => {
        told.reset()
        for (const [labels, { count }] of this.#cells.all) told.inc(labels, count)
      }
    })
  }

  /** What was counted so far, by labels. */
  get counts (): ReadonlyArray<readonly [LabelValues<Name>, { readonly count: number }]> { return this.#cells.all }

  inc (labels: LabelValues<Name>, count = 1): void { this.#cells.at(labels).count += count }
}

/** A histogram with labels, of times in seconds. */
export class LabelTimes<Name extends string> {
  readonly #buckets: readonly number[]
  readonly #cells: Cells<Name, { readonly within: number[], sum: number }>

  constructor (registry: Registry, { name, help, labelNames, buckets }: LabelledOptions<Name> & { readonly buckets: readonly number[] }) {
    this.#buckets = buckets
    this.#cells = new Cells(labelNames, () => ({ within: new Array<number>(buckets.length + 1).fill(0), sum: 0 }))
    const told = { name, help, type: 'histogram', aggregator: 'sum', get: async () => ({ ...told, values: this.#values(name) }) }
    // What a registry asks of a metric, of whatever class.
    registry.registerMetric(told as unknown as Counter)
  }

  observe (labels: LabelValues<Name>, seconds: number): void {
    const cell = this.#cells.at(labels)
    let n = 0
    while (n < this.#buckets.length && seconds > this.#buckets[n]!) n++
    cell.within[n]!++
    cell.sum += seconds
  }

  #values (name: string): object[] {
    return this.#cells.all.flatMap(([labels, { within, sum }]) => {
      let count = 0
      const buckets = within.map((found, n) => {
        count += found
        return { metricName: `${name}_bucket`, labels: { le: this.#buckets[n] ?? '+Inf', ...labels }, value: count }
      })
      return [...buckets, { metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: count }]
    })
  }
}

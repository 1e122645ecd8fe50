// The guard against growing slow: ratios within one run against floors in a file. A reference that is as fast as ever beside work that
// is not says that it is the work; times of their own say what machine it was.

/** Does its work so many times. */
export type Work = (times: number) => void | Promise<void>

export interface GuardPart {
  readonly work: Work
  /** What the work is compared with. */
  readonly reference: Work
}

export interface Floors {
  /** The day they were set. */
  readonly set: string
  /** How much of the reference's speed each part has to keep. */
  readonly floors: Readonly<Record<string, number>>
}

/** Milliseconds of this process's CPU that the work takes, each time. */
export async function cost (work: Work, times: number): Promise<number> {
  const before = process.cpuUsage()
  await work(times)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / times
}

/**
 * So many times that it takes `least` milliseconds, the second time too: shorter work is all noise, and what is done for the first
 * time may cost fifty times as much as afterwards.
 */
export async function timesFor (work: Work, least: number): Promise<number> {
  for (let times = 1; ; times *= 2) {
    if (times >= 2 ** 20) return times
    if (await cost(work, times) * times >= least && await cost(work, times) * times >= least) return times
  }
}

export interface CompareOptions {
  /** Milliseconds of CPU. */
  readonly turn: number
  readonly rounds: number
  readonly floor?: number | undefined
}

export interface Compared {
  /** How much of the reference's speed the work has. */
  readonly ratio: number
  /** Milliseconds of CPU of the work, once. */
  readonly each: number
}

/**
 * Work and reference in turns, each counted at its cheapest: what else the machine does makes a turn dearer, and none cheaper. Takes as
 * many rounds as are asked for, and up to five times as many while the ratio is below `floor`: under load the cheapest turn comes late.
 */
export async function compare ({ work, reference }: GuardPart, { turn, rounds, floor = 0 }: CompareOptions): Promise<Compared> {
  const [times, referenceTimes] = [await timesFor(work, turn), await timesFor(reference, turn)]
  let [each, ofReference] = [Infinity, Infinity]
  for (let round = 0; round < rounds || (round < 5 * rounds && ofReference / each < floor); round++) {
    ofReference = Math.min(ofReference, await cost(reference, referenceTimes))
    each = Math.min(each, await cost(work, times))
  }
  return { ratio: ofReference / each, each }
}

export interface Judged { readonly name: string, readonly ratio: number, readonly floor: number | undefined, readonly kept: boolean }

/** A part without a floor fails too, as does a floor without its part: a guard that is not there holds nothing. */
export function judge (ratios: Readonly<Record<string, number>>, { floors }: Floors): readonly Judged[] {
  return [...new Set([...Object.keys(ratios), ...Object.keys(floors)])].map(name => {
    const [ratio, floor] = [ratios[name] ?? NaN, floors[name]]
    return { name, ratio, floor, kept: floor !== undefined && ratio >= floor }
  })
}

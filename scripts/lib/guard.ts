// The guard against growing slow: ratios within one run against floors in a file. A reference that is as fast as ever beside work that
// is not says that it is the work; times of their own say what machine it was.

export interface Floors {
  /** The day they were set. */
  readonly set: string
  /** How much of the reference's speed each part has to keep. */
  readonly floors: Readonly<Record<string, number>>
}

/** Milliseconds of this process's CPU that the work takes, each time. */
export async function cost (work: (times: number) => void | Promise<void>, times: number): Promise<number> {
  const before = process.cpuUsage()
  await work(times)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / times
}

/** So many times that it takes `least` milliseconds: shorter work is all noise. */
export async function timesFor (work: (times: number) => void | Promise<void>, least: number): Promise<number> {
  for (let times = 1; ; times *= 2) if (await cost(work, times) * times >= least || times >= 2 ** 20) return times
}

export interface Judged { readonly name: string, readonly ratio: number, readonly floor: number | undefined, readonly kept: boolean }

/** A part without a floor fails too, as does a floor without its part: a guard that is not there holds nothing. */
export function judge (ratios: Readonly<Record<string, number>>, { floors }: Floors): readonly Judged[] {
  return [...new Set([...Object.keys(ratios), ...Object.keys(floors)])].map(name => {
    const [ratio, floor] = [ratios[name] ?? NaN, floors[name]]
    return { name, ratio, floor, kept: floor !== undefined && ratio >= floor }
  })
}

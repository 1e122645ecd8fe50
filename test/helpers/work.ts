// How work grows with its input: the processor time of this process, which a busy machine does not lengthen, and only ever compared
// within one run.

function workOf (run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** The processor time of work in milliseconds, the less of two runs: the first has to warm up. */
export const leastWork = (run: () => void): number => Math.min(workOf(run), workOf(run))

/**
 * How many times the work is more for eight times the input: about 8 where it grows with its input, 64 where it grows with its square.
 * Caches and the collector of garbage only add to it, on either side, so that either is the less of two runs, and the least of three tries
 * is told; one is enough where it is small. A millisecond on both sides keeps what takes next to nothing from being all noise.
 */
export function growth (run: (size: number) => void, size: number): number {
  let least = Infinity
  for (let tries = 0; tries < 3 && least >= muchGrowth; tries++) {
    const little = leastWork(() => { run(size) })
    for (let runs = 0; runs < 2 && least >= muchGrowth; runs++) {
      least = Math.min(least, (workOf(() => { run(8 * size) }) + 1) / (little + 1))
    }
  }
  return least
}

/** `growth` of what is awaited, while nothing else is under way. */
export async function growthAwaited (run: (size: number) => Promise<void>, size: number): Promise<number> {
  const workOf = async (size: number): Promise<number> => {
    const before = process.cpuUsage()
    await run(size)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
  let least = Infinity
  for (let tries = 0; tries < 3 && least >= muchGrowth; tries++) {
    const little = Math.min(await workOf(size), await workOf(size))
    for (let runs = 0; runs < 2 && least >= muchGrowth; runs++) least = Math.min(least, (await workOf(8 * size) + 1) / (little + 1))
  }
  return least
}

/** Between growth with the input and with its square. */
export const muchGrowth = 24

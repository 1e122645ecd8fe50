// How long a program holds its event loop at most, where the machine is one of several on the same processors.

/** What nothing from outside may hold it for, in seconds of processor time. */
export const mostHeld = 0.05

/**
 * The least of three runs at most, in seconds; one is enough where it is below `mostHeld`. A virtual machine that is not scheduled for a moment
 * (steal) has that moment counted as work of whatever ran, and the most of a run is its one unluckiest moment: work that holds
 * the loop does so in each run, such a moment in one.
 */
export async function leastHeld (run: () => Promise<number>): Promise<number> {
  let least = Infinity
  for (let tries = 0; tries < 3 && !(least < mostHeld); tries++) least = Math.min(least, await run())
  return least
}

// Waiting for what no event tells of.

/** Tries again until it is so; for what another process does in its own time. */
export async function until (what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !await isSo(); tries++) {
    if (tries > 15_000) throw new Error(`never: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

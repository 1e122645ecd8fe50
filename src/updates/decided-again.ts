// A decision that is kept in a store of several provisioners, and made anew where another one was first.

/** Times that something is decided when others are first each time. */
const mostTries = 20

/** Has it decided again as long as it is undefined; undefined at last. */
export async function decidedAgain<T> (decide: () => Promise<T | undefined>): Promise<T | undefined> {
  for (let tries = 0; tries < mostTries; tries++) {
    const decided = await decide()
    if (decided !== undefined) return decided
  }
  return undefined
}

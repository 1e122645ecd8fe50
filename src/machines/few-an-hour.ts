// What strangers can bring about at will is told of seldom: of each thing once an hour, and of so many things in one.

const hour = 3_600_000

/** True of a key that was not told within the last hour, while fewer than `most` were. `steady` is a clock that nobody sets. */
export function fewAnHour (most: number, steady: () => number): (key: string) => boolean {
  const told = new Map<string, number>()
  return key => {
    const now = steady()
    for (const [known, at] of told) if (now - at > hour) told.delete(known)
    if (told.has(key) || told.size >= most) return false
    told.set(key, now)
    return true
  }
}

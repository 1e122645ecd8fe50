// Did you mean: the known word that a mistyped one is nearest to.

/** Longer words are no slip of the finger, and would cost the square of their length. */
const longestWord = 64

/**
 * The known word that takes the fewest slips (a letter left out, added, changed, or two swapped) to become `word`: one slip in three
 * letters at most, two in all, and not the word itself. undefined when none is near.
 */
export function nearest (word: string, known: Iterable<string>): string | undefined {
  if (word.length > longestWord) return undefined
  const most = word.length < 3 ? 0 : word.length < 6 ? 1 : 2
  let best: string | undefined
  let fewest = most + 1
  for (const other of known) {
    if (other === word || Math.abs(other.length - word.length) >= fewest) continue
    const slips = other.toLowerCase() === word.toLowerCase() ? 0 : slipsBetween(word.toLowerCase(), other.toLowerCase())
    if (slips < fewest) [best, fewest] = [other, slips]
  }
  return best
}

/** `; did you mean "selector"?`, or nothing. */
export function didYouMean (word: string, known: Iterable<string>): string {
  const meant = nearest(word, known)
  return meant === undefined ? '' : `; did you mean ${JSON.stringify(meant)}?`
}

/** Optimal string alignment: the distance of Levenshtein, with two neighbours swapped as one slip. */
function slipsBetween (a: string, b: string): number {
  let [twoBack, back]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = back[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? twoBack[j - 2]! + 1 : Infinity
      row.push(Math.min(changed, swapped, back[j]! + 1, row[j - 1]! + 1))
    }
    [twoBack, back] = [back, row]
  }
  return back[b.length]!
}

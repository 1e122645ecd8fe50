// Huffman codes of limited length as Go's compress/flate assigns them: by package-merge, and among codes of one length in the
// order of the symbols, as RFC 1951 section 3.2.2 asks.

/** By symbol: the code with its first bit lowest, and its length, 0 for a symbol that does not occur. */
export interface Codes { readonly bits: Uint16Array, readonly lengths: Uint8Array }

/** How many bits the symbols take that occur so often. */
export const bitLength = ({ lengths }: Codes, frequencies: Uint32Array): number => {
  let total = 0
  frequencies.forEach((frequency, symbol) => { total += frequency * (lengths[symbol] ?? 0) })
  return total
}

export const huffmanCodes = (frequencies: Uint32Array, longest: number): Codes => {
  const used = Array.from(frequencies.keys()).filter(symbol => frequencies[symbol] !== 0)
  const lengths = new Uint8Array(frequencies.length)
  if (used.length <= 2) {
    for (const symbol of used) lengths[symbol] = 1
    return codesOf(lengths)
  }
  const rarest = used.toSorted((a, b) => (frequencies[a] ?? 0) - (frequencies[b] ?? 0) || a - b)
  const counts = lengthCounts(rarest.map(symbol => frequencies[symbol] ?? 0), Math.min(longest, rarest.length - 1))
  // The rarest symbols have the longest codes.
  let at = rarest.length
  counts.forEach((count, length) => {
    for (const symbol of rarest.slice(at - count, at)) lengths[symbol] = length
    at -= count
  })
  return codesOf(lengths)
}

/** The codes that belong to code lengths. */
export const codesOf = (lengths: Uint8Array): Codes => {
  const bits = new Uint16Array(lengths.length)
  let code = 0
  for (let length = 1; length <= 15; length++) {
    code <<= 1
    for (const [symbol, own] of lengths.entries()) {
      if (own !== length) continue
      bits[symbol] = reversed(code, length)
      code++
    }
  }
  return { bits, lengths }
}

const reversed = (code: number, length: number): number => {
  let result = 0
  for (let i = 0; i < length; i++) result |= ((code >> i) & 1) << (length - 1 - i)
  return result
}

/**
 * How many symbols get a code of each length, for the least total: package-merge. In each round the pairs of the last one are
 * merged with the symbols by frequency, a symbol after a pair of the same frequency, which is what makes the result Go's.
 * @param sorted frequencies, rarest first, at least three
 */
const lengthCounts = (sorted: readonly number[], longest: number): number[] => {
  interface Item { readonly weight: number, readonly pair?: readonly [Item, Item] }
  const leaves: readonly Item[] = sorted.map(weight => ({ weight }))
  let items = leaves
  for (let round = 1; round < longest; round++) {
    const pairs: Item[] = []
    for (let i = 0; i + 1 < items.length; i += 2) {
      const [a, b] = [items[i], items[i + 1]]
      if (a !== undefined && b !== undefined) pairs.push({ weight: a.weight + b.weight, pair: [a, b] })
    }
    items = mergeSorted(pairs, leaves)
  }
  // A symbol's length is how many of the first 2n - 2 items it is in: at depth d lie leaves and the insides of pairs.
  const perLevel: number[] = []
  let level: readonly Item[] = items.slice(0, 2 * sorted.length - 2)
  while (level.length > 0) {
    perLevel.push(level.filter(({ pair }) => pair === undefined).length)
    level = level.flatMap(({ pair }) => pair ?? [])
  }
  const counts = new Array<number>(longest + 1).fill(0)
  perLevel.forEach((atLeast, i) => { counts[i + 1] = atLeast - (perLevel[i + 1] ?? 0) })
  return counts
}

const mergeSorted = <T extends { readonly weight: number }>(first: readonly T[], second: readonly T[]): T[] => {
  const result: T[] = []
  let [i, j] = [0, 0]
  while (i < first.length || j < second.length) {
    const [a, b] = [first[i], second[j]]
    if (a !== undefined && (b === undefined || a.weight <= b.weight)) {
      result.push(a)
      i++
    } else if (b !== undefined) {
      result.push(b)
      j++
    }
  }
  return result
}

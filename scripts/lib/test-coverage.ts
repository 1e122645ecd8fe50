// What of the sources a test ran, from what V8 counts (NODE_V8_COVERAGE), in their own lines by the source maps that Node writes beside it.
import { readdirSync, readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Offsets as V8 has them, into the JavaScript. */
interface CountedRange { readonly startOffset: number, readonly endOffset: number, readonly count: number }
interface CoverageFile {
  readonly result: ReadonlyArray<{ readonly url: string, readonly functions: ReadonlyArray<{ readonly ranges: readonly CountedRange[] }> }>
  readonly 'source-map-cache'?: Readonly<Record<string, { readonly lineLengths: readonly number[], readonly data: SourceMapPayload | null } | undefined>>
}

/** A place in a source: 65,536 times the line and the column, both from 0. */
type Place = number
const placeOf = (line: number, column: number): Place => line * 0x10000 + Math.min(column, 0xffff)

/** Four numbers for each range: where it starts and ends, its size in JavaScript, and how often it ran. */
type Ranges = Float64Array

export class TestCoverage {
  /** By path from the root; of each process that loaded it. */
  readonly #ranges = new Map<string, Ranges[]>()

  /** Of all that the processes of a test wrote into `folder`, about the sources below `root`; some were killed while they wrote. */
  constructor (folder: string, root: string) {
    for (const name of readdirSync(folder)) {
      let written: CoverageFile
      try {
        written = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CoverageFile
      } catch {
        continue
      }
      for (const { url, functions } of written.result) {
        const map = written['source-map-cache']?.[url]
        if (map?.data == null || !url.startsWith('file:')) continue
        const path = fileURLToPath(url)
        if (!path.startsWith(`${root}/src/`)) continue
        const own = path.slice(root.length + 1)
        const ranges = rangesOf(functions.flatMap(({ ranges }) => ranges), map.lineLengths, new SourceMap(map.data))
        this.#ranges.set(own, [...this.#ranges.get(own) ?? [], ranges])
      }
    }
  }

  /** Whether what stands there was run; `line` and `column` from 0. */
  ran (path: string, line: number, column: number): boolean {
    const at = placeOf(line, column)
    return (this.#ranges.get(path) ?? []).some(ranges => {
      let [size, count] = [Infinity, 0]
      for (let i = 0; i < ranges.length; i += 4) {
        // The smallest around it counts.
        if (ranges[i]! <= at && at < ranges[i + 1]! && ranges[i + 2]! < size) [size, count] = [ranges[i + 2]!, ranges[i + 3]!]
      }
      return count > 0
    })
  }
}

function rangesOf (counted: readonly CountedRange[], lineLengths: readonly number[], map: SourceMap): Ranges {
  const starts: number[] = []
  let next = 0
  for (const length of lineLengths) {
    starts.push(next)
    next += length + 1
  }
  const original = (offset: number, isEnd: boolean): Place => {
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    const entry = map.findEntry(low, offset - starts[low]!)
    // Before the first of what was written and behind the last nothing has a place.
    return 'originalLine' in entry ? placeOf(entry.originalLine, entry.originalColumn) : isEnd ? Infinity : 0
  }
  return Float64Array.from(counted.flatMap(({ startOffset, endOffset, count }) => [
    original(startOffset, false),
    endOffset >= next - 1 ? Infinity : original(endOffset, true),
    endOffset - startOffset,
    count
  ]))
}

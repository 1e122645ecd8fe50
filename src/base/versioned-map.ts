// A map by name or number of which each version that was read stays what it was. A change costs the same however many entries
// there are: they stand in runs of at most some hundred, in the order of their names; a version and the next share all runs but the
// one that changed.

/** Entries side by side in the order of their names. */
interface Run<K, V> {
  readonly names: K[]
  readonly values: V[]
  /** In which era it was made: since then nobody was handed a version with it, so that it can be changed in place. */
  readonly era: number
}

/** So many entries are copied for a change at most; a run that has more is halved. */
export const longestRun = 256

/** By `string` in the order of its UTF-16 units, by `number` in that of its value. */
export class VersionedMap<V, K extends string | number = string> {
  /** What is in it now, for whoever asks for one by its name: the newest version is the one that machines are served from. */
  readonly #newest = new Map<K, V>()
  #runs: Array<Run<K, V>> = []
  #version: Version<K, V> | undefined
  /** Counts the versions handed out. */
  #era = 0
  #copied = 0

  /** Entries and runs copied so far: what keeping the versions apart has cost. */
  get copied (): number { return this.#copied }

  /** As it is now, for ever. The same object until something changes. */
  get version (): ReadonlyMap<K, V> {
    if (this.#version === undefined) {
      this.#version = new Version(this.#runs, this.#newest)
      this.#era++
    }
    return this.#version
  }

  get (name: K): V | undefined { return this.#newest.get(name) }

  set (name: K, value: V): void {
    const at = Math.max(0, runFor(this.#runs, name))
    const run = this.#writable(at)
    const index = placeIn(run.names, name)
    this.#newest.set(name, value)
    if (run.names[index] === name) {
      run.values[index] = value
      return
    }
    run.names.splice(index, 0, name)
    run.values.splice(index, 0, value)
    if (run.names.length > longestRun) {
      const half = run.names.length >>> 1
      this.#runs.splice(at + 1, 0, { names: run.names.splice(half), values: run.values.splice(half), era: this.#era })
    }
  }

  /** false when there is none of that name. */
  delete (name: K): boolean {
    if (!this.#newest.has(name)) return false
    const at = runFor(this.#runs, name)
    const run = this.#writable(at)
    const index = placeIn(run.names, name)
    this.#newest.delete(name)
    run.names.splice(index, 1)
    run.values.splice(index, 1)
    if (run.names.length === 0) this.#runs.splice(at, 1)
    return true
  }

  /** A run that no version holds, in a list that none holds. */
  #writable (at: number): Run<K, V> {
    if (this.#version !== undefined) {
      this.#version.outdate()
      this.#version = undefined
      this.#runs = [...this.#runs]
      this.#copied += this.#runs.length
    }
    const run = this.#runs[at]
    if (run?.era === this.#era) return run
    const { names, values } = run ?? { names: [], values: [] }
    const own = { names: [...names], values: [...values], era: this.#era }
    this.#copied += names.length
    this.#runs[at] = own
    return own
  }
}

/** Which of the runs has the name, if any has: the last that begins before it. -1: none does. */
function runFor<K extends string | number> (runs: ReadonlyArray<Run<K, unknown>>, name: K): number {
  let [low, high] = [0, runs.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (runs[middle]!.names[0]! <= name) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Where the name stands among the others, or would stand. */
function placeIn<K extends string | number> (names: readonly K[], name: K): number {
  let [low, high] = [0, names.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (names[middle]! < name) low = middle + 1
    else high = middle
  }
  return low
}

class Version<K extends string | number, V> implements ReadonlyMap<K, V> {
  readonly #runs: ReadonlyArray<Run<K, V>>
  /** The same entries by name, as long as this is the newest version. */
  #newest: ReadonlyMap<K, V> | undefined
  readonly size: number

  constructor (runs: ReadonlyArray<Run<K, V>>, newest: ReadonlyMap<K, V>) {
    this.#runs = runs
    this.#newest = newest
    this.size = newest.size
  }

  /** A newer version is about to come. */
  outdate (): void { this.#newest = undefined }

  get (name: K): V | undefined {
    if (this.#newest !== undefined) return this.#newest.get(name)
    const [run, index] = this.#find(name)
    return run?.values[index]
  }

  has (name: K): boolean { return this.#newest?.has(name) ?? this.#find(name)[0] !== undefined }

  #find (name: K): [Run<K, V> | undefined, number] {
    const run = this.#runs[runFor(this.#runs, name)]
    if (run === undefined) return [undefined, 0]
    const index = placeIn(run.names, name)
    return [run.names[index] === name ? run : undefined, index]
  }

  * entries (): MapIterator<[K, V]> {
    for (const { names, values } of this.#runs) for (const [index, name] of names.entries()) yield [name, values[index]!]
  }

  * keys (): MapIterator<K> { for (const { names } of this.#runs) yield * names }
  * values (): MapIterator<V> { for (const { values } of this.#runs) yield * values }
  [Symbol.iterator] (): MapIterator<[K, V]> { return this.entries() }

  forEach (callback: (value: V, name: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [name, value] of this) callback(value, name, this)
  }
}

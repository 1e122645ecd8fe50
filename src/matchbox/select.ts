// Which group a machine's labels select: of those whose whole selector matches, the one with most selectors; between
// equals the greater `key=value` text, as Matchbox sorts them. Looked up by one telling label of each group, so that
// ten thousand groups cost no more than ten.
import { type Group, type Matcher, isMacKey, matcherOf, selectorText } from './group.js'
import { compareStrings } from '../go/string.js'
import { type Mac, parseMac } from '../net/mac.js'

export type Labels = ReadonlyMap<string, string>

interface Entry {
  readonly file: string
  readonly group: Group
  readonly matcher: Matcher
  readonly text: string
  /** Where the entry is found: `key=value` texts of one selector, or the list that is always looked through. */
  places: readonly string[]
}

/** Best first. The name of the file decides last, since Matchbox reads the files in that order. */
function compareEntries (a: Entry, b: Entry): number {
  return b.matcher.size - a.matcher.size || compareStrings(b.text, a.text) ||
    Number(a.group.tombstone ?? false) - Number(b.group.tombstone ?? false) || compareStrings(a.file, b.file)
}

/** The machine's hardware address, whatever the case of its key. */
export function macOfLabels (labels: Labels): Mac | undefined {
  const mac = labels.get('mac')
  if (mac !== undefined) return parseMac(mac)
  for (const [key, value] of labels) if (isMacKey(key)) return parseMac(value)
  return undefined
}

const pair = (key: string, value: string): string => `${key}=${value}`
const everywhere = ''

const matches = (matcher: Matcher, labels: Labels): boolean => {
  for (const [key, values] of matcher) if (!values.includes(labels.get(key) ?? '')) return false
  return true
}

export class GroupIndex {
  #groups: ReadonlyMap<string, Group> = new Map()
  readonly #entries = new Map<string, Entry>()
  readonly #places = new Map<string, Entry[]>()
  /** How many groups have a `key=value` in their selector. */
  readonly #counts = new Map<string, number>()
  /** How many groups have a key in their selector. */
  readonly #keys = new Map<string, number>()

  /** Whether any group selects by `key`. */
  selectsBy (key: string): boolean { return this.#keys.has(key) }

  /**
   * Brings the index to `groups`. `changed` names all that changed since the last time, by file; without it each is compared.
   */
  sync (groups: ReadonlyMap<string, Group>, changed?: Iterable<string>): void {
    if (groups === this.#groups) return
    this.#take(groups, changed ?? groups.keys())
    // Whoever went without being named.
    if (this.#entries.size !== groups.size) {
      this.#take(groups, groups.keys())
      for (const [file, entry] of this.#entries) if (!groups.has(file)) this.#remove(entry)
    }
    this.#groups = groups
  }

  #take (groups: ReadonlyMap<string, Group>, files: Iterable<string>): void {
    const added: Entry[] = []
    for (const file of files) {
      const group = groups.get(file)
      const before = this.#entries.get(file)
      if (before?.group === group) continue
      if (before !== undefined) this.#remove(before)
      if (group === undefined) continue
      const matcher = matcherOf(group.selector)
      added.push({ file, group, matcher, text: selectorText(matcher), places: [] })
    }
    for (const { matcher } of added) this.#count(matcher, 1)
    // In order, so that each is put at the end of its lists and not moved into them.
    for (const entry of added.sort(compareEntries)) this.#add(entry)
  }

  select (labels: Labels): Group | undefined {
    let best = this.#firstAt(everywhere, labels)
    for (const [key, value] of labels) {
      const found = this.#firstAt(pair(key, value), labels)
      if (found !== undefined && (best === undefined || compareEntries(found, best) < 0)) best = found
    }
    return best?.group
  }

  #firstAt (place: string, labels: Labels): Entry | undefined {
    return this.#places.get(place)?.find(entry => matches(entry.matcher, labels))
  }

  #add (entry: Entry): void {
    this.#entries.set(entry.file, entry)
    entry.places = this.#placesOf(entry.matcher)
    for (const place of entry.places) {
      const list = this.#places.get(place)
      if (list === undefined) this.#places.set(place, [entry])
      else insert(list, entry)
    }
  }

  #remove (entry: Entry): void {
    this.#entries.delete(entry.file)
    this.#count(entry.matcher, -1)
    for (const place of entry.places) {
      const left = this.#places.get(place)?.filter(other => other !== entry) ?? []
      if (left.length === 0) this.#places.delete(place)
      else this.#places.set(place, left)
    }
  }

  #count (matcher: Matcher, by: 1 | -1): void {
    for (const place of pairsOf(matcher)) add(this.#counts, place, by)
    for (const key of matcher.keys()) add(this.#keys, key, by)
  }

  /** The places of the selector that fewest groups share. An empty value matches an absent label, so no label finds it. */
  #placesOf (matcher: Matcher): readonly string[] {
    let [places, fewest]: [readonly string[], number] = [[everywhere], Number.POSITIVE_INFINITY]
    for (const [key, values] of matcher) {
      if (values.includes('')) continue
      const pairs = [...new Set(values)].map(value => pair(key, value))
      const sharing = Math.max(...pairs.map(p => this.#counts.get(p) ?? 0))
      // Of two that nobody shares yet, the address will stay so.
      if (sharing < fewest || (sharing === fewest && isMacKey(key))) [places, fewest] = [pairs, sharing]
    }
    return places
  }
}

function add (counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}

const pairsOf = (matcher: Matcher): Set<string> => new Set([...matcher].flatMap(([key, values]) => values.map(value => pair(key, value))))

function insert (list: Entry[], entry: Entry): void {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareEntries(list[middle]!, entry) <= 0) low = middle + 1
    else high = middle
  }
  list.splice(low, 0, entry)
}

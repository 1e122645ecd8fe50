// Which releases may go. A pure decision: what something names stays, and of the rest of each channel the newest `keep`.
import type { ImageFolder, Manifest } from './layout.js'
import type { Source } from './source.js'

export interface PruneDecision {
  readonly release: Manifest
  /** Why it stays; undefined for one that may go. */
  readonly kept: string | undefined
}

export interface PruneOptions {
  readonly keep: number
  readonly sources: readonly Source[]
  /** Every text of the store in which a release may be named. */
  readonly texts: readonly string[]
  /** When a machine last fetched something of `flatcar/4230.2.1`, milliseconds since the epoch. */
  readonly fetched: ReadonlyMap<string, number>
  readonly now: number
}

/** Milliseconds for which what a machine fetched stays: it may be in the midst of its boot, or boot that again. */
const fetchedStays = 86_400_000

export function judgeReleases (
  { folder, releases, aliases, links }: Omit<ImageFolder, 'path'>, { keep, sources, texts, fetched, now }: PruneOptions
): readonly PruneDecision[] {
  const counts = new Map<string, number>()
  return releases.map(release => {
    const { version, channel } = release
    // The store goes first: what it names does not use up what is kept besides.
    if (texts.some(text => isNamed(text, version))) return { release, kept: 'the store names it' }
    const count = (counts.get(channel) ?? 0) + 1
    counts.set(channel, count)
    const names = [...aliases, ...links].filter(([, target]) => target === version).map(([name]) => name)
    if (names.length > 0) return { release, kept: `${names.sort().join(', ')} is this one` }
    if (sources.some(source => source.folder === folder && source.pinned === version)) return { release, kept: 'the configuration names it' }
    const last = fetched.get(`${folder}/${version}`)
    // Also one that is stamped in the future: a clock that was set back is no reason to remove anything.
    if (last !== undefined && now - last < fetchedStays) return { release, kept: `a machine fetched it at ${new Date(last).toISOString()}` }
    return { release, kept: count <= keep ? `one of the newest ${keep}` : undefined }
  })
}

/** Whether the text has the version, in a path or beside one, since templates put paths together; 1.2 is not in 1.2.3. */
function isNamed (text: string, version: string): boolean {
  for (let at = text.indexOf(version); at >= 0; at = text.indexOf(version, at + 1)) {
    const before = text[at - 1] ?? ' '
    const after = text.slice(at + version.length, at + version.length + 2)
    if (!/[\d.]/.test(before) && !/^\.?\d/.test(after)) return true
  }
  return false
}

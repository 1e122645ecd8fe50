// Which of two releases is the newer one. A publisher's versions grow, whatever this machine's clock said when they were fetched;
// those of a custom source may be digests, of which only the time of their publication tells.

/** Below 0 when `a` is older than `b`, number by number. */
const compareVersions = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })

export const isOlder = (version: string, than: string): boolean => compareVersions(version, than) < 0

/** `published` is ISO 8601. */
interface DatedVersion { readonly os: string, readonly version: string, readonly published: string }

/** For sorting: the newest first. */
export function newestFirst (a: DatedVersion, b: DatedVersion): number {
  const [byVersion, byTime] = [compareVersions(b.version, a.version), b.published.localeCompare(a.published)]
  if (a.os !== b.os) return a.os < b.os ? -1 : 1
  return a.os === 'custom' ? byTime || byVersion : byVersion || byTime
}

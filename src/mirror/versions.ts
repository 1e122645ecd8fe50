// Which of two releases is the newer one. A publisher's versions grow, whatever this machine's clock said when they were fetched;
// those of a custom source may be digests, of which only the time of their publication tells.
import { compareVersions, isVersion } from '../base/version.js'

/** Below 0 when `a` is older than `b`: by the numbers of versions, and where these do not tell as text, with the numbers in it. */
const inOrder = (a: string, b: string): number =>
  (isVersion(a) && isVersion(b) ? compareVersions(a, b) : 0) || a.localeCompare(b, 'en', { numeric: true })

export const isOlder = (version: string, than: string): boolean => inOrder(version, than) < 0

/** `published` is ISO 8601. */
interface DatedVersion { readonly os: string, readonly version: string, readonly published: string }

/** For sorting: the newest first. */
export function newestFirst (a: DatedVersion, b: DatedVersion): number {
  const [byVersion, byTime] = [inOrder(b.version, a.version), b.published.localeCompare(a.published)]
  if (a.os !== b.os) return a.os < b.os ? -1 : 1
  return a.os === 'custom' ? byTime || byVersion : byVersion || byTime
}

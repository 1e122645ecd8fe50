// What is wrong with the image mirror: sources, keys, releases.
import { AppError, messageOf } from '../base/errors.js'
import { counted } from '../base/units.js'
import type { LoadedConfig } from '../config/load.js'
import type { PinnedKey } from '../mirror/key-store.js'
import type { Mirror } from '../mirror/mirror.js'
import { openTrust } from '../mirror/trust.js'
import { type MirrorContext, openMirror } from '../wiring/open-mirror.js'
import { fine, type Finding, note, problem, warning } from './finding.js'

const day = 86_400_000
/** A source is stale when it was up to date this many intervals ago. */
const staleIntervals = 2

/** A publisher renews a key or its signing subkey once a year, and new releases are signed by what is not pinned yet. */
const endsSoon = 120 * day

/** undefined for a key that will last. */
export function ending ({ fingerprint, expires, signer }: Pick<PinnedKey, 'fingerprint' | 'expires' | 'signer'>, now: number): Finding | undefined {
  const dateOf = (time: number): string => new Date(time).toISOString().slice(0, 10)
  const remedy = `the publisher's newer file goes in with core-provisioner images keys add FILE --fingerprint ${fingerprint}, or in place of the old one; no restart is needed`
  if (signer === undefined) return problem('images', `the key ${fingerprint} holds nothing that signs`)
  if (expires !== undefined && expires <= now) return problem('images', `the key ${fingerprint} ended on ${dateOf(expires)}: ${remedy}`)
  if (signer.expires === undefined || signer.expires > now + endsSoon) return undefined
  const what = signer.isSubkey ? `the subkey ${signer.fingerprint.slice(-16)} that the key ${fingerprint} signs with` : `the key ${fingerprint}`
  return warning('images', signer.expires <= now
    ? `${what} ended on ${dateOf(signer.expires)}: releases from then on are signed with a newer one; ${remedy}`
    : `${what} ends on ${dateOf(signer.expires)}, in ${counted(Math.ceil((signer.expires - now) / day), 'day')}: ${remedy}`)
}

interface Opened { readonly mirror: Mirror, readonly keys: readonly PinnedKey[], readonly findings: readonly Finding[] }

const bad = (text: string, fix?: string): Finding => problem('images', text, fix)

const hasKey = ({ keys: wanted }: Pick<Mirror['sources'][number], 'keys'>, keys: readonly PinnedKey[]): boolean =>
  keys.some(({ fingerprint }) => wanted.length === 0 || wanted.includes(fingerprint))

/** undefined where nothing is mirrored; what is wrong with the files that the configuration names, and sources without a key. */
async function opened (loaded: LoadedConfig, context: MirrorContext): Promise<Opened | readonly Finding[]> {
  const { config } = loaded
  if (config.assets_path === '' || config.images.sources.length === 0) return []
  try {
    const mirror = openMirror(loaded, context)
    const { keys, problems } = await mirror.keys()
    const findings = problems.map(text => bad(text))
    try {
      const trusted = await openTrust({ caFile: config.images.ca_file, caKey: loaded.keyAt(['images', 'ca_file']), env: context.env, onProblem: text => { findings.push(warning('images', `${text}: its authorities are not trusted`)) } })
      trusted()
    } catch (error) {
      findings.push(bad(messageOf(error)))
    }
    for (const source of mirror.sources) {
      const unsigned = source.files.length > 0 && source.files.every(({ signature }) => signature === '')
      if (!hasKey(source, keys) && !unsigned) findings.push(bad(`${source.id} has no key: core-provisioner images keys add FILE --fingerprint FINGERPRINT pins its publisher's`, 'core-provisioner images keys add FILE --fingerprint FINGERPRINT'))
    }
    return { mirror, keys, findings }
  } catch (error) {
    // Whoever starts the service's parts, to look or to serve, is told of a source that can't be by imageSources().
    if (error instanceof AppError) return error.code === 'config_invalid' ? [] : [bad(error.message)]
    throw error
  }
}

/** What keeps releases from being fetched, and nobody from booting what is there: for `check`, which looks at the configuration. */
export async function warnOfImages (loaded: LoadedConfig, context: MirrorContext): Promise<readonly Finding[]> {
  const found = await opened(loaded, context)
  return ('findings' in found ? found.findings : found).map(finding => ({ ...finding, level: 'warning' }))
}

/** Sources that are stale, failing or without a key, keys that end, releases that are damaged. */
export async function diagnoseImages (loaded: LoadedConfig, context: MirrorContext): Promise<readonly Finding[]> {
  const found = await opened(loaded, context)
  if (!('findings' in found)) return found
  const { mirror, keys } = found
  const { config } = loaded
  const now = context.clock.now()
  const findings = [...found.findings]
  for (const key of keys) {
    const finding = ending(key, now)
    if (finding !== undefined) findings.push(finding)
  }
  const { sources, releases } = await mirror.list()
  const limit = staleIntervals * (config.images.interval === 0 ? 30 * day : config.images.interval)
  for (const { source, version, checked, succeeded, error } of sources) {
    const has = hasKey(mirror.sources.find(({ id }) => id === source) ?? { keys: [] }, keys)
    const latest = Math.max(...[checked, succeeded].map(time => Date.parse(time ?? '1970-01-01')))
    if (latest > now + day) findings.push(bad(`${source} was looked at on ${new Date(latest).toISOString().slice(0, 10)}, which has not come yet: this machine's clock was or is wrong`))
    if (error !== undefined) findings.push(bad(`${source} failed at ${error.at}: ${error.text}`))
    if (succeeded === undefined) {
      if (error === undefined && has) findings.push(note('images', `${source} was never fetched: core-provisioner images sync does`, `core-provisioner images sync ${source}`))
    } else if (now - Date.parse(succeeded) > limit) {
      findings.push(bad(`${source} is stale: it was last up to date at ${succeeded}`))
    } else if (error === undefined) {
      findings.push(fine('images', `${source} is at ${version ?? 'nothing'}, as of ${succeeded}`))
    }
  }
  for (const { path, problems: damaged } of releases) {
    for (const text of Object.values(damaged)) findings.push(bad(`${path}: ${text}; core-provisioner images sync fetches it again`))
  }
  return findings
}

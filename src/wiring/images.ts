// The image mirror, made of the configuration: for the service, where it works by itself, and for the commands.
import type { Clock } from '../base/clock.js'
import type { LoadedConfig } from '../config/load.js'
import { AppError, messageOf } from '../base/errors.js'
import type { Snapshot } from '../matchbox/store.js'
import { encodeGroup } from '../matchbox/group.js'
import { encodeProfile } from '../matchbox/profile.js'
import { openSource } from '../mirror/catalog.js'
import { type ImagesShown, Mirror, type ReleaseShown } from '../mirror/mirror.js'
import { Schedule } from '../mirror/schedule.js'
import type { Source } from '../mirror/source.js'
import type { Finding } from './doctor.js'
import type { Shared } from './shared.js'

/** AppError config_invalid says where the source that can't be stands. */
export function imageSources ({ config, where }: LoadedConfig): readonly Source[] {
  const sources: Source[] = []
  for (const [index, entry] of config.images.sources.entries()) {
    const at = `${where(['images', 'sources', index])}: images.sources.${index}: `
    try {
      const source = openSource(entry)
      if (sources.some(({ id }) => id === source.id)) throw new AppError('config_invalid', `${source.id} is there already`)
      sources.push(source)
    } catch (error) {
      if (error instanceof AppError) throw new AppError(error.code, at + error.message)
      throw error
    }
  }
  if (sources.length > 0 && config.assets_path === '') throw new AppError('config_invalid', `${where(['images', 'sources'])}: images.sources: expected none, since assets_path is ""`)
  return sources
}

export interface MirrorContext {
  readonly clock: Clock
  /** Where HTTP_PROXY and its like are. */
  readonly env: Readonly<Record<string, string | undefined>>
}

export function openMirror (loaded: LoadedConfig, { clock, env }: MirrorContext): Mirror {
  const { config: { images, assets_path: assetsPath, state_path: statePath } } = loaded
  const { keys, keep, timeout, max_size: maxSize } = images
  if (assetsPath === '') throw new AppError('config_invalid', 'there is no place for images: assets_path is ""')
  return new Mirror({ assetsPath, statePath, sources: imageSources(loaded), keys, keep, timeout, maxSize, env, clock })
}

/** Every text of the store in which a release may be named, also of what was deleted a moment ago and is still served. */
export function storeTexts ({ forMachines, groups, profiles, configs }: Snapshot): readonly string[] {
  const found = new Set<string>()
  for (const objects of [{ groups, profiles, configs }, forMachines]) {
    for (const group of objects.groups.values()) found.add(encodeGroup(group).toString())
    for (const profile of objects.profiles.values()) found.add(encodeProfile(profile).toString())
    for (const kind of Object.values(objects.configs)) for (const { content } of kind.values()) found.add(content.toString('latin1'))
  }
  return [...found]
}

/** The mirror of the service, with its schedule and metrics; undefined when nothing is or can be mirrored. */
export async function startImages ({ loaded, config, env, clock, log, metrics, store, onClose }: Shared): Promise<Mirror | undefined> {
  if (config.assets_path === '') {
    imageSources(loaded)
    return undefined
  }
  const mirror = openMirror(loaded, { clock, env })
  registerMetrics(mirror, metrics)
  const { interval } = config.images
  if (mirror.sources.length === 0 || interval === 0) return mirror
  const stopping = new AbortController()
  const run = async (): Promise<boolean> => {
    try {
      // First, so that what a machine is booting from outlasts the move of its alias by an interval.
      // A file of the store that can't be read may name any release.
      const pruned = store.problems().length > 0 ? [] : await mirror.prune(storeTexts(store.snapshot))
      for (const { folder, version, kept } of pruned) if (kept === undefined) log.info({ folder, version }, 'images.prune')
      const results = await mirror.sync({
        signal: stopping.signal,
        onResult: ({ source, outcome, version, error }) => {
          if (error === undefined) log[outcome === 'present' ? 'debug' : 'info']({ source, version, outcome }, 'images.sync')
          else if (!stopping.signal.aborted) log.warn({ source, version, code: error.code, error: error.text }, 'images.failed')
        }
      })
      return results.every(({ outcome }) => outcome !== 'failed')
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'images.failed')
      return false
    }
  }
  const { sources } = await mirror.list()
  const times = sources.map(({ checked }) => checked === undefined ? undefined : Date.parse(checked))
  const last = times.includes(undefined) ? undefined : Math.min(...times.map(time => time ?? 0))
  const schedule = new Schedule({ interval, last, clock, random: Math.random, run })
  onClose(async () => {
    stopping.abort()
    await schedule.close()
  })
  return mirror
}

function registerMetrics (mirror: Mirror, metrics: Shared['metrics']): void {
  // All gauges are read at the same moment: the disk is looked at once for them.
  let looking: Promise<ImagesShown> | undefined
  const look = (): Promise<ImagesShown> => {
    looking ??= mirror.list().finally(() => { looking = undefined })
    return looking
  }
  const ofReleases = (name: string, help: string, value: (release: ReleaseShown) => number): void => {
    metrics.gaugesBy(name, help, ['path'], async () => (await look()).releases.map(release => [{ path: release.path }, value(release)]))
  }
  metrics.gaugesBy('image_release_info', 'Mirrored releases: version, links to it, key that it was verified by', ['path', 'version', 'aliases', 'key'],
    async () => (await look()).releases.map(({ path, version, aliases, keys }) => [{ path, version, aliases: aliases.join(','), key: keys.join(',') }, 1]))
  ofReleases('image_release_age_seconds', 'Time since a mirrored release was published here', ({ ageSeconds }) => ageSeconds)
  ofReleases('image_release_bytes', 'Bytes of a mirrored release', ({ bytes }) => bytes)
  ofReleases('image_release_problems', 'Files of a mirrored release that the last verification found bad',
    ({ problems }) => Object.keys(problems).length)
  metrics.gaugesBy('image_source_success_seconds', 'When an image source was last up to date, in seconds since the epoch', ['source'],
    async () => (await look()).sources.map(({ source, succeeded }) => [{ source }, Date.parse(succeeded ?? '1970-01-01T00:00:00Z') / 1000]))
  metrics.gaugesBy('image_source_failed', 'Image sources whose last try failed, by what went wrong', ['source', 'error'],
    async () => (await look()).sources.map(({ source, error }) => [{ source, error: error?.code ?? '' }, error === undefined ? 0 : 1]))
}

const day = 86_400_000
/** A source is stale when it was up to date this many intervals ago. */
const staleIntervals = 2

/** Sources that are stale, failing or without a key, keys that end, releases that are damaged. */
export async function diagnoseImages (loaded: LoadedConfig, context: MirrorContext): Promise<readonly Finding[]> {
  const { config } = loaded
  if (config.assets_path === '' || config.images.sources.length === 0) return []
  const problem = (text: string): Finding => ({ level: 'problem', about: 'images', text })
  let mirror: Mirror
  try {
    mirror = openMirror(loaded, context)
  } catch (error) {
    if (error instanceof AppError) return [problem(error.message)]
    throw error
  }
  const now = context.clock.now()
  const findings: Finding[] = []
  const { keys, problems } = await mirror.keys()
  findings.push(...problems.map(problem))
  for (const { fingerprint, expires } of keys) {
    if (expires === undefined || expires > now + 30 * day) continue
    const date = new Date(expires).toISOString().slice(0, 10)
    findings.push(expires <= now
      ? problem(`the key ${fingerprint} ended on ${date}: images keys add takes the publisher's newer one`)
      : { level: 'note', about: 'images', text: `the key ${fingerprint} ends on ${date}` })
  }
  const { sources, releases } = await mirror.list()
  const limit = staleIntervals * (config.images.interval === 0 ? 30 * day : config.images.interval)
  for (const { source, version, succeeded, error } of sources) {
    const { keys: wanted = [], files = [] } = mirror.sources.find(({ id }) => id === source) ?? {}
    const has = keys.some(({ fingerprint }) => wanted.length === 0 || wanted.includes(fingerprint))
    const unsigned = files.length > 0 && files.every(({ signature }) => signature === '')
    if (!has && !unsigned) findings.push(problem(`${source} has no key: core-provisioner images keys add FILE --fingerprint FINGERPRINT pins its publisher's`))
    if (error !== undefined) findings.push(problem(`${source} failed at ${error.at}: ${error.text}`))
    if (succeeded === undefined) {
      if (error === undefined && has) findings.push({ level: 'note', about: 'images', text: `${source} was never fetched: core-provisioner images sync does` })
    } else if (now - Date.parse(succeeded) > limit) {
      findings.push(problem(`${source} is stale: it was last up to date at ${succeeded}`))
    } else if (error === undefined) {
      findings.push({ level: 'ok', about: 'images', text: `${source} is at ${version ?? 'nothing'}, as of ${succeeded}` })
    }
  }
  for (const { path, problems: bad } of releases) {
    for (const text of Object.values(bad)) findings.push(problem(`${path}: ${text}; core-provisioner images sync fetches it again`))
  }
  return findings
}

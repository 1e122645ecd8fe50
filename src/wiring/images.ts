// The image mirror of the service, where it works by itself: its schedule and its metrics.
import { messageOf } from '../base/errors.js'
import type { Snapshot } from '../matchbox/store.js'
import { encodeGroup } from '../matchbox/group.js'
import { encodeProfile } from '../matchbox/profile.js'
import type { ImagesShown, Mirror, ReleaseShown } from '../mirror/mirror.js'
import { Schedule } from '../mirror/schedule.js'
import { openMirror } from './image-sources.js'
import type { Shared } from './shared.js'

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
export async function startImages ({ loaded, config, env, clock, log, metrics, store, onClose }: Omit<Shared, 'app'>): Promise<Mirror | undefined> {
  if (config.assets_path === '') return undefined
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

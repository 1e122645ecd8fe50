// The image mirror of the service, where it works by itself: its thread, its schedule and its metrics.
import { resolveAsset } from '../assets/aliases.js'
import type { Clock } from '../base/clock.js'
import { messageOf, unwaited } from '../base/errors.js'
import { Links } from '../disk/links.js'
import type { Snapshot, Store } from '../matchbox/store.js'
import { encodeGroup } from '../matchbox/group.js'
import { encodeProfile } from '../matchbox/profile.js'
import { FetchedLog } from '../mirror/fetched.js'
import type { ImagesTold } from '../mirror/images-told.js'
import { RemoteMirror } from '../mirror/remote-mirror.js'
import { Schedule } from '../mirror/schedule.js'
import { KeptImages } from './kept-images.js'
import { mirrorOptions } from './mirror-options.js'
import type { ServiceImages } from './service-images.js'
import type { Shared } from './shared.js'

/** Every text of the store in which a release may be named, also of what was deleted a moment ago and is still served. */
export function * storeTexts ({ forMachines, groups, profiles, configs, shared }: Snapshot): Generator<string> {
  for (const objects of [{ groups, profiles, configs, shared }, forMachines]) {
    for (const group of objects.groups.values()) yield encodeGroup(group).toString()
    for (const profile of objects.profiles.values()) yield encodeProfile(profile).toString()
    for (const kind of [...Object.values(objects.configs), ...Object.values(objects.shared)]) for (const { content } of kind.values()) yield content.toString('latin1')
  }
}

/** Why nothing may be pruned now: what is in use is not known. undefined when it is. */
export function unprunable (store: Pick<Store, 'problems' | 'snapshot'>): string | undefined {
  const [problem] = store.problems()
  // A file that can't be read may name any release.
  if (problem !== undefined) return `${problem.where} can't be read: ${problem.message}`
  const { groups, profiles, configs } = store.snapshot
  const holds = groups.size > 0 || profiles.size > 0 || Object.values(configs).some(kind => kind.size > 0)
  // A folder whose file system is not mounted looks like a store that names nothing.
  return holds ? undefined : 'the store holds no group, profile or config, so nothing tells which releases are in use'
}

/** Milliseconds that what is under way may take to stop. */
const grace = 1500

/** The mirror with its schedule and metrics; undefined when nothing is or can be mirrored. */
export async function startImages (shared: Omit<Shared, 'app' | 'dayTwo' | 'images'>): Promise<ServiceImages | undefined> {
  const { loaded, config, env, clock, log, metrics, store, onClose } = shared
  if (config.assets_path === '') return undefined
  let crashes = 0
  metrics.counter('image_mirror_crashes_total', 'How often the thread of the image mirror ended by an error', () => crashes)
  const mirror = new RemoteMirror({
    mirror: mirrorOptions(loaded, shared.sources, env),
    clock,
    onCrash: error => {
      crashes++
      log.error({ error: error.message, stack: error.stack }, 'images.crash')
    }
  })
  onClose(() => mirror.close())
  const kept = new KeptImages(() => mirror.list(), clock)
  metrics.add(() => kept.last.metrics)
  const fetched = await FetchedLog.open({
    statePath: config.state_path, clock, onError: error => { log.warn({ error: messageOf(error) }, 'images.fetched') }
  })
  onClose(() => fetched.close())
  const images: ServiceImages = {
    list: async () => (await kept.look()).json,
    updates: async () => (await kept.seen()).updates,
    fetched: noteFetched(config.assets_path, fetched, clock)
  }
  const { interval, sources } = config.images
  if (sources.length === 0 || interval === 0) return images

  const stopping = new AbortController()
  const run = async (): Promise<boolean> => {
    try {
      // First, so that what a machine is booting from outlasts the move of its alias by an interval.
      const reason = unprunable(store)
      if (reason !== undefined) log.info({ reason }, 'images.keep')
      const pruned = reason === undefined ? await mirror.prune(storeTexts(store.snapshot)) : []
      for (const { folder, version } of pruned) log.info({ folder, version }, 'images.prune')
      const results = await mirror.sync(({ source, outcome, version, error, unproven = [] }) => {
        kept.forget()
        if (error === undefined) log[outcome === 'present' ? 'debug' : 'info']({ source, version, outcome, ...unproven.length > 0 && { unproven } }, 'images.sync')
        else if (!stopping.signal.aborted) log.warn({ source, version, code: error.code, error: error.text }, 'images.failed')
      })
      return results.every(({ outcome }) => outcome !== 'failed')
    } catch (error) {
      if (!stopping.signal.aborted) log.warn({ error: messageOf(error) }, 'images.failed')
      return false
    } finally {
      kept.forget()
    }
  }
  const begin = (last: number | undefined): Schedule | undefined =>
    stopping.signal.aborted ? undefined : new Schedule({ interval, last, clock, random: Math.random, run })
  // Machines are not to wait for the disk that images are on.
  const schedule = kept.look().then(shown => begin(lastChecked(shown, clock.now())), () => begin(undefined))
  onClose(async () => {
    stopping.abort()
    mirror.stop()
    const impatient = clock.after(grace, () => { unwaited(mirror.close()) })
    await (await schedule)?.close()
    impatient.cancel()
  })
  return images
}

/** When all sources had been looked at; undefined when one never was, or in a future that a clock invented. */
export function lastChecked ({ sources }: Pick<ImagesTold, 'sources'>, now: number): number | undefined {
  const times = sources.map(({ checked = '' }) => Date.parse(checked))
  return times.every(time => time <= now) ? Math.min(...times) : undefined
}

/** Notes releases that machines fetch, by where the links in a path lead. */
function noteFetched (root: string, log: FetchedLog, clock: Clock): (path: string) => void {
  let links = new Links(root)
  let taken = clock.now()
  return path => {
    if (Math.abs(clock.now() - taken) > 1000) {
      taken = clock.now()
      links = new Links(root)
    }
    const real = resolveAsset(links, path).split('/').slice(2, -1)
    if (real.length > 1) log.note(real.join('/'))
  }
}

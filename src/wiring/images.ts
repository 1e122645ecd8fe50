// The image mirror of the service, where it works by itself: its thread, its schedule and its metrics.
import { RealFolders } from '../assets/aliases.js'
import { messageOf, unwaited } from '../base/errors.js'
import { mayNameMore, storeTexts } from '../matchbox/store-texts.js'
import { FetchedLog } from '../mirror/fetched.js'
import { lastChecked } from '../mirror/images-told.js'
import { RemoteMirror, type RemoteMirrorOptions } from '../mirror/remote-mirror.js'
import { Schedule } from '../mirror/schedule.js'
import type { Progress } from '../mirror/sync.js'
import { ListingCache } from '../mirror/listing-cache.js'
import { mirrorOptions } from './mirror-options.js'
import type { ServiceImages } from './service-images.js'
import type { RunningParts } from './running-parts.js'

/** Milliseconds that what is under way may take to stop. */
const grace = 1500

type ImageParts = Pick<RunningParts, 'loaded' | 'config' | 'env' | 'clock' | 'log' | 'metrics' | 'store' | 'sources' | 'fallbacks' | 'onClose'> & { readonly assetDisk: Pick<RunningParts['assetDisk'], 'looks'> }

const ownMirror = (options: RemoteMirrorOptions): Pick<RemoteMirror, 'list' | 'sync' | 'prune' | 'stop' | 'close'> => new RemoteMirror(options)

/** The mirror with its schedule and metrics, where there is a place for images. */
export async function startImages (parts: ImageParts, openMirror = ownMirror): Promise<ServiceImages> {
  const { loaded, config, env, clock, log, metrics, store, onClose } = parts
  let crashes = 0
  metrics.counter('image_mirror_crashes_total', 'How often the thread of the image mirror ended by an error', () => crashes)
  const mirror = openMirror({
    mirror: mirrorOptions(loaded, parts.sources, env),
    clock,
    onCrash: error => {
      crashes++
      log.error({ error: error.message, stack: error.stack }, 'images.crash')
    }
  })
  onClose(() => mirror.close())
  const listing = new ListingCache(() => mirror.list(), clock)
  metrics.add(() => listing.last.metrics)
  const fetched = await FetchedLog.open({
    statePath: config.state_path, clock, onError: error => { log.warn({ error: messageOf(error) }, 'images.fetched') }
  })
  onClose(() => fetched.close())
  const folders = new RealFolders(config.assets_path, clock, parts.assetDisk.looks)
  const underWay = new Map<string, Progress>()
  const images: ServiceImages = {
    underWay: () => [...underWay.values()],
    list: async () => (await listing.look()).json,
    updates: async () => (await listing.seen()).updates,
    fetched: path => {
      const folder = folders.of(path)
      if (folder !== undefined) fetched.note(folder)
    }
  }
  const { interval, sources } = config.images
  if (sources.length === 0 || interval === 0) return images

  const stopping = new AbortController()
  const run = async (): Promise<boolean> => {
    try {
      // First, so that what a machine is booting from outlasts the move of its alias by an interval.
      const reason = mayNameMore(store)
      if (reason !== undefined) log.info({ reason }, 'images.keep')
      const pruned = reason === undefined ? await mirror.prune(storeTexts(store.snapshot)) : []
      for (const { folder, version } of pruned) log.info({ folder, version }, 'images.prune')
      const results = await mirror.sync(({ source, outcome, version, near, error, unproven = [] }) => {
        underWay.delete(source)
        listing.forget()
        if (error === undefined) log[outcome === 'present' ? 'debug' : 'info']({ source, version, outcome, near, ...unproven.length > 0 && { unproven } }, 'images.sync')
        else if (!stopping.signal.aborted) log.warn({ source, version, code: error.code, error: error.text }, 'images.failed')
      }, progress => { underWay.set(progress.source, progress) }, parts.fallbacks.others(undefined).map(({ origin }) => origin))
      return results.every(({ outcome }) => outcome !== 'failed')
    } catch (error) {
      if (!stopping.signal.aborted) log.warn({ error: messageOf(error) }, 'images.failed')
      return false
    } finally {
      underWay.clear()
      listing.forget()
    }
  }
  const begin = (last: number | undefined): Schedule | undefined =>
    stopping.signal.aborted ? undefined : new Schedule({ interval, last, clock, random: Math.random, run })
  // Machines are not to wait for the disk that images are on.
  const schedule = listing.look().then(shown => begin(lastChecked(shown, clock.now())), () => begin(undefined))
  onClose(async () => {
    stopping.abort()
    mirror.stop()
    const impatient = clock.after(grace, () => { unwaited(mirror.close()) })
    await (await schedule)?.close()
    impatient.cancel()
  })
  return images
}

// What is measured of mirrored images. The mirror's thread looks at the disk; what it saw last is kept, so that whoever reads
// the metrics waits for no disk and makes nobody wait.
import type { Clock } from '../base/clock.js'
import type { Metrics } from '../base/metrics.js'
import type { ImagesShown, ReleaseShown } from '../mirror/mirror.js'

/** Milliseconds after which what is kept is looked for again, for the next who reads: others may have changed the folders. */
const keptFor = 60_000

export class KeptImages {
  readonly #list: () => Promise<ImagesShown>
  readonly #clock: Clock
  #shown: ImagesShown = { sources: [], releases: [] }
  #at: number | undefined
  #looking: Promise<ImagesShown> | undefined

  constructor (list: () => Promise<ImagesShown>, clock: Clock) {
    this.#list = list
    this.#clock = clock
  }

  /** As it is now. */
  async look (): Promise<ImagesShown> {
    this.#at = this.#clock.now()
    this.#looking ??= this.#list().then(shown => { this.#shown = shown; return shown }).finally(() => { this.#looking = undefined })
    return await this.#looking
  }

  /** Something changed. */
  forget (): void {
    this.#at = undefined
    void this.look().catch(() => {})
  }

  /** As it was last seen. */
  get last (): ImagesShown {
    if (this.#at === undefined || Math.abs(this.#clock.now() - this.#at) > keptFor) void this.look().catch(() => {})
    return this.#shown
  }

  get now (): number { return this.#clock.now() }
}

export function registerImageMetrics (kept: KeptImages, metrics: Metrics): void {
  const ofReleases = (name: string, help: string, value: (release: ReleaseShown) => number): void => {
    metrics.gaugesBy(name, help, ['path'], async () => kept.last.releases.map(release => [{ path: release.path }, value(release)]))
  }
  metrics.gaugesBy('image_release_info', 'Mirrored releases: version, links to it, key that it was verified by', ['path', 'version', 'aliases', 'key'],
    async () => kept.last.releases.map(({ path, version, aliases, keys }) => [{ path, version, aliases: aliases.join(','), key: keys.join(',') }, 1]))
  ofReleases('image_release_age_seconds', 'Time since a mirrored release was published here', ({ published }) => Math.max(0, (kept.now - Date.parse(published)) / 1000))
  ofReleases('image_release_bytes', 'Bytes of a mirrored release', ({ bytes }) => bytes)
  ofReleases('image_release_problems', 'Files of a mirrored release that the last verification found bad',
    ({ problems }) => Object.keys(problems).length)
  metrics.gaugesBy('image_source_success_seconds', 'When an image source was last up to date, in seconds since the epoch', ['source'],
    async () => kept.last.sources.map(({ source, succeeded }) => [{ source }, Date.parse(succeeded ?? '1970-01-01T00:00:00Z') / 1000]))
  metrics.gaugesBy('image_source_failed', 'Image sources whose last try failed, by what went wrong', ['source', 'error'],
    async () => kept.last.sources.map(({ source, error }) => [{ source, error: error?.code ?? '' }, error === undefined ? 0 : 1]))
}

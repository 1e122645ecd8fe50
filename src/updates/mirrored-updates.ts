// What the image mirror holds of updates: payloads of releases that are whole, and Fedora's documents of its streams.
import { stat } from 'node:fs/promises'
import { AppError, messageOf } from '../base/errors.js'
import { readWhole } from '../disk/whole-file.js'
import type { UpdateRelease } from '../mirror/images-told.js'
import { compareVersions, isVersion } from '../base/version.js'
import { type FedoraStream, readFedoraStream } from './fedora-releases.js'
import type { Instance } from './instance.js'
import type { MirroredUpdates } from './updates.js'

/** Milliseconds between two looks at the documents of Fedora's streams. */
const lookEvery = 5000

const streams = ['stable', 'testing', 'next'] as const

export interface MirroredOptions {
  /** Releases that installed machines may update to, as the mirror saw them last; the same list as long as they are the same. */
  readonly releases?: (() => Promise<readonly UpdateRelease[]>) | undefined
  /** Where Fedora's two documents of a stream are: its releases, and its updates. */
  readonly documentsOf?: ((stream: string) => readonly [releases: string, updates: string]) | undefined
  readonly onProblem: (error: AppError) => void
}

/** What the mirror has, as policy asks for it. */
export class Mirrored implements MirroredUpdates {
  readonly #options: MirroredOptions
  readonly #streams = new Map<string, { stamp: string, stream: FedoraStream | undefined }>()
  #looked = -Infinity
  /** The list that `#releases` was made of. */
  #told: readonly UpdateRelease[] | undefined
  #releases: ReadonlyMap<string, ReadonlyMap<string, UpdateRelease>> = new Map()

  constructor (options: MirroredOptions) { this.#options = options }

  newest (os: Instance['os'], channel: string, arch: string): string | undefined {
    const ours = [...this.#by(os, arch).values()].filter(release => release.channel === channel).map(({ version }) => version)
    return ours.sort(compareVersions).at(-1)
  }

  find (os: Instance['os'], version: string, arch: string): ReturnType<MirroredUpdates['find']> {
    const release = this.#by(os, arch).get(version)
    const [first, ...rest] = (release?.files ?? []).map(({ name, bytes, sha1 = '', sha256 }) => ({ name, bytes, sha1: base64(sha1), sha256: base64(sha256) }))
    return release === undefined || first === undefined ? undefined : { version, packages: [first, ...rest], path: `${release.path}/` }
  }

  fedora (stream: string): FedoraStream | undefined { return this.#streams.get(stream)?.stream }

  #by (os: Instance['os'], arch: string): ReadonlyMap<string, UpdateRelease> { return this.#releases.get(`${os} ${arch}`) ?? new Map() }

  /** What was seen last of the images, and again what has changed of the documents of Fedora's streams. `now` in milliseconds. */
  async look (now: number): Promise<void> {
    await Promise.all([this.#lookAtReleases(), this.#lookAtStreams(now)])
  }

  async #lookAtReleases (): Promise<void> {
    // The mirror itself tells of what keeps it from looking.
    const told = await this.#options.releases?.().catch(() => undefined)
    if (told === undefined || told === this.#told) return
    this.#told = told
    const releases = new Map<string, Map<string, UpdateRelease>>()
    for (const release of told) {
      if (!isVersion(release.version)) continue
      const key = `${release.os} ${release.arch}`
      if (!releases.has(key)) releases.set(key, new Map())
      releases.get(key)?.set(release.version, release)
    }
    this.#releases = releases
  }

  async #lookAtStreams (now: number): Promise<void> {
    const { documentsOf, onProblem } = this.#options
    if (documentsOf === undefined || Math.abs(now - this.#looked) < lookEvery) return
    this.#looked = now
    for (const name of streams) {
      const paths = documentsOf(name)
      const stamp = (await Promise.all(paths.map(async path => await stat(path).then(({ mtimeMs, size, ino }) => `${mtimeMs}:${size}:${ino}`, () => '')))).join()
      const known = this.#streams.get(name)
      if (stamp === (known?.stamp ?? ',')) continue
      try {
        const [releases = '', updates = ''] = await Promise.all(paths.map(async path => (await readWhole(path, 'lists')).toString()))
        this.#streams.set(name, { stamp, stream: readFedoraStream(name, { releases, updates }, paths[0]) })
      } catch (error) {
        // The last good ones stay in force.
        this.#streams.set(name, { stamp, stream: known?.stream })
        onProblem(error instanceof AppError ? error : new AppError('read_failed', `${paths.join(' and ')} can't be read: ${messageOf(error)}`))
      }
    }
  }
}

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')

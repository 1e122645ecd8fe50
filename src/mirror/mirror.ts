// The image mirror's use cases: sync, list, verify and prune, for the service and the command line alike. What they know
// is on disk, so that either sees what the other did; a lock on each folder of images keeps them out of each other's way.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecureContext } from 'node:tls'
import type { Clock } from '../base/clock.js'
import { AppError, messageOf } from '../base/errors.js'
import { checkFile } from '../openpgp/verify.js'
import { aliasesOf } from './aliases.js'
import type { FetchContext } from './fetch-release.js'
import { readFetched } from './fetched.js'
import { lockFolder } from '../disk/folder-lock.js'
import { readWhole } from '../disk/whole-file.js'
import { type ConfiguredKey, type KeyStore, loadKeys } from './key-store.js'
import { type ImageFolder, lockPath, type Manifest, readFolders, removeDeadLinks, removeRelease } from './layout.js'
import { judgeReleases } from './prune.js'
import type { Source } from './source.js'
import { type FolderState, readOwnState, readState, writeState } from './state.js'
import { syncSources, type SyncOptions, type SyncResult } from './sync.js'
import { openTrust } from './trust.js'

export interface MirrorOptions {
  readonly assetsPath: string
  readonly statePath: string
  readonly sources: readonly Source[]
  /** Key files with the fingerprint of the one key in each that counts. */
  readonly keys: readonly ConfiguredKey[]
  readonly keep: number
  /** Milliseconds without a byte. */
  readonly timeout: number
  /** Bytes of one file. */
  readonly maxSize: number
  /** Of further certificate authorities; '' for none. */
  readonly caFile: string
  /** What its key is called, with its place. */
  readonly caKey: string
  /** Where the proxies are named. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
}

/** Times are ISO 8601, ages seconds. */
export interface SourceShown {
  readonly source: string
  readonly os: string
  readonly channel: string
  readonly arch: string
  readonly folder: string
  readonly from: string
  /** What is published of it now. */
  readonly version?: string
  readonly checked?: string
  readonly succeeded?: string
  readonly error?: { readonly at: string, readonly code: string, readonly text: string }
  /** What nothing that is signed says of what is published. */
  readonly unproven?: readonly string[]
}

export interface ReleaseShown extends Omit<Manifest, 'source'> {
  readonly source: string
  /** Where machines find it: `/assets/flatcar/4230.2.1`. */
  readonly path: string
  readonly aliases: readonly string[]
  readonly bytes: number
  readonly ageSeconds: number
  /** Fingerprints of the keys that its signatures are by. */
  readonly keys: readonly string[]
  /** The last verification of what is on disk: at publication, or later. */
  readonly verified: string
  readonly problems: Readonly<Record<string, string>>
}

export interface ImagesShown { readonly sources: readonly SourceShown[], readonly releases: readonly ReleaseShown[] }

export interface VerifiedRelease {
  readonly folder: string
  readonly version: string
  readonly bytes: number
  readonly keys: readonly string[]
  readonly problems: Readonly<Record<string, string>>
  readonly notes: readonly string[]
}

export interface PrunedRelease {
  readonly folder: string
  readonly version: string
  readonly bytes: number
  /** Why it stays; undefined for one that was removed. */
  readonly kept: string | undefined
}

export class Mirror {
  readonly #options: MirrorOptions
  constructor (options: MirrorOptions) { this.#options = options }

  get sources (): readonly Source[] { return this.#options.sources }

  keys (): Promise<KeyStore> { return loadKeys(keyFolder(this.#options.statePath), this.#options.keys) }

  /** Brings every source up to date; what goes wrong with one is its result. */
  async sync (options: SyncOptions): Promise<readonly SyncResult[]> {
    const { caFile, caKey, env } = this.#options
    let trusted: Promise<() => SecureContext> | undefined
    return await syncSources({
      ...this.#options,
      keys: () => this.keys(),
      trusted: () => {
        trusted ??= openTrust({ caFile, caKey, env })
        return trusted
      },
      locked: (folder, work) => this.#locked(folder, work)
    }, options)
  }

  /** What is on disk and what is known of it. */
  async list (): Promise<ImagesShown> {
    const { sources, statePath, clock } = this.#options
    const folders = await this.#folders()
    const states = new Map<string, FolderState>()
    for (const { folder } of folders) states.set(folder, await readState(statePath, folder))
    return {
      sources: sources.map(source => {
        const found = folders.find(({ folder }) => folder === source.folder)
        const version = found?.aliases.get(aliasesOf(source, sources)[0] ?? '') ?? source.pinned ?? states.get(source.folder)?.sources[source.id]?.version
        const published = found?.releases.some(release => release.version === version) === true
        const { checked, succeeded, error, unproven = [] } = states.get(source.folder)?.sources[source.id] ?? {}
        const { id, os, channel, arch, folder, baseUrl: from } = source
        return {
          source: id,
          os,
          channel,
          arch,
          folder,
          from,
          ...published && version !== undefined && { version },
          ...checked !== undefined && { checked },
          ...succeeded !== undefined && { succeeded },
          ...error !== undefined && { error },
          ...unproven.length > 0 && { unproven }
        }
      }),
      releases: folders.flatMap(({ folder, releases, aliases }) => releases.map(release => {
        const known = states.get(folder)?.releases[release.version]
        return {
          ...release,
          path: `/assets/${folder}/${release.version}`,
          aliases: [...aliases].filter(([, target]) => target === release.version).map(([name]) => name).sort(),
          bytes: bytesOf(release),
          ageSeconds: Math.max(0, Math.round((clock.now() - Date.parse(release.published)) / 1000)),
          keys: keysOf(release),
          verified: known?.verified ?? release.published,
          problems: known?.problems ?? {}
        }
      }))
    }
  }

  /** Reads every published file again and judges it as at its publication, but for keys that have ended since. */
  async verify (onRelease: (release: VerifiedRelease) => void = () => {}): Promise<readonly VerifiedRelease[]> {
    const keys = (await this.keys()).keys.map(({ key }) => key)
    const results: VerifiedRelease[] = []
    for (const { folder, path, releases } of await this.#folders()) {
      if (releases.length === 0) continue
      await this.#locked(folder, async (state, save) => {
        const verified: Record<string, FolderState['releases'][string]> = {}
        for (const release of releases) {
          const problems: Record<string, string> = {}
          const damaged: string[] = []
          const notes: string[] = []
          for (const file of release.files) {
            try {
              const checked = await this.#verifyFile(join(path, release.version), file, keys)
              if (checked !== undefined) notes.push(`${file.name}: ${checked}`)
            } catch (error) {
              problems[file.name] = messageOf(error)
              if (!(error instanceof AppError && ['image_key_missing', 'image_key_expired'].includes(error.code))) damaged.push(file.name)
            }
          }
          verified[release.version] = { verified: new Date(this.#options.clock.now()).toISOString(), problems, damaged }
          const result = { folder, version: release.version, bytes: bytesOf(release), keys: keysOf(release), problems, notes }
          results.push(result)
          onRelease(result)
        }
        await save({ ...state, releases: verified })
      })
    }
    return results
  }

  async #verifyFile (releasePath: string, file: Manifest['files'][number], keys: FetchContext['keys']): Promise<string | undefined> {
    const path = join(releasePath, file.name)
    const signature = file.signature === undefined ? undefined : await readSignature(join(releasePath, file.signature), path)
    const missing = await stat(path).then(() => false, () => true)
    if (missing) throw new AppError('images_damaged', `${path} is missing`)
    const { sha256, signedBy } = await checkFile(path, { signature, keys, now: this.#options.clock.now(), allowExpired: true })
    if (sha256 !== file.sha256) throw new AppError('image_digest_wrong', `${path}: its SHA-256 is ${sha256}, and was ${file.sha256}`)
    return signedBy?.expired === true ? `signed by ${signedBy.fingerprint}, which has ended since` : undefined
  }

  /**
   * Removes releases that nothing names. `texts` are those of the store. AppError read_failed when not all links can be seen
   * that may lead to one. `dryRun` only tells.
   */
  async prune (texts: readonly string[], { dryRun = false } = {}): Promise<readonly PrunedRelease[]> {
    const { keep, sources, statePath, clock } = this.#options
    const strictly = (problem: AppError): void => { throw problem }
    const results: PrunedRelease[] = []
    for (const { folder, releases: before } of await this.#folders()) {
      if (before.length === 0) continue
      await this.#locked(folder, async (state, save) => {
        const found = (await this.#folders(strictly)).find(candidate => candidate.folder === folder)
        if (found === undefined) return
        const releases = { ...state.releases }
        const fetched = await readFetched(statePath)
        for (const { release, kept } of judgeReleases(found, { keep, sources, texts, fetched, now: clock.now() })) {
          const { version } = release
          if (kept === undefined && !dryRun) {
            await removeRelease(join(found.path, version))
            delete releases[version]
          }
          results.push({ folder, version, bytes: bytesOf(release), kept })
        }
        if (dryRun) return
        await removeDeadLinks(found.path)
        await save({ ...state, releases })
      })
    }
    return results
  }

  async #folders (onProblem?: (problem: AppError) => void): Promise<readonly ImageFolder[]> {
    const { assetsPath, sources } = this.#options
    return await readFolders(assetsPath, [...new Set(sources.map(({ folder }) => folder))], onProblem)
  }

  /** Runs `work` as the only one that changes the folder; it saves what it has learnt. */
  async #locked<T> (folder: string, work: (state: FolderState, save: (state: FolderState) => Promise<void>) => Promise<T>): Promise<T> {
    const { assetsPath, statePath } = this.#options
    const unlock = await lockFolder(lockPath(join(assetsPath, folder)))
    try {
      return await work(await readOwnState(statePath, folder), state => writeState(statePath, folder, state))
    } finally {
      await unlock()
    }
  }
}

export const keyFolder = (statePath: string): string => join(statePath, 'images', 'keys')

const bytesOf = ({ files }: Manifest): number => files.reduce((sum, { bytes }) => sum + bytes, 0)
const keysOf = ({ files }: Manifest): readonly string[] => [...new Set(files.flatMap(({ key }) => key ?? []))]

const readSignature = async (path: string, of: string): Promise<Buffer> => await readWhole(path, 'credentials').catch((error: unknown) => {
  throw new AppError('image_signature_missing', `the signature of ${of} can't be read: ${messageOf(error)}`)
})

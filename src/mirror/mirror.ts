// The image mirror's use cases: sync, list, verify and prune, for the service and the command line alike. What they know
// is on disk, so that either sees what the other did; a lock on each folder of images keeps them out of each other's way.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import { AppError, messageOf } from '../base/errors.js'
import { checkFile } from '../openpgp/verify.js'
import { aliasesOf } from './aliases.js'
import { findRelease } from './catalog.js'
import { type FetchContext, fetchRelease, type Outcome } from './fetch-release.js'
import { lockFolder } from './folder-lock.js'
import { HttpClient } from './http-client.js'
import { type KeyStore, loadKeys, type PinnedKey } from './key-store.js'
import { type ImageFolder, lockPath, type Manifest, moveLink, readFolders, removeDeadLinks, removeRelease } from './layout.js'
import { judgeReleases } from './prune.js'
import type { Source } from './source.js'
import { type FolderState, readState, type SourceState, writeState } from './state.js'

export interface MirrorOptions {
  readonly assetsPath: string
  readonly statePath: string
  readonly sources: readonly Source[]
  /** Key files with the fingerprint of the one key in each that counts. */
  readonly keys: ReadonlyArray<Pick<PinnedKey, 'file' | 'fingerprint'>>
  readonly keep: number
  /** Milliseconds without a byte. */
  readonly timeout: number
  /** Bytes of one file. */
  readonly maxSize: number
  /** Where the proxies are named. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
}

export interface Progress {
  readonly source: string
  readonly version: string
  readonly file: string
  readonly received: number
  readonly total: number | undefined
}

export interface SyncResult {
  readonly source: string
  readonly outcome: Outcome | 'failed'
  readonly version?: string
  readonly error?: { readonly code: string, readonly text: string }
}

export interface SyncOptions {
  readonly signal: AbortSignal
  readonly onProgress?: (progress: Progress) => void
  readonly onResult?: (result: SyncResult) => void
}

interface SourceOptions extends Required<Pick<SyncOptions, 'signal' | 'onProgress'>> { readonly client: HttpClient }

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

  /** Brings every source up to date, one after the other; what goes wrong with one is its result. */
  async sync ({ signal, onProgress = () => {}, onResult = () => {} }: SyncOptions): Promise<readonly SyncResult[]> {
    const { sources, env, timeout, clock } = this.#options
    const client = new HttpClient({ env, timeout, clock, signal })
    const results: SyncResult[] = []
    for (const source of sources) {
      if (signal.aborted) break
      const result = await this.#syncSource(source, { client, signal, onProgress })
      results.push(result)
      onResult(result)
    }
    return results
  }

  async #syncSource (source: Source, { client, signal, onProgress }: SourceOptions): Promise<SyncResult> {
    const { clock, timeout, maxSize, assetsPath } = this.#options
    const folderPath = join(assetsPath, source.folder)
    return await this.#locked(source.folder, async (state, save) => {
      let version: string | undefined
      const note = async (change: Partial<SourceState>, releases = state.releases): Promise<void> => {
        const before = state.sources[source.id]
        const checked = new Date(clock.now()).toISOString()
        await save({ sources: { ...state.sources, [source.id]: { ...before, checked, ...change } }, releases })
      }
      try {
        const { keys, problems } = await this.keys()
        const allowed = keys.filter(({ fingerprint }) => source.keys.length === 0 || source.keys.includes(fingerprint))
        if (allowed.length === 0 && source.files.every(({ signature }) => signature !== '')) {
          throw new AppError('image_key_missing', `no key is pinned that could have signed ${source.id}; core-provisioner images keys add FILE --fingerprint FINGERPRINT${problems.map(text => ` (${text})`).join('')}`)
        }
        const release = await findRelease(source, client)
        version = release.version
        const context: FetchContext = {
          client,
          clock,
          timeout,
          maxSize,
          signal,
          keys: allowed.map(({ key }) => key),
          onProgress: (file, received, total) => { onProgress({ source: source.id, version: release.version, file, received, total }) }
        }
        const outcome = await fetchRelease(source, release, folderPath, state.releases[version]?.damaged ?? [], context)
        // Those who go by the publisher's file names alone find them in the folder, as Matchbox's script lays them out.
        if (source.os === 'fedora-coreos') await linkFlat(folderPath, version, release.files.map(({ name }) => name))
        for (const alias of aliasesOf(source, this.#options.sources)) await moveLink(folderPath, alias, version)
        const now = new Date(clock.now()).toISOString()
        const releases = outcome === 'present' ? state.releases : { ...state.releases, [version]: { verified: now, problems: {}, damaged: [] } }
        await note({ succeeded: now, version, error: undefined }, releases)
        return { source: source.id, outcome, version }
      } catch (error) {
        const failed = failure(source, version, signal.aborted ? new AppError('image_download_failed', `${source.id}: stopped before it was done`) : error)
        const { code, text } = failed.error
        // The state may stand on the very disk that is full: the answer matters more.
        await note({ error: { at: new Date(clock.now()).toISOString(), code, text } }).catch(() => {})
        return failed
      }
    }).catch((error: unknown) => failure(source, undefined, error))
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
        const { checked, succeeded, error } = states.get(source.folder)?.sources[source.id] ?? {}
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
          ...error !== undefined && { error }
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

  /** Removes releases that nothing names. `texts` are those of the store. */
  async prune (texts: readonly string[]): Promise<readonly PrunedRelease[]> {
    const { keep, sources } = this.#options
    const results: PrunedRelease[] = []
    for (const { folder, releases: before } of await this.#folders()) {
      if (before.length === 0) continue
      await this.#locked(folder, async (state, save) => {
        const found = (await this.#folders()).find(candidate => candidate.folder === folder)
        if (found === undefined) return
        const releases = { ...state.releases }
        for (const { release, kept } of judgeReleases(found, { keep, sources, texts })) {
          const { version } = release
          if (kept === undefined) {
            await removeRelease(join(found.path, version))
            delete releases[version]
          }
          results.push({ folder, version, bytes: bytesOf(release), kept })
        }
        await removeDeadLinks(found.path)
        await save({ ...state, releases })
      })
    }
    return results
  }

  async #folders (): Promise<readonly ImageFolder[]> {
    const { assetsPath, sources } = this.#options
    return await readFolders(assetsPath, [...new Set(sources.map(({ folder }) => folder))])
  }

  /** Runs `work` as the only one that changes the folder; it saves what it has learnt. */
  async #locked<T> (folder: string, work: (state: FolderState, save: (state: FolderState) => Promise<void>) => Promise<T>): Promise<T> {
    const { assetsPath, statePath } = this.#options
    const unlock = await lockFolder(lockPath(join(assetsPath, folder)))
    try {
      return await work(await readState(statePath, folder), state => writeState(statePath, folder, state))
    } finally {
      await unlock()
    }
  }
}

export const keyFolder = (statePath: string): string => join(statePath, 'images', 'keys')

const bytesOf = ({ files }: Manifest): number => files.reduce((sum, { bytes }) => sum + bytes, 0)
const keysOf = ({ files }: Manifest): readonly string[] => [...new Set(files.flatMap(({ key }) => key ?? []))]

function failure (source: Source, version: string | undefined, error: unknown): SyncResult & Required<Pick<SyncResult, 'error'>> {
  const { code, message } = error instanceof AppError ? error : new AppError('write_failed', messageOf(error))
  return { source: source.id, outcome: 'failed', ...version !== undefined && { version }, error: { code, text: message } }
}

async function linkFlat (folderPath: string, version: string, names: readonly string[]): Promise<void> {
  for (const name of names) await moveLink(folderPath, name, `${version}/${name}`)
}

const readSignature = async (path: string, of: string): Promise<Buffer> => await readFile(path).catch((error: unknown) => {
  throw new AppError('image_signature_missing', `the signature of ${of} can't be read: ${messageOf(error)}`)
})

// All sources brought up to date: a few at a time, those of one folder one after the other, who was slow last time last.
import { join } from 'node:path'
import type { SecureContext } from 'node:tls'
import type { Clock } from '../base/clock.js'
import { AppError, type ErrorCode, messageOf } from '../base/errors.js'
import { aliasesOf } from './aliases.js'
import { findRelease } from './catalog.js'
import { type FetchContext, fetchRelease, type FetchOutcome } from './fetch-release.js'
import { keepStreamMetadata } from './update-files.js'
import { HttpClient } from './http-client.js'
import type { KeyStore } from './key-store.js'
import { moveLink, readFolder } from './layout.js'
import type { ProxyEnvironment } from './proxy.js'
import { Siblings } from './siblings.js'
import type { Release, Source, WantedFile } from './source.js'
import { type FolderState, readState, type SourceState } from './state.js'
import { isOlder } from './versions.js'

export interface Progress {
  readonly source: string
  readonly version: string
  readonly file: string
  readonly received: number
  readonly total: number | undefined
}

export interface SyncResult {
  readonly source: string
  readonly outcome: FetchOutcome | 'failed'
  readonly version?: string
  /** How many of its files came from siblings. */
  readonly near?: number
  /** Of a release that was fetched: what nothing that is signed says of it. */
  readonly unproven?: readonly string[]
  readonly error?: { readonly code: ErrorCode, readonly text: string }
}

export interface SyncOptions {
  readonly signal: AbortSignal
  /** Takes a release that is older than the one that is published. */
  readonly allowOlder?: boolean
  /** Origins of other provisioners, which may have what is published already: `http://10.0.0.3:8080`. */
  readonly siblings?: readonly string[]
  /** A sibling was of no help, and is asked no more for this release. */
  readonly onSibling?: (origin: string, reason: string) => void
  /** The ids of those that are wanted; all without it. */
  readonly only?: ReadonlySet<string> | undefined
  readonly onProgress?: (progress: Progress) => void
  readonly onResult?: (result: SyncResult) => void
}

export interface SyncContext {
  readonly assetsPath: string
  readonly statePath: string
  readonly sources: readonly Source[]
  readonly timeout: number
  readonly maxSize: number
  readonly env: ProxyEnvironment
  readonly clock: Clock
  readonly keys: () => Promise<KeyStore>
  readonly trusted: () => Promise<() => SecureContext>
  /** Runs `work` as the only one that changes the folder. */
  readonly locked: <T>(folder: string, work: (state: FolderState, save: (state: FolderState) => Promise<void>) => Promise<T>) => Promise<T>
}

/**
 * Folders that are worked on at a time; one of which nothing came within `silentAfter` milliseconds, or that takes longer than `longAfter`,
 * does not count any more.
 */
const foldersAtOnce = 3
const silentAfter = 2000
const longAfter = 600_000

/** The results in the order of the sources; what goes wrong with one is its result. */
export async function syncSources (context: SyncContext, options: SyncOptions): Promise<readonly SyncResult[]> {
  const { signal, only, allowOlder = false, siblings = [], onSibling = () => {}, onProgress = () => {}, onResult = () => {} } = options
  const { sources, statePath } = context
  const slowness = new Map<Source, number>()
  for (const source of sources) slowness.set(source, (await readState(statePath, source.folder)).sources[source.id]?.seconds ?? 0)
  const of = (source: Source): number => slowness.get(source) ?? 0
  const folders = [...new Set(sources.map(({ folder }) => folder))]
    .map(folder => sources.filter(({ folder: own, id }) => own === folder && only?.has(id) !== false).sort((a, b) => of(a) - of(b)))
    .filter(wanted => wanted.length > 0)
    .sort((a, b) => Math.max(...a.map(of)) - Math.max(...b.map(of)))
  const results = new Map<Source, SyncResult>()
  const workers: Array<Promise<void>> = []
  const worker = async (): Promise<void> => {
    let replaced = false
    while (!replaced && !signal.aborted) {
      const folder = folders.shift()
      if (folder === undefined) return
      let heard = false
      const replace = (): void => {
        if (replaced) return
        replaced = true
        workers.push(worker())
      }
      const silence = context.clock.after(silentAfter, () => { if (!heard) replace() })
      const long = context.clock.after(longAfter, replace)
      const looks = folder.map(source => ({ source, began: context.clock.now(), look: lookAt(source, context, signal) }))
      for await (const looked of inTurn(looks)) {
        const result = await syncSource(looked, context, {
          signal,
          allowOlder,
          siblings,
          onSibling,
          onProgress: progress => {
            heard = true
            onProgress(progress)
          }
        })
        results.set(looked.source, result)
        onResult(result)
      }
      silence.cancel()
      long.cancel()
    }
  }
  for (let i = 0; i < foldersAtOnce; i++) workers.push(worker())
  for (let i = 0; i < workers.length; i++) await workers[i]
  return sources.map(source => results.get(source)).filter(result => result !== undefined)
}

/** What its publisher has now, and what is asked of it with. */
interface Look { readonly client: HttpClient, readonly keys: KeyStore['keys'], readonly release: Release }

async function lookAt (source: Source, context: SyncContext, signal: AbortSignal): Promise<Look> {
  const { clock, timeout, env } = context
  const { keys: pinned, problems } = await context.keys()
  const keys = pinned.filter(({ fingerprint }) => source.keys.length === 0 || source.keys.includes(fingerprint))
  if (keys.length === 0 && source.files.every(({ signature }) => signature !== '')) {
    throw new AppError('image_key_missing', `no key is pinned that could have signed ${source.id}; core-provisioner images keys add FILE --fingerprint FINGERPRINT${problems.map(text => ` (${text})`).join('')}`)
  }
  const [{ authorization }, secureContext] = [source, await context.trusted()]
  const client = new HttpClient({ env, timeout, clock, signal, authorization, secureContext })
  return { client, keys, release: await findRelease(source, client) }
}

interface Looked { readonly source: Source, readonly began: number, readonly look: Promise<Look> }

/** As their publishers answer: one that is silent holds up none of the others. */
async function * inTurn (looks: readonly Looked[]): AsyncGenerator<Looked> {
  const left = new Map(looks.map(looked => {
    const settled = looked.look.then(() => looked, () => looked)
    return [looked, settled]
  }))
  while (left.size > 0) {
    const looked = await Promise.race(left.values())
    left.delete(looked)
    yield looked
  }
}

type SourceOptions = Required<Omit<SyncOptions, 'onResult' | 'only'>>

async function syncSource ({ source, began, look }: Looked, context: SyncContext, options: SourceOptions): Promise<SyncResult> {
  const { signal, allowOlder, siblings, onSibling, onProgress } = options
  const { clock, timeout, maxSize, assetsPath, sources } = context
  const folderPath = join(assetsPath, source.folder)
  return await context.locked(source.folder, async (state, save) => {
    const before = state.sources[source.id]
    let version: string | undefined
    const note = async (change: Partial<SourceState>, releases = state.releases): Promise<void> => {
      const now = clock.now()
      const seconds = Math.max(0, Math.round((now - began) / 1000))
      const known: SourceState = { ...before, checked: new Date(now).toISOString(), seconds, ...change }
      await save({ sources: { ...state.sources, [source.id]: known }, releases })
    }
    try {
      const { client, keys, release } = await look
      version = release.version
      const { releases: published, aliases } = await readFolder(folderPath)
      const has = before?.version ?? aliases.get(aliasesOf(source, sources)[0] ?? '')
      if (!allowOlder && source.pinned === undefined && source.os !== 'custom' && has !== undefined && isOlder(version, has)) {
        throw new AppError('image_older', `${source.id}: its publisher offers ${version}, which is older than ${has}, which is published here; core-provisioner images sync --allow-older takes it`)
      }
      const fetching: FetchContext = {
        client,
        clock,
        timeout,
        maxSize,
        signal,
        keys: keys.map(({ key }) => key),
        before,
        published,
        siblings: new Siblings({ origins: siblings, clock, timeout, maxSize, signal, onFailure: onSibling }),
        onProgress: (file, received, total) => { onProgress({ source: source.id, version: release.version, file, received, total }) }
      }
      const damaged = state.releases[version]?.damaged ?? []
      const { outcome, near = 0, statements } = await fetchRelease(source, release, folderPath, damaged, fetching)
      // Those who go by the publisher's file names alone find them in the folder, as Matchbox's script lays them out.
      if (source.os === 'fedora-coreos') await linkFlat(folderPath, version, release.files)
      if (source.os === 'fedora-coreos' && source.updates) await keepStreamMetadata(source, join(assetsPath, source.os), client)
      for (const alias of aliasesOf(source, sources)) await moveLink(folderPath, alias, version)
      const now = new Date(clock.now()).toISOString()
      const releases = outcome === 'present' ? state.releases : { ...state.releases, [version]: { verified: now, problems: {}, damaged: [] } }
      await note({
        succeeded: now,
        version,
        error: undefined,
        ...statements !== undefined && {
          signsVersion: statements.signsVersion || before?.signsVersion === true,
          signsDigests: statements.signsDigests || before?.signsDigests === true,
          unproven: statements.unproven
        }
      }, releases)
      const found = { ...near > 0 && { near }, ...statements !== undefined && { unproven: statements.unproven } }
      return { source: source.id, outcome, version, ...found }
    } catch (error) {
      const failed = failure(source, version, signal.aborted ? new AppError('image_download_failed', `${source.id}: stopped before it was done`) : error)
      const { code, text } = failed.error
      // The state may stand on the very disk that is full: the answer matters more.
      await note({ error: { at: new Date(clock.now()).toISOString(), code, text } }).catch(() => {})
      return failed
    }
  }).catch((error: unknown) => failure(source, undefined, error))
}

function failure (source: Source, version: string | undefined, error: unknown): SyncResult & Required<Pick<SyncResult, 'error'>> {
  const { code, message } = error instanceof AppError ? error : new AppError('write_failed', messageOf(error))
  return { source: source.id, outcome: 'failed', ...version !== undefined && { version }, error: { code, text: message } }
}

async function linkFlat (folderPath: string, version: string, files: readonly WantedFile[]): Promise<void> {
  for (const { name, aliases } of files) {
    for (const each of [name, ...aliases.filter(alias => alias.includes(version))]) await moveLink(folderPath, each, `${version}/${each}`)
  }
}

// A release from its publisher to its place: every file fetched and verified in a hidden folder, and the folder renamed in
// whole, so that what can be seen is always a whole, verified release. Files of a published release that were damaged or
// are new are fetched the same way and replaced one by one.
import { chmod, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, errnoOf } from '../base/errors.js'
import type { OpenpgpCertificate } from '../openpgp/certificate.js'
import { type CheckedFile, checkFile } from '../openpgp/verify.js'
import { writeError, writeFileAtomic } from '../disk/atomic-file.js'
import { judgeFile, judgeTogether, readStatements, type Statements } from './binding.js'
import { download, type DownloadOptions } from './download.js'
import { MissingError, shown } from './http-client.js'
import { type Manifest, partialFolder, type PublishedFile, readManifest } from './layout.js'
import type { Siblings } from './siblings.js'
import { manifestName, type Release, type Source, type WantedFile } from './source.js'
import type { SourceState } from './state.js'
import { vouchFor } from './update-server.js'
import { makeFolder } from '../disk/make-folder.js'
import { syncFolder } from '../disk/sync-folder.js'

export interface FetchContext extends Omit<DownloadOptions, 'onProgress'> {
  readonly keys: readonly OpenpgpCertificate[]
  readonly onProgress: (file: string, received: number, total: number | undefined) => void
  /** What is known of the source from before. */
  readonly before: SourceState | undefined
  /** The releases that stand in the folder. */
  readonly published: readonly Manifest[]
  /** Others who may have the release, nearer than its publisher. */
  readonly siblings?: Siblings | undefined
}

/** What came of it, and what the publisher vouched for; `statements` only of a release that was fetched. */
export interface FetchResult {
  readonly outcome: FetchOutcome
  /** How many of its files came from siblings. */
  readonly near?: number
  readonly statements?: Pick<Statements, 'signsVersion' | 'signsDigests' | 'unproven'>
}

export type FetchOutcome = 'published' | 'mended' | 'present'

const downloadsAtOnce = 2

/** Sees to it that the release is published whole. `damaged` names files of it that are known to be bad. */
export async function fetchRelease (
  source: Source, release: Release, folderPath: string, damaged: readonly string[], context: FetchContext
): Promise<FetchResult> {
  const target = join(folderPath, release.version)
  const manifest = await readManifest(target)
  const missing = await filesToFetch(release, target, manifest, damaged)
  if (manifest !== undefined && missing.length === 0) {
    await linkAliases(target, release, manifest.files)
    return { outcome: 'present' }
  }
  const { client, keys, clock } = context
  const { allowExpiredKeys: allowExpired } = source
  const statements = await readStatements(release, { client, keys, now: clock.now(), allowExpired, before: context.before ?? {} })
  const partial = await preparePartial(source, release, folderPath)
  try {
    const isThere = await stat(target).then(() => true, () => false)
    const place: FetchTarget = { partial, kept: isThere ? target : undefined, source, release, statements }
    const obtained = await inPairs(missing, file => obtain(file, place, context))
    await release.confirm(context.client)
    const fetched = obtained.map(({ file }) => file)
    const before = manifest?.files ?? []
    const all = [...fetched, ...before]
    // Another source may have put other files of this release there: they stay in its record.
    const files = [
      ...release.files.map(({ name }) => all.find(file => file.name === name)).filter(file => file !== undefined),
      ...before.filter(({ name }) => !release.files.some(file => file.name === name))
    ]
    judgeTogether(source, release, files.map(({ name, sha256 }) =>
      ({ name, sha256, signedAt: obtained.find(({ file }) => file.name === name)?.signedAt })), statements.signedAt, context.published)
    const written = describe(source, release, files, manifest, context)
    for (const { name } of fetched) await makeReadOnly(join(partial, name))
    if (isThere) await mend(partial, target, fetched)
    const to = isThere ? target : partial
    for (const [name, content] of new Map([...release.made, ...statements.made])) await writeFileAtomic(join(to, name), content)
    await linkAliases(to, release, files)
    // The last, which forces all the names in the folder to disk.
    await writeFileAtomic(join(to, manifestName), `${JSON.stringify(written, null, 2)}\n`)
    if (!isThere) await rename(partial, target)
    await syncFolder(folderPath)
    if (isThere) await rm(partial, { recursive: true, force: true })
    const unproven = [...statements.unproven, ...obtained.flatMap(({ notes }) => notes)]
    const near = obtained.filter(({ isNear }) => isNear).length
    return { outcome: manifest === undefined ? 'published' : 'mended', near, statements: { ...statements, unproven } }
  } catch (error) {
    const failure = error instanceof AppError ? error : errnoOf(error) === '' ? error : writeError(target, error)
    // Others need the space more than the next try needs the part; of what can't be published nothing is kept.
    if (failure instanceof AppError && ['disk_full', 'image_too_large', 'image_mixed', 'image_kind_wrong'].includes(failure.code)) await rm(partial, { recursive: true, force: true })
    throw failure
  }
}

async function filesToFetch (
  release: Release, target: string, manifest: Manifest | undefined, damaged: readonly string[]
): Promise<readonly WantedFile[]> {
  const missing: WantedFile[] = []
  for (const file of release.files) {
    const published = manifest?.files.find(({ name }) => name === file.name)
    if (published !== undefined && file.sha256 !== undefined && published.sha256 !== file.sha256) {
      throw new AppError('image_mixed', `${join(target, file.name)} was published before, and its publisher has another file of that version now; give that one another version, or remove this one`)
    }
    const size = await stat(join(target, file.name)).then(stats => stats.size, () => -1)
    const signed = published?.signature === undefined || await stat(join(target, published.signature)).then(() => true, () => false)
    if (published === undefined || size !== published.bytes || !signed || damaged.includes(file.name)) missing.push(file)
  }
  return missing
}

/** The hidden folder with nothing in it but what this release can use; older unfinished ones of the source go. */
async function preparePartial (source: Source, release: Release, folderPath: string): Promise<string> {
  const root = partialFolder(folderPath)
  const prefix = `${source.id.replaceAll('/', '_')}@`
  const partial = join(root, `${prefix}${release.version}`)
  await makeFolder(partial)
  for (const name of await readdir(root)) {
    if (name.startsWith(prefix) && join(root, name) !== partial) await rm(join(root, name), { recursive: true, force: true })
  }
  const usable = new Set(release.files.flatMap(({ name }) => [name, `${name}.part`, `${name}.part.json`]))
  for (const name of await readdir(partial)) {
    if (!usable.has(name)) await rm(join(partial, name), { recursive: true, force: true })
  }
  return partial
}

interface ObtainedFile {
  readonly file: PublishedFile
  readonly signedAt: number | undefined
  /** What nothing tells about it. */
  readonly notes: readonly string[]
  /** Whether a sibling had it. */
  readonly isNear: boolean
}

/** What a file is fetched for. */
interface FetchTarget {
  readonly partial: string
  /** A folder that may have the same file already. */
  readonly kept: string | undefined
  readonly source: Source
  readonly release: Release
  readonly statements: Statements
}

/** A verified file and its signature in `partial`. */
async function obtain (
  file: WantedFile, { partial, kept, source, release, statements }: FetchTarget, context: FetchContext
): Promise<ObtainedFile> {
  const path = join(partial, file.name)
  const signature = file.signatureUrl === undefined ? undefined : await signatureOf(file, file.signatureUrl, context)
  const isUnsigned = signature === undefined && file.update === true
  const vouched = isUnsigned ? await vouchFor(file, source, release.version, context.client) : undefined
  let notes: readonly string[] = []
  const check = async (at: string): Promise<CheckedFile> => {
    const checked = await checkFile(at, {
      signature, keys: context.keys, now: context.clock.now(), allowExpired: source.allowExpiredKeys, sha1: file.update === true
    })
    if (file.sha256 !== undefined && checked.sha256 !== file.sha256) {
      throw new AppError('image_digest_wrong', `${shown(file.url)}: its SHA-256 is ${checked.sha256}, and ${file.sha256} is what the metadata says`)
    }
    if (vouched !== undefined && (checked.sha256 !== vouched.sha256 || checked.bytes !== vouched.bytes)) {
      const told = `its publisher's update server tells of ${vouched.bytes} and ${vouched.sha256}`
      throw new AppError('image_digest_wrong', `${shown(file.url)}: it has ${checked.bytes} bytes and the SHA-256 ${checked.sha256}, and ${told}`)
    }
    notes = judgeFile(file.name, checked, source, release, statements)
    if (vouched !== undefined) notes = [...notes, `${file.name}: not signed; its digest is what ${shown(source.updateServer ?? '')} tells`]
    return checked
  }
  const signatureName = `${file.name}${file.signatureUrl?.endsWith('.asc') === true ? '.asc' : '.sig'}`
  if (signature !== undefined) await writeFileAtomic(join(partial, signatureName), signature)
  const found = kept === undefined ? undefined : await check(join(kept, file.name)).catch(() => undefined)
  if (found !== undefined) await rm(path, { force: true })
  // What nothing vouches for is the publisher's only when it comes from him.
  const isVouchedFor = signature !== undefined || file.sha256 !== undefined
  const isBegun = found !== undefined || await stat(path).then(() => true, () => false)
  const near = isBegun || !isVouchedFor
    ? undefined
    : await context.siblings?.file(`${source.folder}/${release.version}/${file.name}`, path, check, (received, total) => { context.onProgress(file.name, received, total) })
  const { bytes, sha256, sha1, signedBy } = found ?? near ?? await fetchChecked(file, path, check, context)
  return {
    file: {
      name: file.name,
      bytes,
      sha256,
      ...sha1 !== undefined && { sha1 },
      digestGiven: file.sha256 !== undefined || vouched !== undefined,
      ...signature !== undefined && { signature: signatureName },
      ...signedBy !== undefined && { key: signedBy.fingerprint }
    },
    signedAt: signedBy?.signedAt,
    notes,
    isNear: near !== undefined
  }
}

/** undefined for a file of an update that never had one. */
async function signatureOf (
  { name, url, update }: WantedFile, signatureUrl: string, { client, published }: FetchContext
): Promise<Buffer | undefined> {
  try {
    return await client.bytes(signatureUrl)
  } catch (error) {
    if (!(error instanceof MissingError)) throw error
    const before = published.find(({ files }) => files.some(file => file.name === name && file.signature !== undefined))
    if (update === true && before === undefined) return undefined
    if (update === true) throw new AppError('image_signature_missing', `${url} has no signature, and that of ${before?.version ?? ''} had one: ${error.message}`)
    throw new AppError('image_signature_missing', `${url} has no signature: ${error.message}`)
  }
}

async function fetchChecked (
  file: WantedFile, path: string, check: (path: string) => Promise<CheckedFile>, context: FetchContext
): Promise<CheckedFile> {
  const fetch = async (): Promise<boolean> => (await download(file.url, path, {
    ...context, onProgress: (received, total) => { context.onProgress(file.name, received, total) }
  })).resumed
  // What an earlier try left may have been damaged by what ended it; what was fetched in one go is judged once.
  let suspect = await stat(path).then(() => true, () => false)
  if (!suspect) suspect = await fetch()
  for (;;) {
    try {
      return await check(path)
    } catch (error) {
      await rm(path, { force: true })
      if (!suspect || !(error instanceof AppError) || error.kind !== 'invalid') throw error
      suspect = false
      await fetch()
    }
  }
}

/** Two at a time, in order; the first failure is thrown when those under way have ended. */
async function inPairs<In, Out> (items: readonly In[], work: (item: In) => Promise<Out>): Promise<readonly Out[]> {
  const results: Out[] = []
  const failures: unknown[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next++
      await work(items[index]!).then(result => { results[index] = result }, (error: unknown) => { failures.push(error) })
    }
  }
  await Promise.all(Array.from({ length: downloadsAtOnce }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}

/** What is published is replaced and never written to, and may be sent as such a file (assets/image-thread). Not every disk has modes. */
async function makeReadOnly (path: string): Promise<void> {
  try {
    await chmod(path, (await stat(path)).mode & 0o555)
  } catch {
    // It is sent as others are.
  }
}

/** Each file is whole by itself and of this very version; its signature goes first, so that it never stands alone. */
async function mend (partial: string, target: string, files: readonly PublishedFile[]): Promise<void> {
  for (const { name, signature } of files) {
    for (const part of [signature, name]) {
      if (part === undefined) continue
      await rename(join(partial, part), join(target, part)).catch((error: unknown) => {
        // One that was there and good already was not fetched.
        if (errnoOf(error) !== 'ENOENT') throw error
      })
    }
  }
}

/** Other names of the files, so that a profile which goes by an alias of the release can name what is in it. */
async function linkAliases (place: string, release: Release, files: readonly PublishedFile[]): Promise<void> {
  for (const { name, aliases } of release.files) {
    const signature = files.find(file => file.name === name)?.signature
    const links = new Map(aliases.map(alias => [alias, name]))
    if (signature !== undefined) for (const alias of aliases) links.set(signature.replace(name, alias), signature)
    for (const [link, to] of links) {
      if (await readlink(join(place, link)).catch(() => undefined) === to) continue
      await rm(join(place, link), { force: true })
      await symlink(to, join(place, link))
    }
  }
}

const describe = (
  source: Source, release: Release, files: readonly PublishedFile[], before: Manifest | undefined, { clock }: FetchContext
): Manifest => ({
  source: source.id,
  os: source.os,
  channel: source.channel,
  arch: source.arch,
  version: release.version,
  published: before?.published ?? new Date(clock.now()).toISOString(),
  from: source.baseUrl,
  files
})

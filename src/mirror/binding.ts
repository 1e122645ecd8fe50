// What binds a file to its name and a release to its version. A signature says that a publisher made some bytes, not what they
// are: an old kernel is as well signed under a new version's name. Publishers sign more than files: which version it is
// (version.txt), and which digests its files have (DIGESTS); files and times say something besides.
import { AppError } from '../base/errors.js'
import { type CheckedFile, checkBytes, type CheckOptions } from '../openpgp/verify.js'
import { kernelVersion, kindOf, kindsOf } from './file-kind.js'
import { type HttpClient, MissingError } from './http-client.js'
import type { Manifest } from './layout.js'
import type { Release, Source } from './source.js'

/** What the publisher signed about a release. */
export interface Statements {
  readonly signsVersion: boolean
  readonly signsDigests: boolean
  /** The signature's time, milliseconds since the epoch. */
  readonly signedAt: number | undefined
  /** By file name: SHA-512 or SHA-256. */
  readonly digests: ReadonlyMap<string, readonly string[]>
  /** Files that are published besides: the statement and its signature. */
  readonly made: ReadonlyMap<string, string | Buffer>
  /** What nothing vouches for, in words. */
  readonly unproven: readonly string[]
}

export interface StatementOptions extends Omit<CheckOptions, 'signature'> {
  readonly client: HttpClient
  /** What this publisher signed before: it has to go on. */
  readonly before: { readonly signsVersion?: boolean | undefined, readonly signsDigests?: boolean | undefined }
}

/**
 * Asks for them. AppError image_signature_bad and its like for one that is not good, image_signature_missing for one that was there
 * before.
 */
export async function readStatements (
  { statement, digestUrls, files: all, version }: Release, options: StatementOptions
): Promise<Statements> {
  const { client, before } = options
  const files = all.filter(({ update }) => update !== true)
  const unproven: string[] = []
  const made = new Map<string, string | Buffer>()
  let signedAt: number | undefined
  if (statement === undefined) {
    unproven.push(`nothing that is signed says that this is ${version}`)
  } else {
    const { url, text } = statement
    const signature = await bytesIfThere(client, `${url}.sig`)
    if (signature === undefined) {
      if (before.signsVersion === true) throw new AppError('image_signature_missing', `${url}: its publisher signed this before, and there is no ${url}.sig now`)
      unproven.push(`${url} is not signed: nothing that is says that this is ${version}`)
    } else {
      signedAt = (await checkBytes(url, text, { ...options, signature })).signedBy?.signedAt
      made.set('version.txt', text)
      made.set('version.txt.sig', signature)
    }
  }
  const digests = new Map<string, readonly string[]>()
  const isNamed = (name: string): boolean => digests.has(name)
  for (const url of digestUrls) {
    const about = files.filter(({ name }) => url.endsWith(`/${name}.DIGESTS`))
    if (files.every(({ name }) => isNamed(name)) || (about.length > 0 && about.every(({ name }) => isNamed(name)))) continue
    const text = await bytesIfThere(client, url)
    const signature = text === undefined ? undefined : await bytesIfThere(client, `${url}.sig`)
    if (text === undefined || signature === undefined) continue
    await checkBytes(url, text, { ...options, signature })
    for (const [, digest = '', name = ''] of text.toString('latin1').matchAll(/^([0-9a-f]{64}|[0-9a-f]{128}) [ *](\S+)$/gm)) {
      digests.set(name, [...digests.get(name) ?? [], digest])
    }
  }
  if (digestUrls.length > 0) {
    for (const { name, url } of files.filter(file => !isNamed(file.name))) {
      if (before.signsDigests === true) throw new AppError('image_signature_missing', `${url}: its publisher signed the digests of its files before, and now none that names ${name}`)
      unproven.push(`${name}: nothing that is signed says that the file is called so`)
    }
  }
  return { signsVersion: signedAt !== undefined, signsDigests: digests.size > 0, signedAt, digests, made, unproven }
}

async function bytesIfThere (client: HttpClient, url: string): Promise<Buffer | undefined> {
  try {
    return await client.bytes(url)
  } catch (error) {
    if (error instanceof MissingError) return undefined
    throw error
  }
}

/** AppError unless the file can be what its name says. Gives what nothing tells about it. */
export function judgeFile (
  name: string, file: CheckedFile, source: Source, { version }: Release, { digests }: Statements
): readonly string[] {
  const given = digests.get(name)
  if (given !== undefined && !given.some(digest => digest === file.sha512 || digest === file.sha256)) {
    throw new AppError('image_digest_wrong', `${name}: its publisher signed other digests for a file of this name`)
  }
  if (source.os === 'custom') return []
  const [kind, expected] = [kindOf(file.head), kindsOf(name)]
  if (expected === undefined) return []
  if (kind === undefined) return [`${name}: what kind of file it is can't be told`]
  if (!expected.includes(kind)) throw new AppError('image_kind_wrong', `${name} is ${kind} by its first bytes, and should be ${expected.join(' or ')}: another file stands under its name`)
  const says = kernelVersion(file.head)
  if (says === undefined) return []
  const wrong = (what: string): AppError => new AppError('image_mixed', `${name} calls itself Linux ${says.split(' ', 1)[0] ?? ''}, ${what}`)
  const other = /-(flatcar|coreos)\b/.exec(says)?.[1]
  if (['flatcar', 'coreos'].includes(source.os) && other !== undefined && other !== source.os && !(source.os === 'flatcar' && other === 'coreos')) throw wrong(`which is of ${other}`)
  // 6.17.7-300.fc43.x86_64 of 43.20251110.3.1
  const fedora = /\.fc(\d+)\./.exec(says)?.[1]
  if (source.os === 'fedora-coreos' && fedora !== undefined && fedora !== version.split('.', 1)[0]) throw wrong(`which is of Fedora ${fedora}, not of ${version}`)
  return []
}

export interface NamedFile { readonly name: string, readonly sha256: string, readonly signedAt: number | undefined }

/** Milliseconds between the signatures of one release at most: it is made and signed in a day or two. */
const longestRelease = 60 * 86_400_000

/** AppError image_mixed when files can't be those of one release, or are those of another one that is published here. */
export function judgeTogether (
  source: Source, release: Release, files: readonly NamedFile[], signedAt: number | undefined, published: readonly Manifest[]
): void {
  if (source.os === 'custom') return
  const mixed = (what: string): AppError => new AppError('image_mixed', `${source.id} ${release.version}: ${what}`)
  for (const [index, file] of files.entries()) {
    const same = files.slice(index + 1).find(({ sha256 }) => sha256 === file.sha256)
    if (same !== undefined) throw mixed(`${file.name} and ${same.name} are one file under two names`)
    const isIts = ({ sha256 }: { readonly sha256: string }): boolean => sha256 === file.sha256
    const other = published.find(({ version, files: its }) => version !== release.version && its.some(isIts))
    if (other !== undefined) throw mixed(`${file.name} is a file of release ${other.version}`)
  }
  const times = [...files.map(file => file.signedAt), signedAt].filter(time => time !== undefined)
  const [first, last] = [Math.min(...times), Math.max(...times)]
  if (last - first > longestRelease) throw mixed(`its parts were signed at ${new Date(first).toISOString()} and at ${new Date(last).toISOString()}: they are not of one release`)
}

// Where mirrored releases are: assets_path/<folder>/<version>/ with a release.json in each, links beside them, and a hidden
// folder for what is not published yet, on the same file system.
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { syncFolder, temporaryPrefix } from '../disk/atomic-file.js'
import { isSafeName, manifestName } from './source.js'

export interface PublishedFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
  /** Whether the digest came from metadata, rather than being what was counted here. */
  readonly digestGiven: boolean
  /** The detached signature's file, and the fingerprint of the key it is by. */
  readonly signature?: string | undefined
  readonly key?: string | undefined
}

/** What release.json holds. */
export interface Manifest {
  readonly source: string
  readonly os: string
  readonly channel: string
  readonly arch: string
  readonly version: string
  /** ISO 8601. */
  readonly published: string
  readonly from: string
  readonly files: readonly PublishedFile[]
}

export interface ImageFolder {
  /** Below assets_path. */
  readonly folder: string
  readonly path: string
  /** By version, the newest first. */
  readonly releases: readonly Manifest[]
  /** Links beside the releases: from name to version. */
  readonly aliases: ReadonlyMap<string, string>
}

export const partialFolder = (folderPath: string): string => join(folderPath, '.partial')
export const lockPath = (folderPath: string): string => join(partialFolder(folderPath), 'lock')

/** Every folder below assets_path that holds releases of ours, and those named, in order. */
export async function readFolders (assetsPath: string, known: readonly string[]): Promise<readonly ImageFolder[]> {
  const names = new Set(known)
  for (const top of await folderNames(assetsPath)) {
    for (const inner of ['', ...await folderNames(join(assetsPath, top))]) names.add(inner === '' ? top : `${top}/${inner}`)
  }
  const folders = await Promise.all([...names].sort().map(name => readFolder(assetsPath, name)))
  return folders.filter(({ folder, releases }) => releases.length > 0 || known.includes(folder))
}

export async function readFolder (assetsPath: string, folder: string): Promise<ImageFolder> {
  const path = join(assetsPath, folder)
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  const releases: Manifest[] = []
  const aliases = new Map<string, string>()
  for (const entry of entries) {
    if (entry.isSymbolicLink()) {
      const target = await readlink(join(path, entry.name)).catch(() => '')
      if (isSafeName(target)) aliases.set(entry.name, target)
    } else if (entry.isDirectory() && isSafeName(entry.name)) {
      const manifest = await readManifest(join(path, entry.name))
      if (manifest?.version === entry.name) releases.push(manifest)
    }
  }
  return { folder, path, releases: releases.sort(newestFirst), aliases }
}

const newestFirst = (a: Manifest, b: Manifest): number =>
  b.published.localeCompare(a.published) || b.version.localeCompare(a.version, 'en', { numeric: true })

async function folderNames (path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  return entries.filter(entry => entry.isDirectory() && isSafeName(entry.name)).map(({ name }) => name)
}

export async function readManifest (releasePath: string): Promise<Manifest | undefined> {
  try {
    const value = JSON.parse(await readFile(join(releasePath, manifestName), 'utf8')) as Partial<Manifest> | null
    const isOurs = typeof value?.version === 'string' && typeof value.published === 'string' && Array.isArray(value.files) &&
      value.files.every(file => isSafeName(String(Object(file).name)))
    return isOurs ? value as Manifest : undefined
  } catch {
    return undefined
  }
}

/** Makes or moves a relative link in one step: whoever follows it finds the old target or the new one. */
export async function moveLink (folderPath: string, name: string, target: string): Promise<void> {
  const path = join(folderPath, name)
  const there = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error
    return undefined
  })
  if (there?.isSymbolicLink() === true && await readlink(path) === target) return
  if (there !== undefined && !there.isSymbolicLink()) {
    throw new AppError('write_failed', `${path} should be a link to ${target}, and somebody made something else of that name: move it away`)
  }
  const temporary = join(folderPath, `${temporaryPrefix}${name}`)
  await rm(temporary, { force: true })
  await symlink(target, temporary)
  await rename(temporary, path)
  await syncFolder(folderPath)
}

/** Takes a folder out of sight in one step, then removes it. `path` stands right in its folder of images. */
export async function removeRelease (path: string): Promise<void> {
  const partial = partialFolder(dirname(path))
  await mkdir(partial, { recursive: true })
  const removed = join(partial, `removed-${basename(path)}`)
  await rm(removed, { recursive: true, force: true })
  await rename(path, removed)
  await syncFolder(dirname(path))
  await rm(removed, { recursive: true, force: true })
}

/** Links that lead nowhere since what they led to was removed. */
export async function removeDeadLinks (folderPath: string): Promise<void> {
  for (const entry of await readdir(folderPath, { withFileTypes: true }).catch(() => [])) {
    if (!entry.isSymbolicLink()) continue
    const target = await readlink(join(folderPath, entry.name))
    // Only links of the kind that are made here: VERSION/FILE.
    if (!/^[^/]+\/[^/]+$/.test(target) || target.startsWith('.')) continue
    const alive = await lstat(join(folderPath, target)).then(() => true, () => false)
    if (!alive) await rm(join(folderPath, entry.name)).catch((error: unknown) => { throw new AppError('write_failed', messageOf(error)) })
  }
}

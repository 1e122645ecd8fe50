// Where mirrored releases are: assets_path/<folder>/<version>/ with a release.json in each, links beside them, and a hidden
// folder for what is not published yet, on the same file system.
import { lstat, readdir, readlink, realpath, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { temporaryPrefix } from '../disk/atomic-file.js'
import { findLinks, type FoundLink } from '../disk/links.js'
import { isSafeName, manifestName } from './source.js'
import { makeFolder } from '../disk/make-folder.js'
import { syncFolder } from '../disk/sync-folder.js'
import { readWhole } from '../disk/whole-file.js'
import { newestFirst } from './versions.js'

export interface PublishedFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
  /** Of what installed machines update themselves with. */
  readonly sha1?: string | undefined
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
  /** The newest first. */
  readonly releases: readonly Manifest[]
  /** Links beside the releases that lead to one: from name to version. */
  readonly aliases: ReadonlyMap<string, string>
  /** All other links below assets_path that lead to or into a release: from path to version. */
  readonly links: ReadonlyMap<string, string>
}

export const partialFolder = (folderPath: string): string => join(folderPath, '.partial')
export const lockPath = (folderPath: string): string => join(partialFolder(folderPath), 'lock')

/**
 * Every folder below assets_path that holds releases of ours, and those named, in order. `onProblem` hears what kept links
 * from being seen.
 */
export async function readFolders (
  assetsPath: string, known: readonly string[], onProblem: (problem: AppError) => void = () => {}
): Promise<readonly ImageFolder[]> {
  const names = new Set(known)
  for (const top of await folderNames(assetsPath)) {
    for (const inner of ['', ...await folderNames(join(assetsPath, top))]) names.add(inner === '' ? top : `${top}/${inner}`)
  }
  const all = await Promise.all([...names].sort().map(async folder => {
    const path = join(assetsPath, folder)
    return { folder, path, releases: await releasesIn(path) }
  }))
  const folders = all.filter(({ folder, releases }) => releases.length > 0 || known.includes(folder))

  // By real path: what a link leads to, however it is written.
  const releases = new Map<string, { readonly folder: string, readonly version: string }>()
  const reals = new Map<string, string>()
  for (const { folder, path, releases: found } of folders) {
    reals.set(folder, await realpath(path).catch(() => path))
    for (const { version } of found) releases.set(join(reals.get(folder) ?? path, version), { folder, version })
  }
  const isRelease = new Set([...releases.values()].map(({ folder, version }) => `${folder}/${version}`))
  const links: FoundLink[] = []
  const root = await realpath(assetsPath).catch(() => assetsPath)
  // A folder that is itself a link is not come by.
  const roots = ['', ...folders.map(({ folder }) => folder).filter(folder => reals.get(folder) !== join(root, folder))]
  for (const start of roots) {
    const below = (path: string): string => start === '' ? path : `${start}/${path}`
    try {
      const found = await findLinks(join(assetsPath, start), path => isRelease.has(below(path)))
      links.push(...found.map(({ path, target }) => ({ path: below(path), target })))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      onProblem(error)
    }
  }
  const noLinks = (): Map<string, string> => new Map()
  const shown = new Map(folders.map(found => [found.folder, { ...found, aliases: noLinks(), links: noLinks() }]))
  for (const { path, target } of links) {
    for (let at = target; at.length > 1; at = dirname(at)) {
      const release = releases.get(at)
      if (release === undefined) continue
      const beside = (dirname(path) === '.' ? '' : dirname(path)) === release.folder
      if (beside && at === target) shown.get(release.folder)?.aliases.set(basename(path), release.version)
      // Made here for each release, and no reason to keep it.
      else if (!beside || target !== join(at, basename(path))) shown.get(release.folder)?.links.set(path, release.version)
      break
    }
  }
  return [...shown.values()]
}

/** What stands in one folder: releases, and the links beside them. */
export async function readFolder (path: string): Promise<Pick<ImageFolder, 'releases' | 'aliases'>> {
  const releases = await releasesIn(path)
  const aliases = new Map<string, string>()
  const real = await realpath(path).catch(() => path)
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    const target = entry.isSymbolicLink() ? await realpath(join(path, entry.name)).catch(() => undefined) : undefined
    const release = releases.find(({ version }) => join(real, version) === target)
    if (release !== undefined) aliases.set(entry.name, release.version)
  }
  return { releases, aliases }
}

async function releasesIn (path: string): Promise<readonly Manifest[]> {
  const releases: Manifest[] = []
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory() || !isSafeName(entry.name)) continue
    const manifest = await readManifest(join(path, entry.name))
    if (manifest?.version === entry.name) releases.push(manifest)
  }
  return releases.sort(newestFirst)
}

async function folderNames (path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  return entries.filter(entry => entry.isDirectory() && isSafeName(entry.name)).map(({ name }) => name)
}

export async function readManifest (releasePath: string): Promise<Manifest | undefined> {
  return await readWhole(join(releasePath, manifestName), 'lists').then(bytes => parseManifest(bytes.toString()), () => undefined)
}

/** undefined for what is not one of ours. */
export function parseManifest (text: string): Manifest | undefined {
  try {
    const value = JSON.parse(text) as Partial<Manifest> | null
    const isOurs = typeof value?.version === 'string' && typeof value.published === 'string' && Array.isArray(value.files) &&
      value.files.every(file => isSafeName(String(Object(file).name)) && typeof Object(file).sha256 === 'string')
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
  await makeFolder(partial)
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

// Where links below a folder lead, and to nothing outside it: what machines boot, what scripts name and what pruning keeps is decided
// by the same reading of them, however a link is written (stable -> 4230.2.1, ./4230.2.1/, ../flatcar/4230.2.1, an absolute path).
import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, errnoOf } from '../base/errors.js'
import { type LinkLooks, type LinkSaid, looksHere } from './link-looks.js'

/** As many links as Linux follows (path_resolution(7)). */
const mostLinks = 40

/** As many links and folders are looked at again to see whether a reading still holds; with more it is taken anew. */
const mostLookedAtAgain = 1000

/** One reading of the links below a folder: each is read once. */
export class Links {
  readonly #root: string
  /** By path below the folder: where a link leads, '' for what is no link, undefined for what is not there. */
  readonly #links = new Map<string, LinkSaid>()
  readonly #looks: LinkLooks
  /** The disk did not answer when something was looked at. */
  #lacks = false

  constructor (root: string, looks: LinkLooks = looksHere) {
    this.#root = root
    this.#looks = looks
  }

  /** Whether all that was looked at is still so, as far as the disk answers. */
  holds (): boolean {
    if (this.#links.size > mostLookedAtAgain) return false
    const found = this.#looks.links([...this.#links.keys()].map(path => join(this.#root, path)))
    if (found === undefined) return true
    return !this.#lacks && [...this.#links.values()].every((link, i) => link === found[i])
  }

  /** Whether something is there. */
  has (names: readonly string[]): boolean { return this.walk([], names) !== undefined }

  /** Where `names` lead from a folder that has no links in its path; undefined: nowhere, or to the outside. */
  walk (from: readonly string[], names: readonly string[], links = mostLinks): readonly string[] | undefined {
    let at = from
    for (const [i, name] of names.entries()) {
      if (name === '' || name === '.') continue
      if (name === '..') {
        if (at.length === 0) return undefined
        at = at.slice(0, -1)
        continue
      }
      const link = this.at([...at, name])
      if (link === undefined) return undefined
      if (link === '') {
        at = [...at, name]
        continue
      }
      const below = link.startsWith('/') ? this.#below(link) : link
      if (below === undefined || links === 0) return undefined
      return this.walk(link.startsWith('/') ? [] : at, [...below.split('/'), ...names.slice(i + 1)], links - 1)
    }
    return at
  }

  /** What the link says; '' for what is no link, undefined for what is not there. */
  at (names: readonly string[]): string | undefined {
    const path = names.join('/')
    if (this.#links.has(path)) return this.#links.get(path)
    const found = this.#looks.links([join(this.#root, path)])
    if (found === undefined) this.#lacks = true
    else this.#links.set(path, found[0])
    return found?.[0]
  }

  /** The rest of an absolute path into the folder, by the name it is configured with or its real one. */
  #below (target: string): string | undefined {
    const roots = [this.#root, this.#looks.real(this.#root) ?? this.#root].map(root => join(root, '/'))
    const root = roots.find(folder => target.startsWith(folder))
    return root === undefined ? undefined : target.slice(root.length)
  }
}

export interface FoundLink {
  /** Below the folder. */
  readonly path: string
  /** The real path of what it leads to. */
  readonly target: string
}

/** More is no folder of images, and a reading of it would not end. */
const mostEntries = 1_000_000

/**
 * Every link below `root` that leads to something, but for those within what `skip` names (below `root`): a release's own.
 * AppError read_failed when not all can be seen.
 */
export async function findLinks (root: string, skip: (path: string) => boolean): Promise<readonly FoundLink[]> {
  const found: FoundLink[] = []
  const waiting = ['']
  let entries = 0
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const folder = join(root, path)
    for (const entry of await readdir(folder, { withFileTypes: true }).catch((error: unknown) => unreadable(folder, error))) {
      if (++entries > mostEntries) throw new AppError('read_failed', `${root} holds more than ${mostEntries} files: not all links in it can be looked at`)
      const name = path === '' ? entry.name : `${path}/${entry.name}`
      if (entry.isSymbolicLink()) {
        const target = await realpath(join(root, name)).catch(() => undefined)
        if (target !== undefined) found.push({ path: name, target })
      } else if (entry.isDirectory() && !entry.name.startsWith('.') && !skip(name)) {
        waiting.push(name)
      }
    }
  }
  return found
}

function unreadable (folder: string, error: unknown): never[] {
  // Gone since it was listed, or a folder that nobody made yet.
  if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return []
  throw new AppError('read_failed', `${folder} can't be read, and may hold a link to a release`)
}

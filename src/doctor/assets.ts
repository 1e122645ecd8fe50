// What a profile boots from /assets/ and is not there, by the paths that scripts would name.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { resolveAsset } from '../assets/aliases.js'
import { Links } from '../disk/links.js'
import { pinAssets } from '../matchbox/pin-assets.js'
import type { NetBoot } from '../matchbox/profile.js'

/** Looks below `root`; `isOwn` says which hosts in URLs lead to it. */
export class AssetLook {
  readonly #root: string
  readonly #links: Links
  readonly #isOwn: (host: string) => boolean
  /** Thousands of profiles boot the same few images. */
  readonly #there = new Map<string, boolean>()

  constructor (root: string, isOwn: (host: string) => boolean) {
    this.#root = root
    this.#links = new Links(root)
    this.#isOwn = isOwn
  }

  missing (boot: NetBoot): readonly string[] {
    const named = new Set<string>()
    pinAssets(boot, { isOwn: this.#isOwn, resolve: path => { named.add(path); return path } })
    // Settings of iPXE and of templates are known to the machine alone.
    return [...named].filter(path => !/[${}]/.test(path) && !path.endsWith('/') && !this.#isThere(path))
  }

  #isThere (path: string): boolean {
    const known = this.#there.get(path) ?? isThere(this.#root, resolveAsset(this.#links, path))
    this.#there.set(path, known)
    return known
  }
}

function isThere (root: string, path: string): boolean {
  try {
    return existsSync(join(root, decodeURIComponent(path.slice('/assets/'.length))))
  } catch {
    return false
  }
}

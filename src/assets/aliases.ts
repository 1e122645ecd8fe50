// Where aliases under /assets/ lead: symbolic links beside the versions, as `flatcar/stable -> 4230.2.1`. They are read
// when a script names them, and then not again for a moment; all that is taken from one reading fits together.
import type { Clock } from '../base/clock.js'
import { type LinkLooks, looksHere } from '../disk/link-looks.js'
import { Links } from '../disk/links.js'
import { type AssetPins, type AssetPlaces, asWritten, pinAssets } from '../matchbox/pin-assets.js'
import type { NetBoot } from '../matchbox/profile.js'

/** Milliseconds for which a reading is good. */
const readingAge = 250

const prefix = '/assets/'

/** What a machine boots, with this moment's versions in place of aliases below `root` ('' for none). */
export function assetPinner (root: string, ownHosts: () => AssetPlaces['isOwn'], clock: Clock, looks = looksHere): AssetPins {
  if (root === '') return asWritten
  const newReading = (isOwn: AssetPlaces['isOwn']): Reading => ({ links: new Links(root, looks), isOwn, pinned: new WeakMap() })
  let reading = newReading(ownHosts())
  let taken = clock.now()
  const current = (): Reading => {
    // A clock that was set back must not keep a reading for hours.
    if (Math.abs(clock.now() - taken) < readingAge) return reading
    taken = clock.now()
    const isOwn = ownHosts()
    if (isOwn !== reading.isOwn || !reading.links.holds()) reading = newReading(isOwn)
    return reading
  }
  return {
    pin: boot => {
      const { links, isOwn, pinned } = current()
      const done = pinned.get(boot) ?? pinAssets(boot, { resolve: path => resolveAsset(links, path), isOwn })
      pinned.set(boot, done)
      return done
    },
    version: current
  }
}

interface Reading { readonly links: Links, readonly isOwn: AssetPlaces['isOwn'], readonly pinned: WeakMap<NetBoot, NetBoot> }

/** The path with the links in it replaced, as far as they lead somewhere below the folder. */
export function resolveAsset (links: Links, path: string): string {
  let written: readonly string[] = []
  let real: readonly string[] = []
  const parts = path.slice(prefix.length).split('/')
  for (const [i, part] of parts.entries()) {
    const name = nameOf(part)
    const next = name === undefined ? undefined : links.walk(real, [name])
    // What is not there, or leads out of the folder, stays as it was written.
    if (name === undefined || next === undefined) return prefix + [...written, ...parts.slice(i)].join('/')
    written = links.at([...real, name]) === '' ? [...written, part] : next.map(encodeURIComponent)
    real = next
  }
  return prefix + written.join('/')
}

/** The file name that a part of a URL's path stands for; undefined for what is none. */
function nameOf (part: string): string | undefined {
  try {
    const name = decodeURIComponent(part)
    return name === '' || name === '.' || name === '..' || /[/\0]/.test(name) ? undefined : name
  } catch {
    return undefined
  }
}

/** Milliseconds after which links are read again for the folders of what was sent. */
const foldersAge = 1000

/** The folders that what is sent lies in, whatever links lead there: `flatcar/4230.2.1` for `/assets/flatcar/stable/vmlinuz`. */
export class RealFolders {
  readonly #root: string
  readonly #clock: Clock
  readonly #looks: LinkLooks
  #links: Links
  #taken: number

  constructor (root: string, clock: Clock, looks = looksHere) {
    this.#root = root
    this.#clock = clock
    this.#looks = looks
    this.#links = new Links(root, looks)
    this.#taken = clock.now()
  }

  /** Of a path; undefined for a file that lies in no folder of a folder, as releases do. */
  of (path: string): string | undefined {
    if (Math.abs(this.#clock.now() - this.#taken) > foldersAge) {
      this.#taken = this.#clock.now()
      this.#links = new Links(this.#root, this.#looks)
    }
    const real = resolveAsset(this.#links, path).split('/').slice(2, -1)
    return real.length > 1 ? real.join('/') : undefined
  }
}

// Where aliases below assets_path lead: symbolic links beside the versions, as `flatcar/stable -> 4230.2.1`. They are read
// when a script names them, and then not again for a moment; all that is taken from one reading fits together.
import { lstatSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import type { Config } from '../config/load.js'
import { errnoOf } from '../base/errors.js'
import { type AssetPins, asWritten, pinAssets } from '../matchbox/pin-assets.js'
import type { NetBoot } from '../matchbox/profile.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import { localAddresses } from '../net/interfaces.js'
import { advertisedHost } from './dhcp-settings.js'

/** Milliseconds for which a reading is good. */
const readingAge = 250

/** As many links as Linux follows (path_resolution(7)). */
const mostLinks = 40

const prefix = '/assets/'

/** As many links and folders are looked at again to see whether a reading still holds; with more it is taken anew. */
const mostLookedAtAgain = 1000

/** iPXE's setting for who sent it its boot file, of whichever card; while we answer DHCP that is this appliance. */
const nextServer = /^\$\{(?:[\w.-]+\/)?next-server(?::ipv4)?\}$/

/** What a machine boots, with this moment's versions in place of aliases; `own` as in `advertisedHost`. */
export function assetPinner (config: Config, own: Ipv4 | undefined, clock: Clock): AssetPins {
  const { assets_path: root } = config
  if (root === '') return asWritten
  const hosts = ownHosts(config, own)
  const isOwn = (host: string): boolean => hosts.has(host) || (config.dhcp.mode !== 'off' && nextServer.test(host))
  let reading = newReading(root)
  let taken = clock.now()
  const current = (): Reading => {
    // A clock that was set back must not keep a reading for hours.
    if (Math.abs(clock.now() - taken) < readingAge) return reading
    taken = clock.now()
    if (!reading.aliases.holds()) reading = newReading(root)
    return reading
  }
  return {
    pin: boot => {
      const { aliases: { resolve }, pinned } = current()
      const done = pinned.get(boot) ?? pinAssets(boot, { resolve, isOwn })
      pinned.set(boot, done)
      return done
    },
    version: current
  }
}

interface Reading { readonly aliases: Aliases, readonly pinned: WeakMap<NetBoot, NetBoot> }

const newReading = (root: string): Reading => ({ aliases: new Aliases(root), pinned: new WeakMap() })

/** The names in URLs that lead to this machine, on whatever port: a proxy of its own may stand before the service. */
function ownHosts (config: Config, own: Ipv4 | undefined): ReadonlySet<string> {
  const script = config.boot.script_url === '' ? [] : [new URL(config.boot.script_url).hostname]
  const hosts = [advertisedHost(config, own), ...script, 'localhost', ...localAddresses().map(({ ip }) => formatIpv4(ip))]
  return new Set(hosts.map(host => host.toLowerCase()))
}

/** One reading of the links below a folder: each is read once. */
class Aliases {
  readonly #root: string
  /** By path below the folder: where a link leads, '' for what is no link, undefined for what is not there. */
  readonly #links = new Map<string, string | undefined>()

  constructor (root: string) { this.#root = root }

  /** Whether all that was looked at is still so. */
  holds (): boolean {
    if (this.#links.size > mostLookedAtAgain) return false
    for (const [path, link] of this.#links) if (readLink(join(this.#root, path)) !== link) return false
    return true
  }

  readonly resolve = (path: string): string => {
    let written: readonly string[] = []
    let real: readonly string[] = []
    const parts = path.slice(prefix.length).split('/')
    for (const [i, part] of parts.entries()) {
      const name = nameOf(part)
      const next = name === undefined ? undefined : this.#walk(real, [name], mostLinks)
      // What is not there, or leads out of the folder, stays as it was written.
      if (name === undefined || next === undefined) return prefix + [...written, ...parts.slice(i)].join('/')
      written = this.#linkAt([...real, name]) === '' ? [...written, part] : next.map(encodeURIComponent)
      real = next
    }
    return prefix + written.join('/')
  }

  /** Where `names` lead from a folder that has no links in its path; undefined: nowhere, or to the outside. */
  #walk (from: readonly string[], names: readonly string[], links: number): readonly string[] | undefined {
    let at = from
    for (const [i, name] of names.entries()) {
      if (name === '' || name === '.') continue
      if (name === '..') {
        if (at.length === 0) return undefined
        at = at.slice(0, -1)
        continue
      }
      const link = this.#linkAt([...at, name])
      if (link === undefined) return undefined
      if (link === '') {
        at = [...at, name]
        continue
      }
      const below = link.startsWith('/') ? this.#below(link) : link
      if (below === undefined || links === 0) return undefined
      return this.#walk(link.startsWith('/') ? [] : at, [...below.split('/'), ...names.slice(i + 1)], links - 1)
    }
    return at
  }

  #linkAt (names: readonly string[]): string | undefined {
    const path = names.join('/')
    if (!this.#links.has(path)) this.#links.set(path, readLink(join(this.#root, path)))
    return this.#links.get(path)
  }

  /** The rest of an absolute path into the folder, by the name it is configured with or its real one. */
  #below (target: string): string | undefined {
    const roots = [join(this.#root, '/'), join(realpathSync(this.#root), '/')]
    const root = roots.find(folder => target.startsWith(folder))
    return root === undefined ? undefined : target.slice(root.length)
  }
}

function readLink (path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : ''
  } catch (error) {
    // Moved between the two looks at it: whoever moves an alias renames, so that there is one again.
    if (errnoOf(error) === 'EINVAL') return ''
    return undefined
  }
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

// Where aliases below assets_path lead: symbolic links beside the versions, as `flatcar/stable -> 4230.2.1`. They are read
// when a script names them, and then not again for a moment; all that is taken from one reading fits together.
import type { Clock } from '../base/clock.js'
import type { Config } from '../config/load.js'
import { type AssetPins, asWritten, pinAssets } from '../matchbox/pin-assets.js'
import type { NetBoot } from '../matchbox/profile.js'
import { Links } from '../mirror/links.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import { localAddresses } from '../net/interfaces.js'
import { advertisedHost } from './dhcp-settings.js'

/** Milliseconds for which a reading is good. */
const readingAge = 250

const prefix = '/assets/'

/** iPXE's setting for who sent it its boot file, of whichever card; while we answer DHCP that is this appliance. */
const nextServer = /^\$\{(?:[\w.-]+\/)?next-server(?::ipv4)?\}$/

/** What a machine boots, with this moment's versions in place of aliases; `own` as in `advertisedHost`. */
export function assetPinner (config: Config, own: (() => Ipv4 | undefined) | undefined, clock: Clock): AssetPins {
  const { assets_path: root } = config
  if (root === '') return asWritten
  let known = own?.()
  let isOwn = isOwnHost(config, known)
  let reading = newReading(root)
  let taken = clock.now()
  const current = (): Reading => {
    // A clock that was set back must not keep a reading for hours.
    if (Math.abs(clock.now() - taken) < readingAge) return reading
    taken = clock.now()
    if (own?.() !== known) {
      known = own?.()
      isOwn = isOwnHost(config, known)
    }
    if (!reading.links.holds()) reading = newReading(root)
    return reading
  }
  return {
    pin: boot => {
      const { links, pinned } = current()
      const done = pinned.get(boot) ?? pinAssets(boot, { resolve: path => resolveAsset(links, path), isOwn })
      pinned.set(boot, done)
      return done
    },
    version: current
  }
}

interface Reading { readonly links: Links, readonly pinned: WeakMap<NetBoot, NetBoot> }

const newReading = (root: string): Reading => ({ links: new Links(root), pinned: new WeakMap() })

/** Whether a host in a URL leads to this machine. */
export function isOwnHost (config: Config, own: Ipv4 | undefined): (host: string) => boolean {
  const hosts = ownHosts(config, own)
  return host => hosts.has(host) || (config.dhcp.mode !== 'off' && nextServer.test(host))
}

/** The names in URLs that lead to this machine, on whatever port: a proxy of its own may stand before the service. */
function ownHosts (config: Config, own: Ipv4 | undefined): ReadonlySet<string> {
  const script = config.boot.script_url === '' ? [] : [new URL(config.boot.script_url).hostname]
  const hosts = [advertisedHost(config, own), ...script, 'localhost', ...localAddresses().map(({ ip }) => formatIpv4(ip))]
  return new Set(hosts.map(host => host.toLowerCase()))
}

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

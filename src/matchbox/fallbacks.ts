// The other provisioners of a fleet in what a machine is told: each serves the same, so a machine whose provisioner died between its
// script and its kernel goes on with the next one. What a profile boots is named anew for each: kernel, initrd and shim by that
// provisioner's own address, and the URLs among the arguments too, since the installed system asks them long after the script has ended.
import { urlOfInitrd } from './ipxe-settings.js'
import { hostPattern } from './pin-assets.js'
import type { NetBoot } from './profile.js'

/** A provisioner as machines are told of it. */
export interface Fallback {
  /** Where it is by itself: `http://10.0.0.3:8080`. */
  readonly origin: string
  /** What it gives to machines for good, in arguments: the same, or a name or floating address that several have. */
  readonly told: string
}

export interface Fallbacks {
  /** The others that are there, in the order in which they are tried; empty for a provisioner alone. `client` is the machine's address. */
  readonly others: (client: string | undefined) => readonly Fallback[]
  /** What this one gives to machines for good. */
  readonly told: (client: string | undefined) => string
  /** Whether a host in a URL, in small letters and without its port, is this provisioner; it may be one of iPXE's settings. */
  readonly isOwn: (host: string) => boolean
  /** The port of HTTP, which URLs that are this provisioner's have. */
  readonly port: number
  /** Whether `others` may differ with the client. */
  readonly isByClient: boolean
  /** Another object as soon as they may be others. */
  readonly version: () => object
}

const nobody: readonly Fallback[] = []

/** For a provisioner alone. */
export const alone: Fallbacks = { others: () => nobody, told: () => '', isOwn: () => false, port: 0, isByClient: false, version: () => alone }

/**
 * What a machine boots, from each provisioner in turn; only the boot itself, unchanged, where there is but one, or where it comes
 * from elsewhere.
 */
export function bootsInTurn (boot: NetBoot, fallbacks: Fallbacks, client: string | undefined): readonly NetBoot[] {
  const others = fallbacks.others(client)
  if (others.length === 0) return [boot]
  // iPXE's next-server is who answered its DHCP, which may be the one that died.
  const first = withArguments(boot, fallbacks, fallbacks.told(client), host => host.startsWith('${'))
  const boots = others.map(({ origin, told }) => withFiles(withArguments(boot, fallbacks, told, fallbacks.isOwn), fallbacks, origin))
  return boots.every(other => sameBoot(other, boot)) ? [boot] : [first, ...boots]
}

const sameBoot = (one: NetBoot, other: NetBoot): boolean => JSON.stringify(one) === JSON.stringify(other)

const withFiles = (boot: NetBoot, fallbacks: Fallbacks, origin: string): NetBoot => {
  const at = (entry: string): string => located(entry, fallbacks, origin)
  return { ...boot, kernel: at(boot.kernel), initrd: boot.initrd.map(at), ...boot.shim !== undefined && { shim: at(boot.shim) } }
}

const withArguments = (boot: NetBoot, fallbacks: Fallbacks, told: string, isMeant: (host: string) => boolean): NetBoot =>
  ({ ...boot, args: boot.args.map(text => renamed(text, fallbacks, told, isMeant)) })

/** A URL anywhere in a text, up to its path. */
const origins = new RegExp(String.raw`(?<![\w+.-])http://(?<host>${hostPattern})(?::(?<port>\d+))?(?=[/?#\s,;"'|)]|$)`, 'g')

const renamed = (text: string, { isOwn, port }: Fallbacks, to: string, isMeant: (host: string) => boolean): string =>
  text.replace(origins, (...found: unknown[]) => {
    const { host = '', port: named = '80' } = found.at(-1) as Readonly<Record<'host' | 'port', string | undefined>>
    const own = host.toLowerCase()
    return isMeant(own) && isOwn(own) && Number(named) === port ? to : found[0] as string
  })

/** A path is beside the script, `kernel`'s and `initrd`'s as iPXE resolves them; an entry may begin with options of iPXE's command. */
function located (entry: string, fallbacks: Fallbacks, origin: string): string {
  const url = urlOfInitrd(entry)
  const options = entry.slice(0, entry.lastIndexOf(url))
  if (/^\w+:/.test(url)) return options + renamed(url, fallbacks, origin, fallbacks.isOwn)
  return `${options}${origin}${url.startsWith('/') ? '' : '/'}${url}`
}

// Aliases in what a machine boots: a profile names /assets/flatcar/stable/..., the machine is told the version that this
// leads to now. Kernel, initrd and the URLs among the arguments (a live system's rootfs has to fit its kernel) are of one
// version then, also when the alias is moved while the machine is busy with the first of them.
import type { NetBoot } from './profile.js'

export interface AssetPlaces {
  /** The path, which starts with /assets/, with what its aliases stand for now; the path itself when there are none in it. */
  readonly resolve: (path: string) => string
  /** Whether a host in a URL, in small letters and without its port, is this appliance; it may be one of iPXE's settings. */
  readonly isOwn: (host: string) => boolean
}

/** How scripts name assets now. */
export interface AssetPins {
  /** What is booted, with aliases replaced; all that one call looks up fits together. */
  readonly pin: (boot: NetBoot) => NetBoot
  /** Another object as soon as `pin` may answer differently. */
  readonly version: () => object
}

/** For a store without assets of its own. */
export const asWritten: AssetPins = { pin: boot => boot, version: () => asWritten }

/** The host of a URL, or one of iPXE's settings that stands for it. */
export const hostPattern = String.raw`(?:\[[\da-fA-F:.]+\]|\$\{[^\s{}]*\}|[^\s/:?#@()[\]]+)`

/**
 * A path; or a URL, also one in the midst of an argument (`root=live:http://...`), or as GRUB writes it. What ends it is what
 * ends a URL's path, or an argument that holds several.
 */
const reference = new RegExp(String.raw`(?:(?<![\w+.-])https?://(?:[^\s/?#@]*@)?(?<web>${hostPattern})(?::\d+)?|\(https?,(?<grub>${hostPattern})(?::\d+)?\)|(?<=^|[\s=,;"'|]))(?<path>/assets/[^\s?#&"',;|]*)`, 'g')

/** What iPXE finds beside its script: `assets/...`. */
const besideScript = /(?<=^|\s)assets\/[^\s?#]*/g

export function pinAssets (boot: NetBoot, { resolve, isOwn }: AssetPlaces): NetBoot {
  const pin = (text: string): string => text.replace(reference, (...found: unknown[]) => {
    const whole = found[0] as string
    const { web, grub, path = '' } = found.at(-1) as Readonly<Record<'web' | 'grub' | 'path', string | undefined>>
    const named = web ?? grub
    return named === undefined || isOwn(named.toLowerCase()) ? whole.slice(0, -path.length) + resolve(path) : whole
  })
  const pinUrl = (text: string): string => pin(text).replace(besideScript, path => resolve(`/${path}`).slice(1))
  const shim = boot.shim === undefined ? {} : { shim: pinUrl(boot.shim) }
  return { ...boot, kernel: pinUrl(boot.kernel), initrd: boot.initrd.map(pinUrl), args: boot.args.map(pin), ...shim }
}

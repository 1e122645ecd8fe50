// Which asset is whose kernel or initial file system. A request for an asset names no machine, so the script that the same
// address was given last decides; of the addresses seen, the latest few thousand are remembered.
import type { NetBoot, Profile } from '../matchbox/profile.js'
import type { Group } from '../matchbox/group.js'
import type { Mac } from '../net/mac.js'

export interface Booting {
  readonly mac: Mac | undefined
  readonly group: Group | undefined
  readonly profile: Profile
  /** As the script named it. */
  readonly boot: NetBoot | undefined
}

const remembered = 4096

export class BootingMachines {
  readonly #byAddress = new Map<string, Booting>()

  scriptServed (ip: string, booting: Booting): void {
    this.#byAddress.delete(ip)
    this.#byAddress.set(ip, booting)
    if (this.#byAddress.size > remembered) this.#byAddress.delete(this.#byAddress.keys().next().value!)
  }

  /** What `path` (/assets/...) is to the machine at `ip`. */
  lookUp (ip: string, path: string): (Booting & { readonly kind: 'kernel' | 'initrd' }) | undefined {
    const booting = this.#byAddress.get(ip)
    const kind = booting?.boot === undefined ? undefined : bootFileKind(booting.boot, path)
    return booting === undefined || kind === undefined ? undefined : { ...booting, kind }
  }
}

/** What `path` (/assets/...) is to a machine that boots this; undefined for neither. */
export function bootFileKind ({ kernel, initrd }: NetBoot, path: string): 'kernel' | 'initrd' | undefined {
  if (names(kernel, path)) return 'kernel'
  return initrd.some(line => names(line, path)) ? 'initrd' : undefined
}

/** Whether a URL, with options before it or not, ends in that path; it may be relative to the script's. */
function names (text: string, path: string): boolean {
  const url = text.trim().split(/\s+/).at(-1)!.split(/[?#]/, 1)[0]!
  return url.endsWith(path) || `/${url}` === path
}

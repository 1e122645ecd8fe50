// What a machine boots now: from the network what its profile says, or from its own disk, because its group says so or
// because it was installed with just this. One function, asked by everything that answers machines: /ipxe, /grub, and the
// files made for loaders by TFTP and HTTP alike.
import { createHash } from 'node:crypto'
import type { Group } from './group.js'
import { type DiskReason, type LocalBoot, localBootOf } from './local-boot.js'
import { flagOf, textOf } from './metadata-values.js'
import type { NetBoot, Profile } from './profile.js'

/** What is remembered of machines and bears on what they get. */
export interface MachinePast {
  /** `bootedAs` of what the machine booted when it was installed; undefined for one that is not, as far as is known. */
  readonly installedAs: (mac: string) => string | undefined
  /** Its architecture in iPXE's word (`x86_64`, `arm64`), as its firmware told it to DHCP; undefined for one that never did. */
  readonly architectureOf: (mac: string) => string | undefined
  /** Whether no other provisioner can know of an installation that this one does not; without it none can. */
  readonly isCertain?: () => boolean
  /** Fulfilled when `installedAs` tells what any provisioner was told before the call; rejected when that can't be found out. */
  readonly settle?: (mac: string) => Promise<void>
}

/** Nothing is remembered of any machine. */
export const noPast: MachinePast = { installedAs: () => undefined, architectureOf: () => undefined }

export const installOnceKey = 'install_once'
const reinstallKey = 'reinstall'

export interface BootDecision {
  /** How the machine starts from its disk, and why; undefined: it boots from the network. */
  readonly fromDisk: FromDisk | undefined
  /** What stands for all that this machine would boot and be configured with, where the group installs once. */
  readonly bootedAs: string | undefined
  /** What in the metadata cannot be made out. */
  readonly problem?: string | undefined
}

export interface FromDisk { readonly how: LocalBoot, readonly why: DiskReason }

/**
 * `profile` as the store has it, with aliases of assets as they are written: an image that is newer by the same name
 * installs nobody again.
 */
export function decideBoot (group: Group, profile: Profile | undefined, mac: string | undefined, past: MachinePast): BootDecision {
  const { localBoot, problem } = localBootOf(group)
  const once = flagOf(group, installOnceKey)
  const bootedAs = once.value === true && profile?.boot !== undefined ? fingerprint(group, profile, profile.boot) : undefined
  if (localBoot !== undefined) return { fromDisk: { how: localBoot, why: 'group' }, bootedAs, problem }
  if (bootedAs !== undefined && mac !== undefined && past.installedAs(mac) === bootedAs) return { fromDisk: { how: 'auto', why: 'installed' }, bootedAs }
  // A disk that is written over by mistake is worse than a machine that has to wait.
  if (bootedAs !== undefined && past.isCertain?.() === false) return { fromDisk: { how: 'auto', why: 'uncertain' }, bootedAs, problem: uncertain }
  return { fromDisk: undefined, bootedAs, problem: problem ?? once.problem }
}

const uncertain = 'it starts from its disk, since the group has install_once and whether another provisioner installed it cannot be found out: etcd is away'

/** A group may be asked for again and again by what it boots: the metadata `reinstall` is part of it, and says nothing else. */
const fingerprint = (group: Group, { id, ignitionId, cloudId, genericId }: Profile, { kernel, initrd, args }: NetBoot): string =>
  createHash('sha256').update(JSON.stringify([id, kernel, initrd, args, ignitionId, cloudId, genericId, textOf(group, reinstallKey)])).digest('hex').slice(0, 24)

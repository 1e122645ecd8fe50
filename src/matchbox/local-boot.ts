// Machines that are to start from their own disk although they booted from the network: the group's metadata
// `boot_from_disk` says how, since no one way works on every firmware.
import type { Group } from './group.js'
import { textOf } from './metadata-values.js'

/**
 * `exit` hands back to the firmware, which goes on to the next entry of its boot order; `sanboot` starts the first disk
 * itself, for a BIOS whose order has no disk; `404` refuses the script, for loaders that only go on when one fails; `auto`
 * is `exit` under UEFI and `sanboot` on a BIOS.
 */
export const localBoots = ['exit', 'sanboot', '404', 'auto'] as const
export type LocalBoot = typeof localBoots[number]

/** Why a machine is left to its disk, as whoever stands before it is told. */
export const diskReasons = {
  group: 'its group says so (boot_from_disk)',
  installed: 'it was installed with what it would boot (install_once)',
  uncertain: 'whether it was installed (install_once) cannot be found out, since etcd is away'
} as const
export type DiskReason = keyof typeof diskReasons
export const diskNotice = (why: DiskReason): string => `Starting from the local disk: ${diskReasons[why]}`

const localBootKey = 'boot_from_disk'

/** Undefined for a group that boots from the network; `problem` when its metadata says what cannot be made out. */
export function localBootOf (group: Group): { readonly localBoot: LocalBoot | undefined, readonly problem?: string } {
  const text = textOf(group, localBootKey)
  if (text === '' || text === 'false') return { localBoot: undefined }
  if (text === 'true') return { localBoot: 'auto' }
  const localBoot = localBoots.find(name => name === text)
  return localBoot === undefined
    ? { localBoot, problem: `group ${group.id}: metadata ${localBootKey} is ${JSON.stringify(text)}, which is none of ${localBoots.join(', ')}` }
    : { localBoot }
}

/** iPXE's number of the first disk: the BIOS's own, which newer builds give to it under UEFI as well. */
export const startDisk = 'sanboot --no-describe --drive 0x80'

const ipxeCommands = {
  exit: 'exit',
  sanboot: `${startDisk} || exit 1`,
  auto: `iseq \${platform} efi && exit || ${startDisk} || exit 1`
} as const satisfies Readonly<Record<Exclude<LocalBoot, '404'>, string>>

export const renderLocalIpxe = (how: Exclude<LocalBoot, '404'>, why: DiskReason): string => `#!ipxe\necho ${diskNotice(why)}\n${ipxeCommands[how]}\n`

/** GRUB under UEFI hands back to the firmware; on a BIOS it starts the first disk, where there is nothing to hand back to. */
export const renderLocalGrub = (why: DiskReason): string => `default=0
timeout=1
menuentry "Local disk" {
echo "${diskNotice(why)}"
if [ "$grub_platform" = "efi" ]; then exit; fi
set root=(hd0)
chainloader +1
}
`

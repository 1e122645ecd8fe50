// PXELINUX's configuration (https://wiki.syslinux.org, "Config"): iPXE as a kernel, which then asks for its script, or the
// local disk. Without a menu the default starts at once; with one a person at the machine has two seconds.
//
// U-Boot and petitboot read the same files, and run no iPXE for x86: they get the kernel itself.
import { fillSettings, type KnownMachine, settingsOf, urlOfInitrd } from './ipxe-settings.js'
import type { FromDisk } from './boot-decision.js'
import { diskNotice, type DiskReason } from './local-boot.js'
import type { NetBoot } from './profile.js'

export interface PxelinuxOptions {
  /** Absolute URL of iPXE's first script. */
  readonly scriptUrl: string
  /** How the machine starts from its disk, and why; undefined for one that boots from the network. */
  readonly fromDisk: FromDisk | undefined
  /** Whether menu.c32 is there to be loaded. */
  readonly menu: boolean
  /** The folder PXELINUX was loaded from, ending in a slash; '' for the root, where ipxe.lkrn is. */
  readonly folder: string
}

/** Tenths of a second. */
const menuTimeout = 20

export function renderPxelinux ({ scriptUrl, fromDisk, menu, folder }: PxelinuxOptions): string {
  return [
    ...fromDisk === undefined ? [] : [`SAY ${diskNotice(fromDisk.why)}`],
    `DEFAULT ${fromDisk === undefined ? 'ipxe' : 'disk'}`,
    'PROMPT 0',
    ...menu ? ['UI menu.c32', `TIMEOUT ${menuTimeout}`, 'MENU TITLE Network boot'] : [],
    '',
    'LABEL ipxe',
    '  MENU LABEL Boot from the network',
    // Names are relative to PXELINUX's own folder; two colons take that away.
    `  KERNEL ${folder === '' ? '' : '::'}ipxe.lkrn`,
    `  APPEND dhcp && chain ${scriptUrl}`,
    '',
    'LABEL disk',
    '  MENU LABEL Boot from the local disk',
    // -1 hands back to the BIOS, which tries its next entry; 0 starts the disk after leaving the network card clean.
    `  LOCALBOOT ${fromDisk?.how === 'exit' ? '-1' : '0'}`,
    ''
  ].join('\n')
}

/**
 * The profile's kernel, initrd and arguments. Paths are the appliance's own: by TFTP U-Boot
 * finds /assets/ there. iPXE's names of the machine in arguments are replaced, since nobody else knows them.
 */
export function renderKernel (boot: NetBoot, known: KnownMachine): string {
  const args = boot.args.map(arg => fillSettings(arg, settingsOf(known)))
  const initrds = boot.initrd.map(urlOfInitrd).filter(entry => entry !== '')
  return [
    'DEFAULT linux',
    'PROMPT 0',
    '',
    'LABEL linux',
    `  KERNEL ${boot.kernel}`,
    ...initrds.length === 0 ? [] : [`  INITRD ${initrds.join(',')}`],
    ...args.length === 0 ? [] : [`  APPEND ${args.join(' ')}`],
    ''
  ].join('\n')
}

/** For the same who read no iPXE: not all of them know SAY, and all pass over a remark. */
export const renderDisk = (why: DiskReason): string => `# ${diskNotice(why)}\nDEFAULT disk\nPROMPT 0\n\nLABEL disk\n  LOCALBOOT 1\n`

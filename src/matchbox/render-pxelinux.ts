// PXELINUX's configuration (https://wiki.syslinux.org, "Config"): iPXE as a kernel, which then asks for its script, or the
// local disk. Without a menu the default starts at once; with one a person at the machine has two seconds.
import type { LocalBoot } from './local-boot.js'

export interface PxelinuxOptions {
  /** Absolute URL of iPXE's first script. */
  readonly scriptUrl: string
  /** How the machine starts from its disk; undefined for one that boots from the network. */
  readonly localBoot: LocalBoot | undefined
  /** Whether menu.c32 is there to be loaded. */
  readonly menu: boolean
  /** The folder PXELINUX was loaded from, ending in a slash; '' for the root, where ipxe.lkrn is. */
  readonly folder: string
}

/** Tenths of a second. */
const menuTimeout = 20

export function renderPxelinux ({ scriptUrl, localBoot, menu, folder }: PxelinuxOptions): string {
  return [
    `DEFAULT ${localBoot === undefined ? 'ipxe' : 'disk'}`,
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
    `  LOCALBOOT ${localBoot === 'exit' ? '-1' : '0'}`,
    ''
  ].join('\n')
}

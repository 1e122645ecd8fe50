// What the boot loader of a Raspberry Pi asks for below its serial number (raspberrypi.com, "Boot sequence", "Network booting"): a
// config.txt and a cmdline.txt that lead to the profile's own kernel, under names that are the same for every profile.
import { fillSettings, type KnownMachine, settingsOf, urlOfInitrd } from './ipxe-settings.js'
import { type Mac, parseMac } from '../net/mac.js'
import type { NetBoot } from './profile.js'

export interface BoardFile {
  /** Eight hex digits, the end of the board's serial number. */
  readonly serial: string | undefined
  readonly mac: Mac | undefined
  /** Below its folder. */
  readonly name: string
}

/**
 * `a1b2c3d4/start4.elf`, or by the address (TFTP_PREFIX of the EEPROM is 2) `dc-a6-32-01-36-c2/start4.elf`; undefined for what no
 * board asks for.
 */
export function boardFile (name: string): BoardFile | undefined {
  // The boot ROM of a Pi 3 has its first file at the root.
  if (name === 'bootcode.bin') return { serial: undefined, mac: undefined, name }
  const [, serial, address = '', rest] = /^(?:([0-9a-f]{8})|([0-9a-f]{2}(?:-[0-9a-f]{2}){5}))\/(.+)$/.exec(name) ?? []
  return rest === undefined ? undefined : { serial, mac: parseMac(address), name: rest }
}

/** The first of them that says what to boot. */
export const boardConfig = 'config.txt'
const kernelName = 'vmlinuz'
const initrdName = (index: number): string => `initrd${index === 0 ? '' : index}`

/** Which of the profile's images a name stands for. */
export function boardImage (name: string, boot: NetBoot): { readonly kind: 'kernel' | 'initrd', readonly url: string } | undefined {
  if (name === kernelName) return { kind: 'kernel', url: boot.kernel }
  const initrd = boot.initrd.find((_, index) => initrdName(index) === name)
  return initrd === undefined ? undefined : { kind: 'initrd', url: urlOfInitrd(initrd) }
}

/** The made file of that name; undefined for any other. `origin` is where the appliance is. */
export function renderBoardFile (name: string, boot: NetBoot, known: KnownMachine, origin: string): string | undefined {
  switch (name) {
    case boardConfig: return [
      '[all]',
      'arm_64bit=1',
      'enable_uart=1',
      `kernel=${kernelName}`,
      // The one line of this file that has no equals sign.
      ...boot.initrd.length === 0 ? [] : [`initramfs ${boot.initrd.map((_, index) => initrdName(index)).join(',')} followkernel`],
      ''
    ].join('\n')
    case 'cmdline.txt': {
      const values = { ...settingsOf(known), 'next-server': new URL(origin).hostname }
      return `${boot.args.filter(arg => !arg.startsWith('initrd=')).map(arg => fillSettings(arg, values)).join(' ')}\n`
    }
    default: return undefined
  }
}

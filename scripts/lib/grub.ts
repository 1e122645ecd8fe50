// GRUB as a network boot loader, made of the modules of Debian's packages, and profiles in the words it understands.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Firmware } from './qemu.js'

export type GrubFirmware = Extract<Firmware, `${string}-grub`>
export const isGrub = (firmware: Firmware): firmware is GrubFirmware => firmware.endsWith('-grub')

const modules = ['normal', 'configfile', 'net', 'tftp', 'http', 'linux', 'echo', 'test', 'minicmd', 'serial', 'terminal']

/**
 * `uefi-grub` finds the made grub.cfg by TFTP, as GRUB looks for it; `bios-grub` has it built in that it asks /grub by HTTP. What
 * both say goes to the serial port.
 */
const images = {
  'uefi-grub': { file: 'grubnetx64.efi', format: 'x86_64-efi', more: ['efinet', 'linuxefi'], ask: 'configfile (tftp)/grub.cfg' },
  'bios-grub': { file: 'grub.pxe', format: 'i386-pc-pxe', more: ['pxe', 'biosdisk'], ask: 'set root=http,$net_default_server\nconfigfile /grub?mac=$net_default_mac' }
} as const satisfies Readonly<Record<GrubFirmware, unknown>>

export const grubFile = (firmware: GrubFirmware): string => images[firmware].file

/** Puts the loader into `folder`. */
export function makeGrub (firmware: GrubFirmware, folder: string): void {
  const { file, format, more, ask } = images[firmware]
  const early = join(folder, 'early.cfg')
  writeFileSync(early, `serial --unit=0 --speed=115200\nterminal_output serial\n${ask}\n`)
  execFileSync('grub-mkimage', ['-O', format, '-o', join(folder, file), '-p', '/grub', '-c', early, ...modules, ...more], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** One for 64-bit ARM from `from`, which after HTTP Boot has no address yet and asks for one. `address` is where the appliance is. */
export function makeArmGrub (from: string, folder: string, address: string): void {
  const early = join(folder, 'early.cfg')
  writeFileSync(early, `net_bootp\nset net_default_server=${address}\nconfigfile (tftp)/grub.cfg\n`)
  const words = ['-O', 'arm64-efi', '-d', from, '-o', join(folder, 'grubaa64.efi'), '-p', '/grub', '-c', early]
  execFileSync('grub-mkimage', [...words, 'normal', 'configfile', 'net', 'tftp', 'http', 'efinet', 'linux', 'echo', 'test', 'minicmd'], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/**
 * A kernel argument of an iPXE profile for GRUB, which knows none of iPXE's settings and to which `&` ends a command. `origin` is
 * where the appliance is.
 */
export const grubArgument = (arg: string, origin: string): string => arg
  .replace(/http:\/\/\$\{next-server\}:\d+/, origin)
  .replace('uuid=${uuid}&', '') // eslint-disable-line no-template-curly-in-string
  .replace('${mac:hexhyp}', '$net_default_mac') // eslint-disable-line no-template-curly-in-string

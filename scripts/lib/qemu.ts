// One blank QEMU machine that has nothing to start from but its network card.
import { copyFileSync, existsSync, ftruncateSync, openSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import { writeUBootEnvironment } from './u-boot.js'

/**
 * How a machine starts: `bios`, SeaBIOS and the network card's iPXE; `bios-undionly`, `bios-pxelinux` and `bios-grub`, SeaBIOS and
 * an iPXE that is given to it as its kernel and fetches that loader by TFTP; `uefi`, OVMF's PXE; `uefi-grub`, the same with
 * GRUB for iPXE; `uefi-http`, OVMF's HTTP Boot.
 *
 * `secure-...` enforce Secure Boot with Microsoft's keys: `secure-ipxe`, iPXE that nobody signed; `secure-shim`, Debian's shim, GRUB and
 * kernel; `secure-shim-http`, the same by HTTP Boot; `arm64-...` likewise, on a 64-bit ARM machine. `snakeoil-ipxe` has the keys that
 * come with OVMF, and an iPXE that is signed with them.
 *
 * `uefi-https`, OVMF's HTTP Boot over TLS, with our authority among those it knows; `arm64-http`, HTTP Boot of an image of GRUB.
 * `arm64-u-boot` is a board: U-Boot, which reads PXELINUX's files and knows no HTTP.
 */
export const firmwares = [
  'bios', 'bios-undionly', 'bios-pxelinux', 'bios-grub', 'uefi', 'uefi-grub', 'uefi-http', 'uefi-https',
  'secure-ipxe', 'secure-shim', 'secure-shim-http', 'secure-shim-rom', 'snakeoil-ipxe', 'arm64-http', 'arm64-shim', 'arm64-shim-http',
  'arm64-u-boot'
] as const
export type Firmware = typeof firmwares[number]
export const isFirmware = (text: string): text is Firmware => firmwares.some(firmware => firmware === text)

export interface MachineOptions {
  readonly name: string
  readonly mac: string
  readonly firmware: Firmware
  /** The tap the network card is plugged into. */
  readonly tap: string
  /** Holds the machine's disk, its firmware variables and its serial log. */
  readonly folder: string
  /** Holds ipxe.lkrn. */
  readonly loaderFolder: string
  /** Unpacked packages. */
  readonly packages: string
  /** `tcg` is software emulation and works everywhere. */
  readonly accelerator: 'tcg' | 'kvm'
  /** Whether its disk stays as it is. */
  readonly keepDisk?: boolean
}

export interface MachineCommand { readonly program: string, readonly words: readonly string[], readonly serialLog: string }

const diskBytes = 256 * 1024 * 1024

// Debian's OVMF, the 4 MiB build of today and the 2 MiB one of older releases: the code, and the blank variable store
// that each machine gets a copy of.
const ovmf = [
  ['/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'],
  ['/usr/share/OVMF/OVMF_CODE.fd', '/usr/share/OVMF/OVMF_VARS.fd']
] as const
const withMicrosoftKeys = [['/usr/share/OVMF/OVMF_CODE_4M.ms.fd', '/usr/share/OVMF/OVMF_VARS_4M.ms.fd']] as const
const withSnakeoilKeys = [['/usr/share/OVMF/OVMF_CODE_4M.secboot.fd', '/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd']] as const

/** What is particular to a 64-bit ARM machine; its emulator and firmware are unpacked, not installed. */
const aavmf = (packages: string, keys: '' | '.ms') => [[
  join(packages, `qemu-efi-aarch64/usr/share/AAVMF/AAVMF_CODE${keys}.fd`), join(packages, `qemu-efi-aarch64/usr/share/AAVMF/AAVMF_VARS${keys}.fd`)
]] as const

const isArm = (firmware: Firmware): boolean => firmware.startsWith('arm64-')
const isSecure = (firmware: Firmware): boolean => /^(?:secure-|snakeoil-|arm64-shim)/.test(firmware)
const isHttp = (firmware: Firmware): boolean => /-https?$/.test(firmware)

/** Where a folder of machines has the certificate that `uefi-https` knows, as OVMF takes it. */
export const authorityFile = 'authority.esl'

// What an iPXE that is already there runs to get another loader going. PXELINUX looks for its files where the DHCP answer
// says that it came from: to iPXE that is a script's URL, so it is told otherwise.
const handOvers = {
  'bios-undionly': 'dhcp && chain tftp://${next-server}/undionly.kpxe', // eslint-disable-line no-template-curly-in-string
  'bios-pxelinux': 'dhcp && set net0/filename pxelinux.0 && chain tftp://${next-server}/pxelinux.0', // eslint-disable-line no-template-curly-in-string
  'bios-grub': 'dhcp && chain tftp://${next-server}/grub.pxe' // eslint-disable-line no-template-curly-in-string
} as const

function firmwareWords ({ firmware, name, mac, folder, loaderFolder, packages }: MachineOptions): string[] {
  // SeaBIOS is QEMU's default; without a screen it and iPXE write to the serial port.
  const bios = ['-machine', 'pc,graphics=off']
  if (firmware === 'bios') return bios
  if (firmware === 'bios-undionly' || firmware === 'bios-pxelinux' || firmware === 'bios-grub') {
    return [...bios, '-kernel', join(loaderFolder, 'ipxe.lkrn'), '-append', handOvers[firmware]]
  }
  if (firmware === 'arm64-u-boot') {
    const environment = join(folder, `${name}.env`)
    writeUBootEnvironment(environment, mac)
    return [
      '-machine', 'virt', '-cpu', 'cortex-a57', '-bios', join(packages, 'u-boot-qemu/usr/lib/u-boot/qemu_arm64/u-boot.bin'),
      '-drive', `if=pflash,format=raw,unit=1,file=${environment}`
    ]
  }
  const choices = isArm(firmware) ? aavmf(packages, isSecure(firmware) ? '.ms' : '') : firmware.startsWith('snakeoil-') ? withSnakeoilKeys : isSecure(firmware) ? withMicrosoftKeys : ovmf
  const found = choices.find(files => files.every(file => existsSync(file)))
  if (found === undefined) throw new Error(`no UEFI firmware: ${choices[0][0]} is not there (Debian's packages ovmf and qemu-efi-aarch64)`)
  const variables = join(folder, `${name}.vars`)
  copyFileSync(found[1], variables)
  return [
    ...isArm(firmware)
      ? ['-machine', 'virt', '-cpu', 'cortex-a57']
      // Only code in system management mode may write the keys.
      : ['-machine', isSecure(firmware) ? 'q35,smm=on' : 'q35', ...isSecure(firmware) ? ['-global', 'driver=cfi.pflash01,property=secure,value=on'] : []],
    '-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${found[0]}`,
    '-drive', `if=pflash,format=raw,unit=1,file=${variables}`,
    // Its boot order names the card, which then offers PXE before HTTP.
    ...isHttp(firmware)
      ? ['-fw_cfg', 'name=opt/org.tianocore/IPv4PXESupport,string=no', '-fw_cfg', 'name=opt/org.tianocore/IPv6PXESupport,string=no']
      : [],
    ...firmware === 'uefi-https' ? ['-fw_cfg', `name=etc/edk2/https/cacerts,file=${join(folder, authorityFile)}`] : []
  ]
}

/** Makes the machine's blank disk and gives the command that starts it; the machine ends when it powers off or reboots. */
export function prepareMachine (options: MachineOptions): MachineCommand {
  const { name, mac, firmware, tap, folder, packages } = options
  // KVM has no system management mode everywhere, and no other processors.
  const accelerator = isSecure(firmware) || isArm(firmware) ? 'tcg' : options.accelerator
  const disk = join(folder, `${name}.disk`)
  const serialLog = join(folder, `${name}.log`)
  const handle = openSync(disk, options.keepDisk === true ? 'a' : 'w')
  ftruncateSync(handle, diskBytes)
  closeSync(handle)
  return {
    program: isArm(firmware) ? join(packages, 'qemu-system-arm/usr/bin/qemu-system-aarch64') : 'qemu-system-x86_64',
    serialLog,
    words: [
      '-name', name,
      '-uuid', `00000000-0000-4000-8000-${mac.replaceAll(':', '')}`, '-nodefaults', '-display', 'none', '-no-reboot', '-m', isSecure(firmware) || isArm(firmware) ? '1024' : '512', '-accel', accelerator,
      // Nothing but the network card, and an end to it when that fails: the firmware then asks for a restart.
      '-boot', 'strict=on,reboot-timeout=1000',
      ...firmwareWords(options),
      '-netdev', `tap,id=network,ifname=${tap},script=no,downscript=no`,
      // Under UEFI the card's own iPXE is left out, so that the firmware's PXE stack does DHCP and TFTP.
      '-device', `virtio-net-pci,netdev=network,mac=${mac},bootindex=1${firmware.startsWith('bios') || firmware.endsWith('-rom') ? '' : ',romfile='}`,
      '-drive', `if=none,id=disk,format=raw,cache=unsafe,file=${disk}`,
      '-device', 'virtio-blk-pci,drive=disk,bootindex=2',
      // OVMF since edk2-stable202405 offers no PXE entry on a machine without a random number generator.
      '-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random',
      '-chardev', `file,id=serial,path=${serialLog}`, '-serial', 'chardev:serial'
    ]
  }
}

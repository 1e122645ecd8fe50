// A machine of QEMU on a bridge of a test's namespace, by the firmware that comes with QEMU and Debian: SeaBIOS and the network card's
// own iPXE, or OVMF. It starts from the network, and then from a disk that says so.
import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { namespaceProblem, type NetworkNamespace, type Running } from './netns.js'
import { bootSector } from './serial-program.js'
import { able, needs } from './tools.js'

const code = '/usr/share/OVMF/OVMF_CODE.fd'
const variables = '/usr/share/OVMF/OVMF_VARS.fd'

export interface RomMachine {
  /** `uefi`: OVMF, which has no disk here. */
  readonly firmware: 'bios' | 'uefi'
  readonly mac: string
  /** Holds its disk, or the variables of its firmware. */
  readonly folder: string
}

/** What a machine's serial port says when it starts from its disk. */
export const diskStarted = 'LOCAL DISK STARTED'

export function canStartMachines (t: Test, { uefi = false } = {}): boolean {
  return needs(t, 'qemu-system-x86_64') && able(t, namespaceProblem() ?? (!uefi || existsSync(code) ? undefined : 'OVMF is not installed (scripts/test installs it)'))
}

/** Switches it on; what it gives out is its serial port's. */
export function startMachine (space: NetworkNamespace, bridge: string, { firmware, mac, folder }: RomMachine): Running {
  const name = mac.replaceAll(':', '')
  // As long as the name of an interface may be.
  const tap = `tap${name}`
  space.ip('tuntap', 'add', tap, 'mode', 'tap')
  space.ip('link', 'set', tap, 'master', bridge, 'up')
  const file = join(folder, name)
  if (firmware === 'uefi') copyFileSync(variables, file)
  else writeFileSync(file, Buffer.concat([bootSector(diskStarted), Buffer.alloc(2 ** 20 - 512)]))
  return space.spawn('qemu-system-x86_64', '-display', 'none', '-serial', 'stdio', '-m', '256',
    '-netdev', `tap,id=n,ifname=${tap},script=no,downscript=no`, '-device', `virtio-net-pci,netdev=n,mac=${mac},bootindex=1${firmware === 'uefi' ? ',romfile=' : ''}`,
    ...firmware === 'uefi'
      ? ['-M', 'q35', '-drive', `if=pflash,format=raw,readonly=on,file=${code}`, '-drive', `if=pflash,format=raw,file=${file}`, '-device', 'virtio-rng-pci']
      : ['-M', 'pc,graphics=off', '-no-reboot', '-drive', `if=none,id=disk,format=raw,file=${file}`, '-device', 'virtio-blk-pci,drive=disk,bootindex=2'])
}

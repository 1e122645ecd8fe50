// The settings of U-Boot on QEMU's ARM board, as it keeps them: doc/usage/environment.rst and env/flash.c of U-Boot.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'

/** CONFIG_ENV_SIZE of qemu_arm64, and the size of the flash that it stands at the beginning of. */
const environmentBytes = 0x40000
const flashBytes = 64 * 2 ** 20

// Without them it would look for EFI programs; where things are put in memory is as it has it by itself.
const settings = {
  bootdelay: '0',
  autoload: 'no',
  bootcmd: 'dhcp; pxe get && pxe boot; poweroff',
  fdt_addr: '0x40000000',
  scriptaddr: '0x40200000',
  pxefile_addr_r: '0x40300000',
  kernel_addr_r: '0x40400000',
  ramdisk_addr_r: '0x44000000'
}

/** Writes the flash of a board that boots from the network as PXELINUX does; its network card has the address that stands there. */
export function writeUBootEnvironment (path: string, mac: string): void {
  const data = Buffer.alloc(environmentBytes - 4)
  data.write(Object.entries({ ...settings, ethaddr: mac }).map(([name, value]) => `${name}=${value}\0`).join(''), 'latin1')
  const sum = Buffer.alloc(4)
  sum.writeUInt32LE(crc32(data))
  const handle = openSync(path, 'w')
  writeSync(handle, Buffer.concat([sum, data]))
  ftruncateSync(handle, flashBytes)
  closeSync(handle)
}

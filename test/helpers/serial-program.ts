// The smallest programs that firmware and boot loaders start on a PC: they say a line on the first serial port and stand still.

/** Real-mode x86 code for any address. With `unless` first, which jumps on the zero flag, it stands still without a word. */
function saying (line: string, unless: readonly number[] = []): Buffer {
  const print = Buffer.from([
    0xe8, 0, 0, 0x5e, 0x83, 0xc6, 0x17, // call next; next: pop si; add si, line - next
    0xba, 0xf8, 0x03, // mov dx, 3f8h
    0x2e, 0xac, 0x84, 0xc0, 0x74, 0x03, // more: cs lodsb; test al, al; jz done
    0xee, 0xeb, 0xf7, // out dx, al; jmp more
    0x90, 0x90, 0x90, 0xfa, 0xf4, 0xeb, 0xfd // done: cli; stand: hlt; jmp stand
  ])
  const skip = unless.length === 0 ? [] : [...unless, 0x74, print.length - 4] // jz done
  return Buffer.concat([Buffer.from(skip), print, Buffer.from(`${line}\r\n\0`)])
}

/** The first sector of a disk that a BIOS can start. */
export function bootSector (line: string): Buffer {
  const sector = Buffer.alloc(512)
  saying(line).copy(sector)
  sector.writeUInt16LE(0xaa55, 510)
  return sector
}

/** A Linux kernel as far as its boot protocol goes (bzImage, 2.03); says nothing when it was given no initial file system. */
export function tinyKernel (line: string): Buffer {
  const image = Buffer.alloc(4096)
  image[0x1f1] = 1 // setup_sects
  image.writeUInt32LE((image.length - 1024) / 16, 0x1f4) // syssize
  image.writeUInt16LE(0xaa55, 0x1fe)
  image.writeUInt16LE(0x66eb, 0x200) // jmp over the header
  image.write('HdrS', 0x202, 'latin1')
  image.writeUInt16LE(0x0203, 0x206)
  image[0x211] = 1 // loadflags: the rest goes to 1 MiB
  image.writeUInt32LE(0x100000, 0x214) // code32_start
  image.writeUInt32LE(0x37ffffff, 0x22c) // initrd_addr_max
  saying(line, [0x66, 0x2e, 0x83, 0x3e, 0x1c, 0, 0]).copy(image, 0x268) // cmp dword cs:[ramdisk_size], 0
  return image
}

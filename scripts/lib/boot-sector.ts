// What the sandbox's installer writes to a disk: a boot sector that says on the serial port that it was started, and restarts the
// machine. 16-bit code at 0000:7c00, where a BIOS puts it.

/** What it says. */
export const diskSays = 'machine: started from its disk'

const code = Buffer.from([
  0xfa, // cli
  0x31, 0xc0, 0x8e, 0xd8, // xor ax, ax; mov ds, ax
  0xfc, // cld
  0xbe, 0x27, 0x7c, // mov si, text
  // next:
  0xac, 0x84, 0xc0, 0x74, 0x12, // lodsb; test al, al; jz end
  0x88, 0xc3, // mov bl, al
  0xba, 0xfd, 0x03, // mov dx, 0x3fd: the line status of the first serial port
  0xec, 0xa8, 0x20, 0x74, 0xfb, // wait: in al, dx; test al, 0x20; jz wait
  0x88, 0xd8, 0xba, 0xf8, 0x03, 0xee, // mov al, bl; mov dx, 0x3f8; out dx, al
  0xeb, 0xe9, // jmp next
  // end:
  0xb0, 0xfe, 0xe6, 0x64, // mov al, 0xfe; out 0x64, al: the keyboard controller pulls the reset line
  0xf4, 0xeb, 0xfd // halt: hlt; jmp halt
  // text:
])

export function bootSector (): Buffer {
  const sector = Buffer.alloc(512)
  code.copy(sector)
  sector.write(`\r\n${diskSays}\r\n\0`, code.length, 'latin1')
  sector.writeUInt16LE(0xaa55, 510)
  return sector
}

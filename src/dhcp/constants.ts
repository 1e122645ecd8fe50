// The numbers of DHCP by their names: RFC 951 (header), RFC 2131 (messages), RFC 4578 and IANA (client architectures).

export const ports = { server: 67, client: 68, bootServer: 4011 } as const

export const op = { bootRequest: 1, bootReply: 2 } as const

/** RFC 2131 section 2: the top bit of `flags` asks for a broadcast reply. */
export const broadcastFlag = 0x8000

/** RFC 2131 section 3: the first four octets of the options field. */
export const magicCookie = 0x63825363

/** Octets of a message's fixed part up to and including the cookie. */
export const headerLength = 240

/** RFC 1542 section 2.1: a BOOTP message is never shorter; some relay agents and ROMs drop one that is. */
export const minimumLength = 300

/**
 * No message is longer, in octets of UDP payload: option 57 of what boots asks for one Ethernet frame at most, and a jumbo frame's
 * worth of options has no use. What a stranger sends beyond it is not looked at.
 */
export const maximumLength = 4096

/** RFC 2131 section 2: what every client takes, as an IP datagram; less 28 octets of IP and UDP header it is 548. */
export const defaultDatagram = 576
export const ipUdpHeader = 28

/** RFC 2132 section 9.6, DHCP message type. */
export const messageTypes = {
  1: 'DISCOVER',
  2: 'OFFER',
  3: 'REQUEST',
  4: 'DECLINE',
  5: 'ACK',
  6: 'NAK',
  7: 'RELEASE',
  8: 'INFORM'
} as const
export type MessageType = typeof messageTypes[keyof typeof messageTypes]

export const messageTypeCodes = Object.fromEntries(
  Object.entries(messageTypes).map(([code, name]) => [name, Number(code)])
) as Readonly<Record<MessageType, number>>

export type Firmware = 'bios' | 'efi-ia32' | 'efi-x64' | 'efi-arm32' | 'efi-arm64'

export interface Architecture {
  readonly name: string
  /** Undefined where no loader of ours runs: these boards read files of their own. */
  readonly firmware?: Firmware
  readonly http: boolean
  /** iPXE's `buildarch` of the build for it, on a BIOS the one that it is given; the kernel's word where there is no iPXE. */
  readonly build: 'i386' | 'x86_64' | 'arm32' | 'arm64' | 'riscv32' | 'riscv64' | 'ppc64le'
}

/**
 * Client system architectures (RFC 4578 section 2.1 and IANA's "Processor Architecture Types"). 7 and 9 are both x64:
 * RFC 4578 printed them the wrong way round, and firmware sends either. `http` marks UEFI HTTP Boot.
 */
export const architectures: Readonly<Record<number, Architecture | undefined>> = {
  0: { name: 'x86 BIOS', firmware: 'bios', http: false, build: 'i386' },
  6: { name: 'x86 UEFI', firmware: 'efi-ia32', http: false, build: 'i386' },
  7: { name: 'x64 UEFI', firmware: 'efi-x64', http: false, build: 'x86_64' },
  9: { name: 'x64 UEFI (EBC number)', firmware: 'efi-x64', http: false, build: 'x86_64' },
  10: { name: 'ARM 32-bit UEFI', firmware: 'efi-arm32', http: false, build: 'arm32' },
  11: { name: 'ARM 64-bit UEFI', firmware: 'efi-arm64', http: false, build: 'arm64' },
  14: { name: 'POWER OPAL (petitboot)', http: false, build: 'ppc64le' },
  15: { name: 'x86 UEFI, boot from HTTP', firmware: 'efi-ia32', http: true, build: 'i386' },
  16: { name: 'x64 UEFI, boot from HTTP', firmware: 'efi-x64', http: true, build: 'x86_64' },
  18: { name: 'ARM 32-bit UEFI, boot from HTTP', firmware: 'efi-arm32', http: true, build: 'arm32' },
  19: { name: 'ARM 64-bit UEFI, boot from HTTP', firmware: 'efi-arm64', http: true, build: 'arm64' },
  20: { name: 'x86 BIOS, boot from HTTP', firmware: 'bios', http: true, build: 'i386' },
  21: { name: 'ARM 32-bit U-Boot', http: false, build: 'arm32' },
  22: { name: 'ARM 64-bit U-Boot', http: false, build: 'arm64' },
  23: { name: 'ARM 32-bit U-Boot, boot from HTTP', http: true, build: 'arm32' },
  24: { name: 'ARM 64-bit U-Boot, boot from HTTP', http: true, build: 'arm64' },
  25: { name: 'RISC-V 32-bit UEFI', http: false, build: 'riscv32' },
  27: { name: 'RISC-V 64-bit UEFI', http: false, build: 'riscv64' },
  41: { name: 'Raspberry Pi', http: false, build: 'arm64' }
}

/** The build for an architecture by its name here, as records of machines have it; undefined for none of these names. */
export const buildFor = (name: string): Architecture['build'] | undefined =>
  Object.values(architectures).find(architecture => architecture?.name === name)?.build

/** IANA's "ARM rpiboot". */
export const rpiBoot = 41

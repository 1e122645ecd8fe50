// The hardware address that the kernel has for one address on a link of this machine: ioctl(2) with SIOCGARP, arp(7). It costs the same
// however many neighbours there are; /proc/net/arp, which has all of them, takes the kernel 25 ms to write with ten thousand.
import type { InterfaceAddress } from './interfaces.js'
import { contains, type Ipv4 } from './ipv4.js'
import { constants, openLibc, sockaddrIn } from './libc.js'
import { macFromBytes, type Mac } from './mac.js'

/** `mac` is undefined where the kernel has asked nobody for the address, or was not answered. */
export interface ArpEntry { readonly mac: Mac | undefined }

export interface ArpLookup {
  /** Undefined for an address that is on no link by this machine's own addresses there, or when the kernel can't be asked. */
  readonly find: (ip: Ipv4) => ArpEntry | undefined
  readonly close: () => void
}

// struct arpreq of <linux/if_arp.h>: two socket addresses of 16 octets, flags (int), a mask of 16, the name of the interface.
const length = 68
const hardwareAt = 16 + 2
const flagsAt = 32
const nameAt = 52
const longestName = 15
const siocgarp = 0x8954
/** ATF_COM: it has its hardware address. */
const complete = 2
const arphrdEther = 1

/** `own` gives this machine's addresses; what it throws counts as none. */
export function openArpLookup (own: () => readonly InterfaceAddress[]): ArpLookup {
  const libc = openLibc()
  let fd = -1
  let closed = false
  const linksOf = (ip: Ipv4): readonly InterfaceAddress[] => {
    try {
      return own().filter(({ subnet }) => contains(subnet, ip))
    } catch {
      return []
    }
  }
  const ask = (ip: Ipv4, name: string): Mac | undefined => {
    const asked = Buffer.alloc(length)
    sockaddrIn(ip, 0).copy(asked)
    asked.write(name.slice(0, longestName), nameAt, 'latin1')
    // ENXIO says that it has no entry, ENODEV that the interface is gone.
    if (libc.ioctl(fd, siocgarp, asked) !== 0) return undefined
    const isWhole = (asked[flagsAt]! & complete) !== 0 && asked.readUInt16LE(16) === arphrdEther
    return isWhole ? macFromBytes(asked.subarray(hardwareAt, hardwareAt + 6)) : undefined
  }
  return {
    find: ip => {
      const here = linksOf(ip)
      if (here.length === 0) return undefined
      const { afInet, sockDgram, sockCloexec } = constants
      if (fd < 0 && !closed) fd = libc.socket(afInet, sockDgram | sockCloexec, 0)
      if (fd < 0) return undefined
      for (const { name } of here) {
        const mac = ask(ip, name)
        if (mac !== undefined) return { mac }
      }
      return { mac: undefined }
    },
    close: () => {
      closed = true
      if (fd >= 0) libc.close(fd)
      fd = -1
    }
  }
}

// Whether somebody uses an address already, found out without privileges. A datagram to it makes the kernel ask by ARP who
// has it, and /proc/net/arp shows the answer. What stands there before may be stale (Linux keeps entries of machines long
// gone), so such an address counts as used only when something comes back: the datagram goes to a port where nobody listens,
// and a host says so by ICMP, which a connected socket hears as ECONNREFUSED. So do hosts behind a router, which ARP can't see.
//
// No ICMP echo: it needs a raw socket (CAP_NET_RAW) or net.ipv4.ping_group_range, and a host that answers neither ARP nor a
// closed port answers no ping either. What is missed here the client finds by its own ARP check, and sends DECLINE.
import { createSocket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { formatIpv4, type Ipv4 } from './ipv4.js'
import { type Mac, parseMac } from './mac.js'

export type ConflictAnswer =
  | { readonly inUse: false }
  /** `by` is undefined when the host is behind a router. */
  | { readonly inUse: true, readonly by: Mac | undefined }

export interface ConflictProbe {
  /** Whether a machine other than `mac` uses the address; answers within `longestProbe` milliseconds and never rejects. */
  readonly ask: (ip: Ipv4, mac: Mac) => Promise<ConflictAnswer>
}

export const longestProbe = 300

/** When to look into the ARP table, in milliseconds after the datagram: a host on the link answers within a few. */
const looks = [10, 30, 60, 120, 200, longestProbe - 10] as const

/** RFC 863 discard: nobody listens there. */
const closedPort = 9

const free: ConflictAnswer = { inUse: false }

export const kernelConflictProbe: ConflictProbe = {
  ask: async (ip, mac) => {
    const before = await arpEntry(ip)
    if (before === mac) return free
    return await new Promise(resolve => {
      const timers: NodeJS.Timeout[] = []
      const socket = createSocket('udp4')
      const end = (answer: ConflictAnswer): void => {
        for (const timer of timers) clearTimeout(timer)
        socket.removeAllListeners('message')
        try { socket.close() } catch { /* it ended already */ }
        resolve(answer)
      }
      // ECONNREFUSED is an answer; EHOSTUNREACH says that ARP found nobody, and other refusals say nothing.
      const onError = (error: Error): void => {
        if ('code' in error && error.code === 'ECONNREFUSED') void arpEntry(ip).then(by => { end(by === mac ? free : { inUse: true, by }) })
      }
      const look = async (): Promise<void> => {
        const entry = await arpEntry(ip)
        if (entry === mac) end(free)
        else if (entry !== undefined && entry !== before) end({ inUse: true, by: entry })
      }
      socket.on('error', onError)
      socket.connect(closedPort, formatIpv4(ip), () => { socket.send('', error => { if (error !== null) onError(error) }) })
      for (const milliseconds of looks) timers.push(setTimeout(() => { void look() }, milliseconds))
      timers.push(setTimeout(() => { end(free) }, longestProbe))
    })
  }
}

/** ATF_COM of <linux/if_arp.h>: the entry has its hardware address. */
const complete = 2

/** The hardware address that the kernel has for an address on a link of this machine. */
export async function arpEntry (ip: Ipv4, file = '/proc/net/arp'): Promise<Mac | undefined> {
  const wanted = formatIpv4(ip)
  const table = await readFile(file, 'utf8').catch(() => '')
  for (const line of table.split('\n')) {
    const [address, , flags, hardware = ''] = line.split(/ +/)
    if (address === wanted && (Number(flags) & complete) !== 0) return parseMac(hardware)
  }
  return undefined
}

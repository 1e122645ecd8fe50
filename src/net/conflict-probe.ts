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
const looks = [20, 60, 150, longestProbe - 20] as const

/** RFC 863 discard: nobody listens there. */
const closedPort = 9

const free: ConflictAnswer = { inUse: false }

/**
 * For how long one reading of the ARP table serves all that look: a boot storm asks for hundreds of addresses at once, and
 * a full table takes the kernel a millisecond to write.
 */
const shared = 40

export function createConflictProbe (): ConflictProbe {
  let reading: { readonly at: number, readonly table: Promise<ArpTable> } | undefined
  const arpEntry = async (ip: Ipv4): Promise<Mac | undefined> => {
    const now = performance.now()
    if (reading === undefined || now - reading.at > shared) reading = { at: now, table: readArpTable() }
    return (await reading.table).get(formatIpv4(ip))
  }
  return {
    ask: async (ip, mac) => {
      const before = await arpEntry(ip)
      return before === mac ? free : await askHost(ip, mac, before, arpEntry)
    }
  }
}

/** `before` is what the ARP table said of the address until now. */
async function askHost (
  ip: Ipv4, mac: Mac, before: Mac | undefined, arpEntry: (ip: Ipv4) => Promise<Mac | undefined>
): Promise<ConflictAnswer> {
  return await new Promise(resolve => {
    const timers: NodeJS.Timeout[] = []
    const socket = createSocket('udp4')
    let ended = false
    const end = (answer: ConflictAnswer): void => {
      if (ended) return
      ended = true
      for (const timer of timers) clearTimeout(timer)
      socket.close()
      resolve(answer)
    }
    // ECONNREFUSED is an answer; EHOSTUNREACH says that ARP found nobody, and other refusals say nothing.
    const onError = (error: Error): void => {
      if (!('code' in error) || error.code !== 'ECONNREFUSED') return
      void readArpTable().then(table => {
        const by = table.get(formatIpv4(ip))
        end(by === mac ? free : { inUse: true, by })
      })
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

/** ATF_COM of <linux/if_arp.h>: the entry has its hardware address. */
const complete = 2

type ArpTable = ReadonlyMap<string, Mac>

/** The hardware addresses that the kernel has for addresses on the links of this machine. */
export async function readArpTable (file = '/proc/net/arp'): Promise<ArpTable> {
  return parseArpTable(await readFile(file, 'utf8').catch(() => ''))
}

export function parseArpTable (text: string): ArpTable {
  const table = new Map<string, Mac>()
  for (const line of text.split('\n')) {
    const [address = '', , flags, hardware = ''] = line.split(/ +/)
    const mac = (Number(flags) & complete) === 0 ? undefined : parseMac(hardware)
    if (mac !== undefined) table.set(address, mac)
  }
  return table
}

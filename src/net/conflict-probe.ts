// Whether somebody uses an address already, found out without privileges. A datagram to it makes the kernel ask by ARP who
// has it, and /proc/net/arp shows the answer. What stands there before may be stale (Linux keeps entries of machines long
// gone), so such an address counts as used only when something comes back: the datagram goes to a port where nobody listens,
// and a host says so by ICMP. So do hosts behind a router, which ARP can't see.
//
// Only the host's own word counts. A router that refuses for a network behind it (REJECT) sends the same ICMP from an address
// of its own, which only the socket's error queue tells (ip(7), IP_RECVERR); and one that does proxy ARP answers for every
// address with its one MAC.
//
// No ICMP echo: it needs a raw socket (CAP_NET_RAW) or net.ipv4.ping_group_range, and a host that answers neither ARP nor a
// closed port answers no ping either. What is missed here the client finds by its own ARP check, and sends DECLINE.
import { readFile } from 'node:fs/promises'
import type { ArpLookup } from './arp-lookup.js'
import { formatIpv4, type Ipv4 } from './ipv4.js'
import { constants, intBuffer, openLibc, sockaddrIn } from './libc.js'
import { type Mac, parseMac } from './mac.js'
import { unwaited } from '../base/errors.js'

export type ConflictAnswer =
  | { readonly inUse: false }
  /** `by` is undefined when the host is behind a router. */
  | { readonly inUse: true, readonly by: Mac | undefined }

export interface ConflictProbe {
  /** Whether a machine other than `mac` uses the address; answers within some 300 ms, and never rejects. */
  readonly ask: (ip: Ipv4, mac: Mac) => Promise<ConflictAnswer>
}

/** By whom it is used, for people. */
export const byWhom = (answer: ConflictAnswer): string => (answer.inUse ? answer.by : undefined) ?? 'a host behind a router'

const longestProbe = 300

/** How often the answers are looked at, in milliseconds, while there are questions; what ARP found out every second time. */
const lookEvery = 20

/** RFC 863 discard: nobody listens there. */
const closedPort = 9

const free: ConflictAnswer = { inUse: false }

/** A MAC that has answered for so many addresses answers for all of them. */
const proxyFrom = 3
/** How many MACs are remembered as having answered. */
const rememberedMacs = 256

interface Question {
  readonly ip: Ipv4
  readonly mac: Mac
  readonly asked: number
  /** What the ARP table said of the address until then. */
  readonly before: Mac | undefined
  readonly answer: (answer: ConflictAnswer) => void
}

const isOver = ({ asked }: Question, now: number): boolean => now - asked >= longestProbe - lookEvery

export interface ConflictProbeOptions {
  /** What the kernel has found out by ARP of one address; undefined for one that has to be looked for in the table of all. */
  readonly find?: ArpLookup['find']
  readonly read?: () => Promise<ArpTable>
}

/** `close` answers what is asked still, and lets go of the socket. */
export const createConflictProbe = (options: ConflictProbeOptions = {}): ConflictProbe & { readonly close: () => void } =>
  new Probe(options)

/** One socket and one timer for all questions: a boot storm asks for hundreds of addresses at once. */
class Probe implements ConflictProbe {
  readonly #find: ArpLookup['find']
  readonly #read: () => Promise<ArpTable>
  readonly #questions = new Set<Question>()
  readonly #answeredFor = new Map<Mac, Set<Ipv4>>()
  #fd: number | undefined
  #timer: NodeJS.Timeout | undefined
  #looks = 0
  #looking = false
  #table: { readonly at: number, readonly reading: Promise<ArpTable> } | undefined
  #closed = false

  constructor ({ find = () => undefined, read = readArpTable }: ConflictProbeOptions) {
    this.#find = find
    this.#read = read
  }

  async ask (ip: Ipv4, mac: Mac): Promise<ConflictAnswer> {
    const found = this.#find(ip)
    const before = found === undefined ? (await this.#readTable()).get(formatIpv4(ip)) : found.mac
    // Without a socket (no descriptor is left) nobody can be asked.
    if (before === mac || this.#closed || !this.#send(ip)) return free
    return await new Promise(resolve => {
      this.#questions.add({ ip, mac, asked: performance.now(), before, answer: resolve })
      this.#timer ??= setInterval(() => { unwaited(this.#look()) }, lookEvery)
    })
  }

  close (): void {
    this.#closed = true
    clearInterval(this.#timer)
    for (const question of this.#questions) this.#end(question, free)
    if (this.#fd !== undefined) openLibc().close(this.#fd)
    this.#fd = undefined
  }

  #send (ip: Ipv4): boolean {
    this.#fd ??= openErrorSocket()
    if (this.#fd === undefined) return false
    sendTo(this.#fd, ip)
    return true
  }

  async #look (): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      await this.#answer()
    } finally {
      // Or no question would ever be answered again.
      this.#looking = false
    }
    if (this.#questions.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #answer (): Promise<void> {
    const refused = this.#refusals()
    const [oldest] = this.#questions
    const now = performance.now()
    // Whoever was held for longer than a question lasts has not looked yet.
    const looksAtTable = this.#looks++ % 2 === 0 || refused.size > 0 || (oldest !== undefined && isOver(oldest, now))
    const found = new Map(looksAtTable ? [...this.#questions].map(({ ip }) => [ip, this.#find(ip)] as const) : [])
    const table = [...found.values()].includes(undefined) ? await this.#readTable(refused.size > 0) : undefined
    for (const question of this.#questions) {
      const entry = found.get(question.ip)?.mac ?? table?.get(formatIpv4(question.ip))
      if (refused.has(question.ip)) this.#end(question, entry === question.mac ? free : this.#usedBy(question.ip, entry))
      else if (entry === question.mac) this.#end(question, free)
      else if (entry !== undefined && entry !== question.before) this.#end(question, this.#usedBy(question.ip, entry))
      else if (isOver(question, now)) this.#end(question, free)
    }
  }

  /** Addresses whose own host refused the datagram. EHOSTUNREACH says that ARP found nobody, and other errors say nothing. */
  #refusals (): ReadonlySet<Ipv4> {
    const found = new Set<Ipv4>()
    const libc = openLibc()
    if (this.#fd === undefined) return found
    // Bounded: somebody may send them faster than they are read.
    for (let n = 0; n < 1024; n++) {
      const error = libc.nextError(this.#fd)
      if (error === undefined) break
      if (error.errno === 'ECONNREFUSED' && error.offender === error.destination) found.add(error.destination)
    }
    return found
  }

  #usedBy (ip: Ipv4, by: Mac | undefined): ConflictAnswer {
    if (by === undefined) return { inUse: true, by }
    const addresses = this.#answeredFor.get(by) ?? new Set()
    this.#answeredFor.delete(by)
    this.#answeredFor.set(by, addresses)
    if (addresses.size < proxyFrom) addresses.add(ip)
    if (this.#answeredFor.size > rememberedMacs) this.#answeredFor.delete(this.#answeredFor.keys().next().value as Mac)
    return addresses.size >= proxyFrom ? free : { inUse: true, by }
  }

  #end (question: Question, answer: ConflictAnswer): void {
    this.#questions.delete(question)
    question.answer(answer)
  }

  /** One reading serves all that look within 40 ms: a full table takes the kernel a millisecond to write. */
  async #readTable (anew = false): Promise<ArpTable> {
    const now = performance.now()
    if (anew || this.#table === undefined || now - this.#table.at > 2 * lookEvery - 1) this.#table = { at: now, reading: this.#read() }
    return await this.#table.reading
  }
}

/** Not bound, and told of ICMP errors; undefined when there is none to be had. */
export function openErrorSocket (): number | undefined {
  const { afInet, sockDgram, sockCloexec, sockNonblock, solIp, ipRecvErr } = constants
  const libc = openLibc()
  const fd = libc.socket(afInet, sockDgram | sockCloexec | sockNonblock, 0)
  if (fd < 0) return undefined
  const on = intBuffer(1)
  libc.setsockopt(fd, solIp, ipRecvErr, on, on.length)
  return fd
}

/** An empty datagram to the address, which is not worth more than three tries. */
export function sendTo (fd: number, ip: Ipv4): void {
  const to = sockaddrIn(ip, closedPort)
  // An error of an earlier datagram is told by the next send, which then sends nothing.
  for (let tries = 0; tries < 3; tries++) {
    if (openLibc().sendto(fd, null, 0, constants.msgDontWait, to, to.length) >= 0) return
  }
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

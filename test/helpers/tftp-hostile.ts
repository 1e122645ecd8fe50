// The whole program under bad TFTP input on real sockets: what arrived, what was answered, and what memory it took.
//
// It begins with clients that confirm their first block and stay: of one address until it has what it may have, an honest client being
// served beside them, then of ten until the server is full. Each round then has two halves, and ends when the clients that vanished
// are forgotten: in the first half those come from one address, in the second from several; how full it gets is up to the machine's load.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../src/base/clock.js'
import { unwaited } from '../../src/base/errors.js'
import type { Endpoint } from '../../src/net/endpoint.js'
import { kernelUdp, type UdpSocket } from '../../src/net/udp.js'
import { decodePacket, encodePacket, type Packet } from '../../src/tftp/packet.js'
import { Program } from './program.js'
import { random, randomBytes } from './random.js'
import { readFile } from './tftp-client.js'
import { absurdOptions, badKinds, badPackets, below, type Chance, oneOf, requestOf } from './tftp-malformed.js'

export interface HostileOptions {
  readonly rounds: number
  /** Of each round. */
  readonly count: number
  readonly seed: number
  /** An empty folder; its path is short, since a Unix socket goes there. */
  readonly folder: string
  readonly onRound?: (round: number, memory: Memory) => void
}

/** Resident memory in MiB: the most during a round, and after it. */
export interface Memory { readonly most: number, readonly after: number }

export interface HostileResult {
  /** Exchanges of each kind, and of each answer. */
  readonly sent: Readonly<Record<string, number>>
  readonly answers: Readonly<Record<string, number>>
  /** What the server should have counted by the answers, and what it did count, by result. */
  readonly expected: Readonly<Record<string, number>>
  readonly counted: Readonly<Record<string, number>>
  /** What was not answered as it should be, the first hundred. */
  readonly mistakes: readonly string[]
  /** Transfers that were under way when the next request had to wait: of one client, of all. */
  readonly bounds: { readonly client: number, readonly all: number }
  /** Files that honest clients read whole. */
  readonly reads: { readonly whole: number }
  readonly memory: readonly Memory[]
  readonly seconds: number
}

const fileName = 'loader.efi'
const fileSize = 300_000
/** Bad input goes on this many sockets at once. */
const workers = 32
const vanishing = 0.3
const hangingUp = 0.1
const honest = 0.005

/** A datagram's answer is on its way for no longer than this, in milliseconds, on loopback and a busy machine. */
const patience = 10_000

type Answer = { readonly packet: Packet, readonly from: Endpoint } | undefined

/** A socket that asks, and wonders about datagrams for which it did not ask. */
class Stranger {
  readonly #socket: UdpSocket
  #answered: ((answer: Answer) => void) | undefined
  /** Datagrams that nobody waited for. */
  stray = 0

  private constructor (socket: UdpSocket) { this.#socket = socket }

  static async open (address: string, port = 0): Promise<Stranger> {
    const stranger: Stranger = new Stranger(await kernelUdp.bind({ address, port }, (data, from) => {
      if (stranger.#answered === undefined) stranger.stray++
      else stranger.#answered({ packet: decodePacket(data), from })
    }))
    return stranger
  }

  send (bytes: Buffer, to: Endpoint): void { this.#socket.send(bytes, to) }

  /** The first datagram that comes back; undefined when none does. */
  async ask (bytes: Buffer, to: Endpoint): Promise<Answer> {
    return await new Promise(resolve => {
      const late = setTimeout(() => { this.#answered?.(undefined) }, patience)
      this.#answered = answer => {
        clearTimeout(late)
        this.#answered = undefined
        resolve(answer)
      }
      this.send(bytes, to)
    })
  }

  close (): Promise<void> { return this.#socket.close() }
}

const told = (answer: Answer): string =>
  answer === undefined ? 'silence' : answer.packet.opcode === 'ERROR' ? `ERROR ${answer.packet.code}` : answer.packet.opcode

class Flood {
  readonly server: Endpoint
  readonly #seed: number
  readonly #digest: string
  readonly #size: number
  readonly sent: Record<string, number> = {}
  readonly answers: Record<string, number> = {}
  readonly expected: Record<string, number> = {}
  readonly mistakes: string[] = []
  readonly reads = { whole: 0 }
  #vanished = 0
  #next = 0

  constructor (server: Endpoint, seed: number, content: Buffer) {
    this.server = server
    this.#seed = seed
    this.#digest = digestOf(content)
    this.#size = content.length
  }

  /** Sends the next `count`; `crowd` is how many addresses vanishing clients have. */
  async send (count: number, crowd: number): Promise<void> {
    const end = this.#next + count
    await Promise.all(Array.from({ length: workers }, async (_, worker) => {
      const stranger = await Stranger.open(`127.45.1.${worker + 1}`)
      while (this.#next < end) {
        const n = this.#next++
        const chance = random(this.#seed + n)
        const what = chance()
        if (what < vanishing) await this.#vanish(chance, n, crowd)
        else if (what < vanishing + hangingUp) await this.#hangUp(chance, n, stranger)
        else if (what < vanishing + hangingUp + honest) await this.read()
        else await this.#bad(chance, n, stranger)
      }
      if (stranger.stray > 0) this.#mistake(end, `${stranger.stray} datagrams that nobody asked for`)
      await stranger.close()
    }))
  }

  /**
   * Clients of these addresses take places and keep them until one has to wait, which `waits` counts; then `meanwhile`, and all of
   * them hang up, which has that one served. Gives how many had a place.
   */
  async fill (addresses: readonly string[], waits: () => Promise<number>, meanwhile: () => Promise<void>): Promise<number> {
    const holders: Array<{ readonly client: Stranger, readonly transfer: Endpoint }> = []
    const before = await waits()
    let last: { readonly client: Stranger, readonly asked: Promise<Answer> } | undefined
    for (let n = 0; n < 5000 && last === undefined; n++) {
      const client = await this.#freshClient(addresses[n % addresses.length]!)
      const asked = client.ask(requestOf(1, fileName, 'octet', 'timeout', '255'), this.server)
      const answer = await Promise.race([asked, grown(waits, before, asked)])
      if (answer === 'waits') last = { client, asked }
      else await this.#stay(n, client, answer, holders)
    }
    const places = holders.length
    await meanwhile()
    this.#hangUpAll(holders.splice(0))
    if (last !== undefined) {
      await this.#stay(places, last.client, await last.asked, holders)
      this.#hangUpAll(holders)
    }
    return places
  }

  async #stay (n: number, client: Stranger, answer: Answer, holders: Array<{ readonly client: Stranger, readonly transfer: Endpoint }>): Promise<void> {
    this.#check(n, 'stays', answer, 'OACK')
    if (answer === undefined) return
    this.#check(n, 'stays', await client.ask(encodePacket({ opcode: 'ACK', block: 0 }), answer.from), 'DATA')
    holders.push({ client, transfer: answer.from })
  }

  #hangUpAll (holders: ReadonlyArray<{ readonly client: Stranger, readonly transfer: Endpoint }>): void {
    for (const { client, transfer } of holders) {
      client.send(encodePacket({ opcode: 'ERROR', code: 8, message: 'enough' }), transfer)
      count(this.expected, 'aborted')
      unwaited(client.close())
    }
  }

  /** One honest read. */
  async read (): Promise<void> {
    try {
      const options = [['blksize', '1468'], ['windowsize', '8']] as const
      const { content } = await readFile(kernelUdp, { server: this.server, address: '127.45.0.9', file: fileName, options, clock: systemClock })
      this.reads.whole++
      if (digestOf(content) !== this.#digest) this.#mistake(this.#next, 'an honest client was given another file')
      count(this.expected, 'done')
    } catch (error) {
      this.#mistake(this.#next, `an honest client was not served: ${String(error)}`)
    }
  }

  /** A single bad datagram. Behind one that is met with silence goes a write request, whose answer has to be the first that comes. */
  async #bad (chance: Chance, n: number, stranger: Stranger): Promise<void> {
    const kind = oneOf(chance, badKinds)
    const { bytes, error, counted } = badPackets[kind](chance)
    if (error !== undefined) {
      const answer = await stranger.ask(bytes, this.server)
      count(this.expected, counted)
      return this.#check(n, kind, answer, `ERROR ${error}`)
    }
    count(this.expected, counted)
    stranger.send(bytes, this.server)
    const fence = await stranger.ask(requestOf(2, 'fence', 'octet'), this.server)
    count(this.expected, 'refused')
    this.#check(n, kind, told(fence) === 'ERROR 2' ? undefined : fence, 'silence')
  }

  /** A client that asks for a file, answers nothing or once, and is gone. */
  async #vanish (chance: Chance, n: number, crowd: number): Promise<void> {
    // Two seconds at a time, six times, until the server gives it up.
    const options = oneOf(chance, [['timeout', '2'], ['timeout', '2', 'blksize', '1468', 'windowsize', '32'], ['timeout', '2', 'tsize', '0']])
    const stranger = await this.#freshClient(`127.45.2.${1 + n % crowd}`)
    const answer = await stranger.ask(requestOf(1, fileName, 'octet', ...options), this.server)
    this.#check(n, 'vanishes', answer, 'OACK')
    // On a busy machine it may have given way by then: a late ACK is met with silence.
    const heard = chance() < 0.3 && answer !== undefined && await stranger.ask(encodePacket({ opcode: 'ACK', block: 0 }), answer.from) !== undefined
    count(this.expected, heard ? 'failed' : 'vanished')
    await stranger.close()
  }

  /** A client that asks with absurd options, sends nonsense to the transfer's port, is joined there by another, and hangs up. */
  async #hangUp (chance: Chance, n: number, other: Stranger): Promise<void> {
    const all = absurdOptions(this.#size)
    const asked = new Map(Array.from({ length: below(chance, 5) }, () => oneOf(chance, all)).map(option => [option[0].toLowerCase(), option]))
    const options = [...asked.values()]
    const words = options.flatMap(([name, value]) => [name, value])
    const request = requestOf(1, fileName, 'octet', ...words)
    if (request.length > 512) return await this.#bad(chance, n, other)
    const stranger = await this.#freshClient(`127.45.3.${1 + n % 200}`)
    const answer = await stranger.ask(request, this.server)
    const granted = options.flatMap(([name, , answer]) => answer === undefined ? [] : [[name, answer]])
    this.#check(n, 'hangs up', answer, granted.length > 0 ? 'OACK' : 'DATA')
    if (answer?.packet.opcode === 'OACK' && JSON.stringify(answer.packet.options) !== JSON.stringify(granted)) {
      this.#mistake(n, `${words.join(' ')}: answered ${answer.packet.options.flat().join(' ')}`)
    }
    if (answer !== undefined) {
      const { from } = answer
      stranger.send(Buffer.from([0, 9, 9]), from)
      stranger.send(encodePacket({ opcode: 'ACK', block: 5000 }), from)
      stranger.send(encodePacket({ opcode: 'OACK', options: [] }), from)
      this.#check(n, 'stranger at a transfer', await other.ask(encodePacket({ opcode: 'ACK', block: 0 }), from), 'ERROR 5')
      stranger.send(encodePacket({ opcode: 'ERROR', code: 8, message: 'no' }), from)
    }
    count(this.expected, 'malformed')
    count(this.expected, 'foreign')
    count(this.expected, granted.some(([name]) => name === 'tsize') ? 'probe' : 'aborted')
    await stranger.close()
  }

  /** A port that none of the last clients had, so that none meets the transfer of another. */
  async #freshClient (address: string): Promise<Stranger> {
    for (;;) {
      const port = 2000 + this.#vanished++ % 60_000
      const stranger = await Stranger.open(address, port).catch(() => undefined)
      if (stranger !== undefined) return stranger
    }
  }

  #check (n: number, kind: string, answer: Answer, wanted: string): void {
    count(this.sent, kind)
    count(this.answers, told(answer))
    if (told(answer) !== wanted) this.#mistake(n, `${kind}: ${told(answer)}, not ${wanted}`)
  }

  #mistake (n: number, text: string): void {
    if (this.mistakes.length < 100) this.mistakes.push(`number ${n}: ${text}`)
  }
}

/** Resolves when more requests wait than did, while `asked` is not answered. */
async function grown (waits: () => Promise<number>, before: number, asked: Promise<Answer>): Promise<'waits'> {
  const known = { answered: false }
  unwaited(asked.then(() => { known.answered = true }))
  do await delay(100)
  while (!known.answered && await waits() <= before)
  return 'waits'
}

const count = (counts: Record<string, number>, name: string): void => { counts[name] = (counts[name] ?? 0) + 1 }
const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

export async function sendHostile ({ rounds, count, seed, folder, onRound }: HostileOptions): Promise<HostileResult> {
  const content = randomBytes(seed, fileSize)
  for (const name of ['data', 'tftp', 'state']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'tftp', fileName), content)
  const server = { address: '127.45.0.1', port: await freePort('127.45.0.1') }
  writeFileSync(join(folder, 'config.yaml'), `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${folder}/c
log_level: info
http: { address: "127.0.0.1:0" }
rpc: { address: "" }
tftp: { address: "${server.address}:${server.port}", root: ${folder}/tftp }
`)
  const program = new Program(['serve', '--config', join(folder, 'config.yaml')])
  try {
    const { url } = await program.logged('http.listen')
    await program.logged('appliance.ready')
    const counts = (): Promise<Record<string, number>> => transferCounts(String(url))
    const pid = program.child.pid ?? 0
    const flood = new Flood(server, seed, content)
    const started = performance.now()
    const memory: Memory[] = []
    await flood.read()
    const waits = async (): Promise<number> => (await counts())['waits'] ?? 0
    const ofOne = await flood.fill(['127.45.4.1'], waits, () => flood.read())
    await forgotten(flood.expected, counts)
    // So many that each has its share of the last quarter too. Nobody asks meanwhile: one of those that hold would give way, or not yet.
    const ofAll = await flood.fill(Array.from({ length: 10 }, (_, n) => `127.45.4.${n + 1}`), waits, async () => {})
    await forgotten(flood.expected, counts)
    for (let round = 1; round <= rounds; round++) {
      let most = 0
      const watch = setInterval(() => { most = Math.max(most, residentMemory(pid)) }, 200)
      await flood.send(Math.ceil(count * 0.6), 1)
      await flood.send(Math.floor(count * 0.4), 4)
      await forgotten(flood.expected, counts)
      clearInterval(watch)
      await flood.read()
      memory.push({ most, after: residentMemory(pid) })
      onRound?.(round, memory.at(-1)!)
    }
    const { sent, answers, expected, mistakes, reads } = flood
    // How many wait, ask again meanwhile, or give way and go on, is up to the machine's load.
    const { waits: _waits, duplicate: _duplicate, resumed = 0, ...counted } = await counts()
    if (resumed > 0) counted['vanished'] = (counted['vanished'] ?? 0) - resumed
    return { sent, answers, expected, counted, mistakes, bounds: { client: ofOne, all: ofAll }, reads, memory, seconds: (performance.now() - started) / 1000 }
  } finally {
    await program.end('SIGTERM')
  }
}

/** Waits until the server has given up all clients that vanished; a minute at most. */
async function forgotten (expected: Readonly<Record<string, number>>, counts: () => Promise<Record<string, number>>): Promise<void> {
  for (const end = performance.now() + 60_000; performance.now() < end; await delay(250)) {
    const now = await counts()
    if (['vanished', 'failed', 'aborted', 'probe'].every(result => (now[result] ?? 0) >= (expected[result] ?? 0))) return
  }
}

async function transferCounts (url: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Object.fromEntries([...text.matchAll(/^tftp_transfers_total\{result="(\w+)"\} (\d+)$/gm)].map(([, result = '', n]) => [result, Number(n)]))
}

async function freePort (address: string): Promise<number> {
  const socket = await kernelUdp.bind({ address, port: 0 }, () => {})
  await socket.close()
  return socket.local.port
}

/** MiB. */
function residentMemory (pid: number): number {
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)
}

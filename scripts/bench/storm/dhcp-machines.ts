// The DHCP of all machines of a storm, over one socket on port 68: each message carries its machine's hardware address and asks for a
// broadcast answer, as most PXE ROMs do (RFC 2131 section 4.1). A codec of its own, so that a fault of ours is not made twice.
import { createSocket, type Socket } from 'node:dgram'
import { Invariants } from './invariants.js'

export interface DhcpAnswer {
  readonly ip: string
  readonly server: string
  readonly bootFile: string
}

/** Times of one exchange, in milliseconds, and how many messages were sent beyond the first of each. */
export interface DhcpTimes { readonly offer: number, readonly ack: number, readonly repeats: number }

export interface DhcpMachinesOptions {
  /** Part of the datagrams that get lost, in either direction. */
  readonly loss?: number
  readonly port?: number
  readonly serverPort?: number
  /** How often a REQUEST is sent before the machine gives up. */
  readonly requestTries?: number
}

type Program = 'rom' | 'ipxe'

/** Milliseconds until the first repetition, which doubles: the PXE specification's 4 s, iPXE's 1 s. */
const patience = { rom: 4000, ipxe: 1000 } as const
const mostTries = 6

const octetsOf = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex')
const text = (ip: Buffer, at: number): string => `${ip[at]}.${ip[at + 1]}.${ip[at + 2]}.${ip[at + 3]}`
const option = (code: number, value: Buffer): Buffer => Buffer.concat([Buffer.from([code, value.length]), value])

const asked = option(55, Buffer.from([1, 3, 6, 12, 15, 43, 54, 60, 66, 67, 175]))
const sent: Readonly<Record<Program, Buffer>> = {
  rom: Buffer.concat([option(60, Buffer.from('PXEClient:Arch:00000:UNDI:002001')), option(93, Buffer.from([0, 0])), option(94, Buffer.from([1, 2, 1])), asked]),
  // What iPXE can do, in its option 175: HTTP (19), bzImage (24), menus (39).
  ipxe: Buffer.concat([
    option(60, Buffer.from('PXEClient:Arch:00000:UNDI:002001')), option(93, Buffer.from([0, 0])), option(94, Buffer.from([1, 2, 1])),
    option(77, Buffer.from('iPXE')), option(175, Buffer.from([19, 1, 1, 24, 1, 1, 39, 1, 1])), asked
  ])
}

interface Waiting { readonly mac: string, readonly kind: 2 | 5, readonly answer: (reply: Reply) => void }
interface Reply {
  readonly kind: number
  readonly mac: string
  readonly xid: number
  readonly ip: Buffer
  readonly server: Buffer
  readonly bootFile: string
  readonly lease: number
}

interface Exchanged { readonly reply: Reply, readonly repeats: number }

export class DhcpMachines {
  readonly invariants = new Invariants()
  readonly #socket: Socket
  readonly #waiting = new Map<number, Waiting>()
  readonly #asking = new Map<string, string>()
  readonly #loss: number
  readonly #serverPort: number
  readonly #requestTries: number
  #next = 1

  private constructor (socket: Socket, { loss = 0, serverPort = 67, requestTries = mostTries }: DhcpMachinesOptions) {
    this.#socket = socket
    this.#loss = loss
    this.#serverPort = serverPort
    this.#requestTries = requestTries
    socket.on('message', data => { this.#hear(data) })
  }

  static async open (options: DhcpMachinesOptions = {}): Promise<DhcpMachines> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 32 * 2 ** 20 })
    await new Promise<void>(resolve => { socket.bind(options.port ?? 68, resolve) })
    socket.setBroadcast(true)
    return new DhcpMachines(socket, options)
  }

  close (): void { this.#socket.close() }

  /** DISCOVER, OFFER, REQUEST, ACK; rejects when there is no answer. */
  async lease (mac: string, program: Program): Promise<DhcpAnswer & DhcpTimes> {
    const xid = this.#next++ >>> 0
    const began = performance.now()
    const offer = await this.#exchange(mac, xid, program, 2, Buffer.concat([option(53, Buffer.from([1])), sent[program]]))
    const offered = performance.now()
    const wanted = text(offer.reply.ip, 0)
    this.#asking.set(mac, wanted)
    const request = Buffer.concat([option(53, Buffer.from([3])), option(50, offer.reply.ip), option(54, offer.reply.server), sent[program]])
    const ack = await this.#exchange(mac, xid, program, 5, request)
    const { ip, server, bootFile } = ack.reply
    return {
      ip: text(ip, 0),
      server: text(server, 0),
      bootFile,
      offer: offered - began,
      ack: performance.now() - offered,
      repeats: offer.repeats + ack.repeats
    }
  }

  async #exchange (mac: string, xid: number, program: Program, kind: 2 | 5, options: Buffer): Promise<Exchanged> {
    const message = encode(mac, xid, options)
    const tries = kind === 5 ? this.#requestTries : mostTries
    return await new Promise((resolve, reject) => {
      let repeats = 0
      let timer: NodeJS.Timeout | undefined
      const send = (): void => {
        if (Math.random() >= this.#loss) this.#socket.send(message, this.#serverPort, '255.255.255.255')
        timer = setTimeout(() => {
          if (++repeats < tries) return send()
          this.#waiting.delete(xid)
          reject(new Error(`${mac}: no ${kind === 2 ? 'OFFER' : 'ACK'} after ${tries} messages`))
        }, patience[program] * 2 ** repeats)
      }
      this.#waiting.set(xid, {
        mac,
        kind,
        answer: reply => {
          clearTimeout(timer)
          this.#waiting.delete(xid)
          if (reply.kind === 6) reject(new Error(`${mac}: NAK`))
          else resolve({ reply, repeats })
        }
      })
      send()
    })
  }

  #hear (data: Buffer): void {
    if (this.#loss > 0 && Math.random() < this.#loss) return
    const reply = decode(data)
    if (reply === undefined) return
    const { kind, mac } = reply
    if (kind === 5) this.invariants.see({ kind: 'ACK', mac, ip: text(reply.ip, 0), at: performance.now(), lease: reply.lease * 1000 })
    if (kind === 6) this.invariants.see({ kind: 'NAK', mac, ip: this.#asking.get(mac) ?? '', at: performance.now() })
    const waiting = this.#waiting.get(reply.xid)
    if (waiting?.mac === mac && (waiting.kind === kind || kind === 6)) waiting.answer(reply)
  }
}

function encode (mac: string, xid: number, options: Buffer): Buffer {
  const message = Buffer.alloc(Math.max(300, 241 + options.length))
  message.set([1, 1, 6, 0])
  message.writeUInt32BE(xid, 4)
  message.writeUInt16BE(0x8000, 10)
  octetsOf(mac).copy(message, 28)
  message.writeUInt32BE(0x63825363, 236)
  options.copy(message, 240)
  message[240 + options.length] = 255
  return message
}

function decode (data: Buffer): Reply | undefined {
  if (data.length < 244 || data[0] !== 2 || data.readUInt32BE(236) !== 0x63825363) return undefined
  const found = new Map<number, Buffer>()
  for (let at = 240; at < data.length && data[at] !== 255;) {
    if (data[at] === 0) { at++; continue }
    const length = data[at + 1] ?? 0
    if (!found.has(data[at]!)) found.set(data[at]!, data.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  const name = found.get(67) ?? data.subarray(108, 236)
  const mac = data.toString('hex', 28, 34).replace(/..(?=.)/g, '$&:')
  return {
    kind: found.get(53)?.[0] ?? 0,
    mac,
    xid: data.readUInt32BE(4),
    ip: Buffer.from(data.subarray(16, 20)),
    server: Buffer.from(found.get(54) ?? data.subarray(20, 24)),
    bootFile: name.toString('latin1').split('\0', 1)[0]!,
    lease: found.get(51)?.readUInt32BE(0) ?? 0
  }
}

// How many connections one address, and all together, may hold. An address that holds its share loses an idle connection to
// its newcomer, or the newcomer. When all places are taken, the address that holds most loses one, if need be a busy one: who
// holds little always gets in, unless strangers come from as many addresses as there are places.
import type { Socket } from 'node:net'

export interface ConnectionLimits {
  readonly all: number
  readonly perAddress: number
}

export interface ConnectionsOptions extends ConnectionLimits {
  /** Whether a connection may be closed for another one's sake. */
  readonly idle: (socket: Socket) => boolean
}

/** Connections of one address, the one that was used longest ago first. */
type Held = Set<Socket>

export class Connections {
  readonly #options: ConnectionsOptions
  readonly #byAddress = new Map<string, Held>()
  #count = 0
  #refused = 0
  #displaced = 0

  constructor (options: ConnectionsOptions) { this.#options = options }

  get count (): number { return this.#count }
  /** Newcomers for whom there was no place, and connections that were closed for a newcomer. */
  get refused (): number { return this.#refused }
  get displaced (): number { return this.#displaced }

  /** Takes a place for the connection until it closes or is let go; false: there is none, and the connection has been closed. */
  admit (socket: Socket): boolean {
    const address = networkOf(socket.remoteAddress ?? '')
    const own = this.#byAddress.get(address)
    const full = (own?.size ?? 0) >= this.#options.perAddress
    const crowded = !full && this.#count >= this.#options.all
    if ((full && !this.#makeRoom(own, false)) || (crowded && !this.#makeRoom(this.#largest(own?.size ?? 0), true))) {
      this.#refused++
      socket.destroy()
      return false
    }
    const held = this.#byAddress.get(address) ?? new Set()
    this.#byAddress.set(address, held.add(socket))
    this.#count++
    socket.once('close', () => { this.release(socket, address) })
    return true
  }

  /** The connection was used: of those that are idle it is the last to give way. */
  used (socket: Socket): void {
    const held = this.#byAddress.get(networkOf(socket.remoteAddress ?? ''))
    if (held?.delete(socket) === true) held.add(socket)
  }

  /** Gives the connection's place back, though it goes on. */
  release (socket: Socket, address = networkOf(socket.remoteAddress ?? '')): void {
    const held = this.#byAddress.get(address)
    if (held?.delete(socket) !== true) return
    this.#count--
    if (held.size === 0) this.#byAddress.delete(address)
  }

  #makeRoom (held: Held | undefined, evenBusy: boolean): boolean {
    if (held === undefined) return false
    const [oldest] = held
    const victim = [...held].find(this.#options.idle) ?? (evenBusy ? oldest : undefined)
    if (victim === undefined) return false
    this.#displaced++
    this.release(victim)
    victim.destroy()
    return true
  }

  /** Of the address that holds most, if that is more than `own` by two: else two would push each other out for ever. */
  #largest (own: number): Held | undefined {
    let largest: Held | undefined
    for (const held of this.#byAddress.values()) if (held.size > (largest?.size ?? own + 1)) largest = held
    return largest
  }
}

/** The address, or of IPv6 the network that one host may make up addresses in (RFC 7421: 64 bits). */
function networkOf (address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1]
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address
  const [before = '', after = ''] = address.replace(/%.*$/, '').split('::')
  const head = before.split(':').filter(part => part !== '')
  const tail = after.split(':').filter(part => part !== '')
  return [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail].slice(0, 4).join(':')
}

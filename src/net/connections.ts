// How many connections one address, and all together, may hold. An address that holds its share loses an idle connection to
// its newcomer, or the newcomer. When all places are taken, the address that holds most loses one, if need be a busy one: who
// holds little always gets in, unless strangers come from as many addresses as there are places.
import type { Socket } from 'node:net'
import { type Limits, networkOf } from './shares.js'

export interface ConnectionsOptions extends Limits {
  /** Which may be closed for another one's sake: those that the first function says yes to before those of the next. */
  readonly giveWay: ReadonlyArray<(socket: Socket) => boolean>
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
    const crowded = this.#count >= this.#options.all
    const larger = full || !crowded ? undefined : this.#largest(own?.size ?? 0)
    // At a difference of one, two addresses would push each other's busy ones out for ever.
    const evenBusy = (larger?.size ?? 0) > (own?.size ?? 0) + 1
    if ((full || crowded) && !this.#makeRoom(larger ?? own, evenBusy)) {
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
    let victim: Socket | undefined
    for (const may of evenBusy ? [...this.#options.giveWay, () => true] : this.#options.giveWay) victim ??= [...held].find(may)
    if (victim === undefined) return false
    this.#displaced++
    this.release(victim)
    victim.destroy()
    return true
  }

  /** Of the address that holds most, if it holds more than `own`. */
  #largest (own: number): Held | undefined {
    let largest: Held | undefined
    for (const held of this.#byAddress.values()) if (held.size > (largest?.size ?? own)) largest = held
    return largest
  }
}

// Those for whom there is no place now. Addresses take turns, each with its first: who has many waiting keeps nobody back. When the line
// is full, the address with most in it loses its last, if it has two more than the newcomer's would.
import type { Socket } from 'node:net'
import type { ShareLimits } from './shares.js'

export interface LineEntry {
  readonly socket: Socket
  readonly address: string
  /** Called when it has a place. */
  readonly begin: () => void
}

export class AdmissionLine {
  readonly #limits: ShareLimits
  /** The address whose turn it is first; of each, who came first. */
  readonly #byAddress = new Map<string, Set<LineEntry>>()
  readonly #entries = new Map<Socket, LineEntry>()

  constructor (limits: ShareLimits) { this.#limits = limits }

  get count (): number { return this.#entries.size }

  /** Undefined: there is no room. Else who had to leave for it, if anybody had. */
  join (waiting: LineEntry): { readonly left: LineEntry | undefined } | undefined {
    const { socket, address } = waiting
    const own = this.#byAddress.get(address)
    if ((own?.size ?? 0) >= this.#limits.perAddress) return undefined
    const left = this.count < this.#limits.all ? undefined : this.#lastOfMost((own?.size ?? 0) + 2)
    if (this.count >= this.#limits.all && left === undefined) return undefined
    if (left !== undefined) this.leave(left.socket)
    // Its address may have left with it.
    const line = this.#byAddress.get(address) ?? new Set()
    this.#byAddress.set(address, line.add(waiting))
    this.#entries.set(socket, waiting)
    return { left }
  }

  leave (socket: Socket): void {
    const entry = this.#entries.get(socket)
    if (entry === undefined) return
    this.#entries.delete(socket)
    const line = this.#byAddress.get(entry.address)
    line?.delete(entry)
    if (line?.size === 0) this.#byAddress.delete(entry.address)
  }

  /** Whose turn it is, of the addresses that `may` says yes to. */
  next (may: (address: string) => boolean): LineEntry | undefined {
    for (const [address, line] of this.#byAddress) {
      if (!may(address)) continue
      const [first] = line
      return first
    }
    return undefined
  }

  /** It leaves the line, and its address is the last now. */
  served ({ socket, address }: LineEntry): void {
    this.leave(socket)
    const others = this.#byAddress.get(address)
    if (others === undefined) return
    this.#byAddress.delete(address)
    this.#byAddress.set(address, others)
  }

  /** Takes all out of the line. */
  clear (): readonly LineEntry[] {
    const all = [...this.#byAddress.values()].flatMap(line => [...line])
    this.#byAddress.clear()
    this.#entries.clear()
    return all
  }

  #lastOfMost (atLeast: number): LineEntry | undefined {
    let most: Set<LineEntry> | undefined
    for (const line of this.#byAddress.values()) if (line.size >= atLeast && line.size > (most?.size ?? 0)) most = line
    return most === undefined ? undefined : [...most].at(-1)
  }
}

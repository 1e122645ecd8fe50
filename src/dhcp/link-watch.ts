// An interface as the kernel has it from moment to moment: it comes late, its link goes and comes, it is removed and made anew, its
// address changes. The kernel gives no event to Node, so it is asked, every second. As long as machines there can't be heard
// the service is not ready, and says why; those on other interfaces are served meanwhile.
import type { Clock, Timer } from '../base/clock.js'
import { AppError, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { linkProblem, type LookAtInterfaces, missingProblem, type NetworkInterface, type OwnAddress } from '../net/interfaces.js'
import { formatIpv4, type Ipv4, unspecified } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { Home } from './homes.js'

const lookEvery = 1000
/** Looks between two tries beside another DHCP server, each of which asks for two seconds. */
const looksBesideOthers = 30

export interface LinkFollower {
  /** Opens sockets anew: those of an interface that is gone hear nothing. Rejects when it can't. */
  readonly rebind: () => Promise<void>
  /** What machines are told from now on. */
  readonly moveTo: (own: Ipv4, all: readonly Ipv4[]) => void
  /** Whether machines there can be heard, each time that changes; at the start it is taken for granted. */
  readonly linkIs: (up: boolean) => void
  /** Messages that wait to be decided on. */
  readonly waiting: number
  readonly close: () => Promise<void>
}

/** What serves one interface while it is there. */
export interface LinkService {
  /** What listens on the interface while it is there, for the log: a row of the listeners, and where. */
  readonly places: ReadonlyArray<{ readonly row: string, readonly at: string }>
  /** The interface is there, with the address that machines are told. Rejects when it can't be served. */
  readonly start: (own: Ipv4) => Promise<LinkFollower>
  /** Lets go of sockets that were handed down and are of no use. */
  readonly drop: () => void
}

/** What an interface's watch tells, and whom. */
export interface LinkParts {
  readonly clock: Clock
  readonly log: Logger
  /** Those of this machine. */
  readonly interfaces: LookAtInterfaces
  /** What keeps the service from being ready, by the part that it is about. */
  readonly hindrances: Map<string, string>
  /** The interfaces that are served, with what waits on each. */
  readonly links: Set<Pick<LinkFollower, 'waiting'>>
  /** Has the service manager start the program anew. */
  readonly restart: (why: string) => void
}

/** By which the trouble of an interface stands in `hindrances`. */
export const hindranceOf = (interfaceName: string): string => `dhcp ${interfaceName}`

/**
 * Starts the service if the interface is there, and follows it from now on. Resolves with how to end both. Rejects when it could
 * not start for a reason that is not the interface's. What is amiss with that stands in `hindrances`, and in the log once.
 */
export async function followLink (parts: LinkParts, home: Home, service: LinkService): Promise<() => Promise<void>> {
  const watch = new LinkWatch(parts, home, service)
  try {
    await watch.begin()
  } catch (error) {
    await watch.close()
    throw error
  }
  return () => watch.close()
}

class LinkWatch {
  readonly #parts: LinkParts
  readonly #home: Home
  readonly #service: LinkService
  readonly #name: string
  #timer: Timer | undefined
  /** Undefined as long as the interface was not served. */
  #follower: LinkFollower | undefined
  /** The interface's number when its sockets were opened. */
  #index = 0
  /** Those that were seen last. */
  #addresses = ''
  #amiss: string | undefined
  /** What is missing, as it was told: which other interfaces there are is told once. */
  #missing: 'interface' | 'address' | undefined
  #unasked = false
  /** A start or a rebinding under way. */
  #opening: Promise<void> | undefined
  /** Looks to let pass before the next try. */
  #rest = 0
  #closed = false

  constructor (parts: LinkParts, home: Home, service: LinkService) {
    this.#parts = parts
    this.#home = home
    this.#service = service
    this.#name = home.interface?.name ?? ''
  }

  async begin (): Promise<void> {
    const state = this.#parts.interfaces(true).get(this.#name)
    if (state === undefined || state.addresses.length === 0) this.#tellMissing(state)
    else {
      try {
        await this.#start(state)
      } catch (error) {
        if (!hasCode(error, 'interface_missing')) throw error
        this.#tell(messageOf(error))
      }
    }
    this.#look(true)
    this.#timer = this.#parts.clock.every(lookEvery, () => { this.#look() })
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#opening
    await this.#follower?.close()
    this.#service.drop()
  }

  /** What this watch did itself it sees only `anew`. */
  #look (anew = false): void {
    const { log } = this.#parts
    let state: NetworkInterface | undefined
    try {
      state = this.#parts.interfaces(anew).get(this.#name)
    } catch (error) {
      // As long as nobody says otherwise it is as it was.
      if (!this.#unasked) log.warn({ interface: this.#name, error: messageOf(error) }, 'dhcp.link_unknown')
      this.#unasked = true
      return
    }
    this.#unasked = false
    if (this.#opening !== undefined || this.#closed) return
    if (this.#follower === undefined) {
      if (state === undefined || state.addresses.length === 0) this.#tellMissing(state)
      else if (this.#rest > 0) this.#rest--
      else this.#open('came after the start', () => this.#start(state))
    } else if (state !== undefined && state.index !== this.#index) {
      const { follower, index } = { follower: this.#follower, index: state.index }
      this.#open('was made anew', async () => {
        await follower.rebind()
        this.#index = index
        this.#followMac(state.mac)
        log.warn({ interface: this.#name, reason: 'it was removed and made anew' }, 'dhcp.rebound')
      })
    } else {
      if (state !== undefined) this.#followMac(state.mac)
      if (state !== undefined && state.addresses.length > 0) this.#follow(state.addresses, this.#follower)
      this.#tell(linkProblem(this.#name, state))
    }
  }

  async #start (state: NetworkInterface): Promise<void> {
    const { log } = this.#parts
    const { addresses, index, mac } = state
    // What was handed down for an interface that is gone hears nothing on the one that has its name now.
    if (this.#index !== 0 && this.#index !== index) this.#service.drop()
    this.#home.settle(addresses, mac)
    this.#addresses = textOf(addresses)
    this.#index = index
    this.#follower = await this.#service.start(this.#home.own ?? unspecified)
    this.#parts.links.add(this.#follower)
    for (const { row, at } of this.#service.places) {
      log.info({ at, mode: this.#home.interface?.mode, address: formatIpv4(this.#home.own ?? unspecified) }, `${row}.listen`)
    }
  }

  /** One try, which the next look repeats when it fails. */
  #open (why: string, act: () => Promise<void>): void {
    this.#opening = act().then(() => true, (error: unknown) => {
      this.#tell(`${messageOf(error)} (interface ${this.#name} ${why})`)
      if (hasCode(error, 'other_dhcp_server')) this.#rest = looksBesideOthers
      if (hasCode(error, 'permission_denied')) this.#parts.restart(`interface ${this.#name} ${why}, and only the service manager can open its sockets`)
      return false
    }).then(opened => {
      this.#opening = undefined
      if (opened && !this.#closed) this.#look(true)
    })
  }

  /** That of a bridge changes with its ports. What is sent in its name is this machine's, and no machine's that boots. */
  #followMac (mac: Mac | undefined): void {
    if (mac === this.#home.mac) return
    this.#parts.log.info({ interface: this.#name, from: this.#home.mac, to: mac }, 'dhcp.mac_changed')
    this.#home.mac = mac
  }

  #follow (addresses: readonly OwnAddress[], follower: LinkFollower): void {
    const { log } = this.#parts
    const now = textOf(addresses)
    if (now === this.#addresses) return
    this.#addresses = now
    const { own: before } = this.#home
    this.#home.settle(addresses)
    const { own = unspecified } = this.#home
    if (own !== before) log.warn({ interface: this.#name, from: formatIpv4(before ?? unspecified), to: formatIpv4(own) }, 'dhcp.address_changed')
    follower.moveTo(own, addresses.map(({ ip }) => ip))
  }

  #tellMissing (state: NetworkInterface | undefined): void {
    if (state !== undefined) this.#index ||= state.index
    const missing = state === undefined ? 'interface' : 'address'
    if (this.#missing !== missing) this.#tell(missingProblem(this.#name, this.#parts.interfaces()))
    this.#missing = missing
  }

  #tell (now: string | undefined): void {
    const { log, hindrances } = this.#parts
    if (now === this.#amiss) return
    this.#amiss = now
    this.#missing = undefined
    this.#follower?.linkIs(now === undefined)
    const part = hindranceOf(this.#name)
    if (now === undefined) {
      hindrances.delete(part)
      log.info({ interface: this.#name }, 'dhcp.link_up')
    } else {
      hindrances.set(part, `dhcp: ${now}`)
      log.warn({ interface: this.#name, reason: now }, 'dhcp.link_down')
    }
  }
}

const textOf = (addresses: readonly OwnAddress[]): string => addresses.map(({ ip, subnet }) => `${ip}/${subnet.prefix}`).join(' ')

const hasCode = (error: unknown, code: AppError['code']): boolean => error instanceof AppError && error.code === code

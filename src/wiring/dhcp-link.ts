// The interface as the kernel has it from moment to moment: its link goes and comes, it is removed and made anew, its address
// changes. The kernel gives no event to Node, so it is asked, every second. As long as machines can't be heard the service is
// not ready, and says why.
import { messageOf } from '../base/errors.js'
import { linkProblem, type NetworkInterface, networkInterfaces, type OwnAddress } from '../net/interfaces.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import { ownAddressAmong } from './dhcp-settings.js'
import type { Shared } from './shared.js'

const lookEvery = 1000

export interface LinkFollower {
  /** Opens sockets anew: those of an interface that is gone hear nothing. Rejects when it can't. */
  readonly rebind: () => Promise<void>
  /** What machines are told from now on. */
  readonly moveTo: (own: Ipv4, all: readonly Ipv4[]) => void
}

export interface FollowOptions {
  readonly shared: Pick<Shared, 'config' | 'clock' | 'log' | 'hindrances' | 'onClose' | 'home'>
  readonly follower: LinkFollower
  /** The interface's number when its sockets were opened. */
  readonly index: number
}

/** Looks now and from now on. What is amiss stands in `hindrances` under `dhcp`, and in the log once. */
export function followLink ({ shared, follower, index }: FollowOptions): void {
  const watch = new LinkWatch(shared, follower, index)
  watch.look()
  const timer = shared.clock.every(lookEvery, () => { watch.look() })
  shared.onClose(async () => { timer.cancel() })
}

class LinkWatch {
  readonly #shared: FollowOptions['shared']
  readonly #follower: LinkFollower
  readonly #name: string
  #index: number
  /** Those that were seen last; undefined until the first look, at which everything is as it was told. */
  #addresses: string | undefined
  #amiss: string | undefined
  #unasked = false
  #rebinding = false

  constructor (shared: FollowOptions['shared'], follower: LinkFollower, index: number) {
    this.#shared = shared
    this.#follower = follower
    this.#name = shared.config.dhcp.interface
    this.#index = index
  }

  look (): void {
    const { log } = this.#shared
    let state: NetworkInterface | undefined
    try {
      state = networkInterfaces().get(this.#name)
    } catch (error) {
      // As long as nobody says otherwise it is as it was.
      if (!this.#unasked) log.warn({ interface: this.#name, error: messageOf(error) }, 'dhcp.link_unknown')
      this.#unasked = true
      return
    }
    this.#unasked = false
    if (state !== undefined && state.index !== this.#index) {
      void this.#rebind(state.index)
      return
    }
    if (state !== undefined && state.addresses.length > 0) this.#follow(state.addresses)
    this.#tell(linkProblem(this.#name, state))
  }

  /** One try a second, until it succeeds. */
  async #rebind (index: number): Promise<void> {
    const { log } = this.#shared
    if (this.#rebinding) return
    this.#rebinding = true
    try {
      await this.#follower.rebind()
      this.#index = index
      log.warn({ interface: this.#name, reason: 'it was removed and made anew' }, 'dhcp.rebound')
    } catch (error) {
      this.#tell(`${messageOf(error)} (interface ${this.#name} was made anew; under systemd: systemctl restart core-provisioner-dhcp.socket core-provisioner)`)
    } finally {
      this.#rebinding = false
    }
  }

  #follow (addresses: readonly OwnAddress[]): void {
    const { config, log, home } = this.#shared
    const { own } = home
    const all = addresses.map(({ ip }) => ip)
    const before = this.#addresses
    this.#addresses = all.join(' ')
    const next = own !== undefined && all.includes(own) ? own : ownAddressAmong(config, addresses)
    if (next === undefined || (next === own && (before === undefined || this.#addresses === before))) return
    if (next !== own) {
      log.warn({ interface: this.#name, from: formatIpv4(own ?? 0), to: formatIpv4(next) }, 'dhcp.address_changed')
      home.own = next
    }
    this.#follower.moveTo(next, all)
  }

  #tell (now: string | undefined): void {
    const { log, hindrances } = this.#shared
    if (now === this.#amiss) return
    this.#amiss = now
    if (now === undefined) {
      hindrances.delete('dhcp')
      log.info({ interface: this.#name }, 'dhcp.link_up')
    } else {
      hindrances.set('dhcp', `dhcp: ${now}`)
      log.warn({ interface: this.#name, reason: now }, 'dhcp.link_down')
    }
  }
}

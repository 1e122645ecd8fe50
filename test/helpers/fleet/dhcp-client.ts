// A machine's DHCP client (RFC 2131 section 4.4), on a network that loses, doubles and delays: it asks, takes the first offer, renews,
// turns to all when its server is silent, starts again with the address it had, and stops using one whose time is over.
import { Buffer } from 'node:buffer'
import { decodePacket, encodePacket } from '../../../src/dhcp/packet.js'
import type { Options } from '../../../src/dhcp/options.js'
import type { Timer } from '../../../src/base/clock.js'
import { formatIpv4, type Ipv4 } from '../../../src/net/ipv4.js'
import type { Mac } from '../../../src/net/mac.js'
import { request } from '../dhcp.js'
import type { Timeline } from './timeline.js'

export interface FleetClientOptions {
  readonly mac: Mac
  readonly time: Timeline
  readonly random: () => number
  /** To a server's address, or to all. */
  readonly send: (data: Buffer, from: Ipv4, to: Ipv4 | undefined) => void
}

export interface Held { readonly ip: Ipv4, readonly server: Ipv4, readonly since: number, readonly until: number }

type State = 'off' | 'selecting' | 'requesting' | 'rebooting' | 'bound' | 'renewing'

export class FleetClient {
  readonly mac: Mac
  readonly #options: FleetClientOptions
  state: State = 'off'
  held: Held | undefined
  #offer: { readonly ip: Ipv4, readonly server: Ipv4 } | undefined
  #xid = 0
  #began = 0
  #tries = 0
  #timer: Timer | undefined
  #end: Timer | undefined

  constructor (options: FleetClientOptions) {
    this.#options = options
    this.mac = options.mac
  }

  /** Is switched on, or anew. */
  start (): void {
    this.#timer?.cancel()
    if (this.held !== undefined && this.#options.random() < 0.5) this.#reboot()
    else this.#discover()
  }

  /** Is switched off without a word. */
  stop (): void {
    this.state = 'off'
    this.#timer?.cancel()
    this.#end?.cancel()
    this.held = undefined
  }

  release (): void {
    const { held } = this
    if (this.state !== 'bound' || held === undefined) return
    this.#send({ dhcpMessageType: 'RELEASE', serverIdentifier: held.server }, held.ip, held.server)
    this.stop()
  }

  hear (data: Buffer): void {
    const { xid, yiaddr, options: { dhcpMessageType: type, serverIdentifier: server = 0, ipAddressLeaseTime: lease = 0 } } = decodePacket(data)
    if (this.state === 'off' || xid !== this.#xid) return
    if (type === 'OFFER' && this.state === 'selecting') {
      this.#offer = { ip: yiaddr, server }
      this.state = 'requesting'
      this.#tries = 0
      this.#ask()
    } else if (type === 'ACK' && this.state !== 'selecting' && this.state !== 'bound') {
      const { now } = this.#options.time
      this.#bind({ ip: yiaddr, server, since: now, until: now + lease * 1000 })
    } else if (type === 'NAK' && ['requesting', 'rebooting', 'renewing'].includes(this.state)) {
      this.held = undefined
      this.#end?.cancel()
      this.#discover()
    }
  }

  #discover (): void {
    this.state = 'selecting'
    this.#newExchange()
    this.#repeat()
  }

  #newExchange (): void {
    this.#xid = Math.floor(this.#options.random() * 2 ** 31)
    this.#began = this.#options.time.now
    this.#tries = 0
  }

  /** 4, 8, 16, ... seconds, give or take one (section 4.1). */
  #repeat (): void {
    this.#send({ dhcpMessageType: 'DISCOVER' })
    this.#wait(4000 * 2 ** Math.min(4, this.#tries++) + 2000 * this.#options.random() - 1000, () => { this.#repeat() })
  }

  #ask (): void {
    const offer = this.#offer!
    this.#send({ dhcpMessageType: 'REQUEST', requestedIpAddress: offer.ip, serverIdentifier: offer.server })
    this.#wait(2000 * 2 ** this.#tries++, () => { if (this.#tries < 3) this.#ask(); else this.#discover() })
  }

  #reboot (): void {
    this.state = 'rebooting'
    this.#newExchange()
    const again = (): void => {
      this.#send({ dhcpMessageType: 'REQUEST', requestedIpAddress: this.held!.ip })
      this.#wait(2000 * 2 ** this.#tries++, () => {
        if (this.held === undefined || this.#tries >= 3) this.#discover()
        else again()
      })
    }
    again()
  }

  #bind (held: Held): void {
    const { time } = this.#options
    this.held = held
    this.state = 'bound'
    this.#end?.cancel()
    this.#end = time.after(held.until - time.now, () => {
      this.held = undefined
      this.#discover()
    })
    this.#wait((held.until - time.now) / 2, () => {
      this.state = 'renewing'
      this.#newExchange()
      this.#renew()
    })
  }

  #renew (): void {
    const { time } = this.#options
    const held = this.held!
    // From seven eighths of the time on whoever hears it may answer (section 4.4.5).
    const rebinds = time.now >= held.since + (held.until - held.since) * 0.875
    this.#send({ dhcpMessageType: 'REQUEST' }, held.ip, rebinds ? undefined : held.server)
    this.#wait(Math.max(4000, (held.until - time.now) / 4), () => { this.#renew() })
  }

  #wait (milliseconds: number, then: () => void): void {
    this.#timer?.cancel()
    this.#timer = this.#options.time.after(milliseconds, then)
  }

  #send (options: Options, ciaddr: Ipv4 = 0, to?: Ipv4): void {
    const secs = Math.min(65535, Math.floor((this.#options.time.now - this.#began) / 1000))
    this.#options.send(Buffer.from(encodePacket(request(options, { mac: this.mac, xid: this.#xid, secs, flags: ciaddr === 0 ? 0x8000 : 0, ciaddr }))), ciaddr, to)
  }

  get text (): string { return `${this.mac} ${this.state}${this.held === undefined ? '' : ` ${formatIpv4(this.held.ip)}`}` }
}

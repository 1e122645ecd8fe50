// Where the service is at home: the interfaces that DHCP is answered on, each with the address that machines there are told; and
// which of them a machine is on, so that it is told one address by everybody.
import type { OwnAddress } from '../net/interfaces.js'
import type { Mac } from '../net/mac.js'
import { contains, type Ipv4, parseIpv4 } from '../net/ipv4.js'
import { sourceAddressFor } from '../net/source-address.js'

/** An interface that DHCP is answered on. */
export interface HomeInterface {
  readonly name: string
  readonly mode: 'server' | 'proxy'
  /** Where it is written: `dhcp.interfaces.1`. */
  readonly key: string
}

/** What the configuration says of every home. */
export interface HomeRules {
  /** Of an interface's addresses the one that machines are told. */
  readonly ownAmong: (addresses: readonly OwnAddress[]) => Ipv4 | undefined
  /** The name or address that machines are told, by their interface's. */
  readonly hostOf: (own: Ipv4 | undefined) => string
  /** Where machines find the HTTP API on a host. */
  readonly originOf: (host: string) => string
}

/** Machines behind relay agents that are remembered with the interface they were answered by; the one seen first is forgotten first. */
const rememberedMachines = 65_536

export class Home {
  readonly #rules: HomeRules
  /** Undefined where no DHCP is answered. */
  readonly interface: HomeInterface | undefined
  /** What machines are told; undefined as long as the interface has no address. */
  own: Ipv4 | undefined
  /** All of the interface. */
  addresses: readonly OwnAddress[] = []
  /** The interface's own hardware address. */
  mac: Mac | undefined

  constructor (rules: HomeRules, at?: HomeInterface) {
    this.#rules = rules
    this.interface = at
  }

  /** The name or address that machines are told. */
  get host (): string { return this.#rules.hostOf(this.own) }

  /** Where machines find the HTTP API: `http://192.168.100.2:8080`. */
  get origin (): string { return this.#rules.originOf(this.host) }

  /** The interface has these addresses now, at least one: what machines are told stays as long as it is among them. */
  settle (addresses: readonly OwnAddress[], mac = this.mac): void {
    this.mac = mac
    this.addresses = addresses
    if (!addresses.some(({ ip }) => ip === this.own)) this.own = this.#rules.ownAmong(addresses)
  }
}

export class Homes {
  /** One for each interface that DHCP is answered on, in the order of the configuration; one without an interface where there is none. */
  readonly all: readonly Home[]
  readonly #answeredBy = new Map<Ipv4, Home>()

  constructor (rules: HomeRules, interfaces: readonly HomeInterface[]) {
    this.all = interfaces.length === 0 ? [new Home(rules)] : interfaces.map(at => new Home(rules, at))
  }

  /** The one to name where it is not known who asks. */
  get first (): Home { return this.all.find(({ own }) => own !== undefined) ?? this.all[0]! }

  get givesAddresses (): boolean { return this.all.some(({ interface: at }) => at?.mode === 'server') }

  on (interfaceName: string | undefined): Home {
    const found = this.all.find(home => home.interface?.name === interfaceName)
    if (found === undefined) throw new Error(`DHCP is not answered on ${interfaceName}`)
    return found
  }

  /** Every address of the interfaces. */
  get addresses (): readonly Ipv4[] { return this.all.flatMap(({ addresses }) => addresses.map(({ ip }) => ip)) }

  /** Whose network the address is on; undefined for what is behind a router. */
  near (ip: Ipv4): Home | undefined {
    return this.all.find(({ addresses }) => addresses.some(({ subnet }) => contains(subnet, ip)))
  }

  /** A machine was given an address by DHCP on that interface. */
  answered (ip: Ipv4, home: Home): void {
    if (this.all.length === 1 || this.near(ip) !== undefined) return
    this.#answeredBy.delete(ip)
    this.#answeredBy.set(ip, home)
    if (this.#answeredBy.size > rememberedMachines) this.#answeredBy.delete(this.#answeredBy.keys().next().value as Ipv4)
  }

  /**
   * The one that the machine at the address is on. Behind a router it is where its DHCP was answered, and where that was done by
   * another server, where the way to it leads.
   */
  of (client: string): Home {
    if (this.all.length === 1) return this.all[0]!
    const ip = parseIpv4(client)
    if (ip === undefined) return this.first
    const known = this.near(ip) ?? this.#answeredBy.get(ip)
    if (known !== undefined) return known
    const source = sourceAddressFor(ip)
    return this.all.find(({ addresses }) => addresses.some(address => address.ip === source)) ?? this.first
  }
}

/** Who gives out an address. Behind a router it is this service, if it does anywhere. */
export const modeAt = (homes: Homes, ip: Ipv4): 'off' | HomeInterface['mode'] =>
  (homes.near(ip) ?? homes.all.find(({ interface: at }) => at?.mode === 'server') ?? homes.all[0])?.interface?.mode ?? 'off'

// Where the service is at home: the interfaces that DHCP is answered on, each with the address that machines there are told; and
// which of them a machine is on, so that it is told one address by everybody.
import { type Config, type DhcpInterface, dhcpInterfaces, type DhcpMode } from '../config/load.js'
import { networkInterfaces, type OwnAddress } from '../net/interfaces.js'
import type { Mac } from '../net/mac.js'
import { contains, formatIpv4, type Ipv4, parseIpv4 } from '../net/ipv4.js'
import { sourceAddressFor } from '../net/source-address.js'
import { advertisedHost, httpOrigin, ownAddressAmong } from './dhcp-settings.js'

/** Machines behind relay agents that are remembered with the interface they were answered by; the one seen first is forgotten first. */
const rememberedMachines = 65_536

export class Home {
  readonly #config: Config
  /** Undefined where no DHCP is answered. */
  readonly interface: DhcpInterface | undefined
  /** What machines are told; undefined as long as the interface has no address. */
  own: Ipv4 | undefined
  /** All of the interface. */
  addresses: readonly OwnAddress[] = []
  /** The interface's own hardware address. */
  mac: Mac | undefined

  constructor (config: Config, at?: DhcpInterface) {
    this.#config = config
    this.interface = at
  }

  /** The name or address that machines are told. */
  get host (): string { return advertisedHost(this.#config, this.own) }

  /** Where machines find the HTTP API: `http://192.168.100.2:8080`. */
  get origin (): string { return httpOrigin(this.host, this.#config.http.address) }

  /** The interface has these addresses now, at least one: what machines are told stays as long as it is among them. */
  settle (addresses: readonly OwnAddress[], mac = this.mac): void {
    this.mac = mac
    this.addresses = addresses
    if (!addresses.some(({ ip }) => ip === this.own)) this.own = ownAddressAmong(this.#config, addresses)
  }
}

export class Homes {
  /** One for each interface that DHCP is answered on, in the order of the configuration; one without an interface where there is none. */
  readonly all: readonly Home[]
  readonly #answeredBy = new Map<Ipv4, Home>()

  constructor (config: Config) {
    const interfaces = dhcpInterfaces(config)
    this.all = interfaces.length === 0 ? [new Home(config)] : interfaces.map(at => new Home(config, at))
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

/** With the addresses that the interfaces have now. */
export function homesHere (config: Config): Homes {
  const homes = new Homes(config)
  const interfaces = networkInterfaces()
  for (const home of homes.all) {
    const { addresses = [], mac } = interfaces.get(home.interface?.name ?? '') ?? {}
    if (addresses.length > 0) home.settle(addresses, mac)
  }
  return homes
}

/** Who gives out an address. Behind a router it is this service, if it does anywhere. */
export const modeAt = (homes: Homes, ip: Ipv4): 'off' | DhcpMode =>
  (homes.near(ip) ?? homes.all.find(({ interface: at }) => at?.mode === 'server') ?? homes.all[0])?.interface?.mode ?? 'off'

/** `DHCP server on ens192, proxy on ens224`; '' where there is none. */
export const dhcpText = (config: Config): string => {
  const text = dhcpInterfaces(config).map(({ name, mode }) => `${mode} on ${name}`).join(', ')
  return text === '' ? '' : `DHCP ${text}`
}

/** For the log: where DHCP is answered, as what, and as whom. */
export const homesTold = ({ all }: Homes): Readonly<Record<string, unknown>> => {
  const told = all.flatMap(({ interface: at, own }) => at === undefined
    ? []
    : [{ dhcp: at.mode, interface: at.name, ...own !== undefined && { address: formatIpv4(own) } }])
  return told.length === 1 ? { ...told[0] } : told.length === 0 ? {} : { interfaces: told }
}

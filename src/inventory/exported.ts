// What `hosts export` hands to the writers: the reservations in force, and what other programs' files need to know beside them.
import type { Ipv4, Subnet } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'

export interface ExportedHost {
  readonly macs: readonly Mac[]
  readonly ip: Ipv4 | undefined
  /** As it is written in the reservation. */
  readonly name: string | undefined
  /** With the domain of its subnet, when the name has none. */
  readonly fullName: string | undefined
  readonly role: string | undefined
}

export interface ExportedNetwork {
  readonly subnet: Subnet
  readonly routers: readonly Ipv4[]
  readonly dnsServers: readonly Ipv4[]
  readonly domain: string
}

/** Contents of PEM files for Terraform; undefined where there are none. */
export interface ClientCertificates { readonly ca: string, readonly cert: string, readonly key: string }

export interface LoaderOverride {
  /** An address, or its first octets. */
  readonly mac?: string
  /** The beginning of option 60. */
  readonly vendorClass?: string
  /** Numbers of option 93, those of UEFI HTTP Boot apart. */
  readonly architectures?: readonly number[]
  readonly httpArchitectures?: readonly number[]
  readonly loader?: string
  /** Its URL for UEFI HTTP Boot; '' for none. */
  readonly httpLoader?: string
  /** What iPXE is given. */
  readonly scriptUrl?: string
}

export interface ExportContext {
  /** What the block between our markers, and the cluster in Terraform's variables, is called. */
  readonly cluster: string
  readonly networks: readonly ExportedNetwork[]
  /** Address of this provisioner, as machines are told it. */
  readonly provisioner: string
  /** `http://192.168.100.5:8080` */
  readonly httpUrl: string
  /** `192.168.100.5:8081`; '' when the API is off. */
  readonly rpcEndpoint: string
  readonly scriptUrl: string
  /** Boot files by firmware. */
  readonly loaders: { readonly bios: string, readonly uefiX64: string, readonly uefiArm64: string }
  /** URLs by firmware for UEFI HTTP Boot; '' where there is none. */
  readonly httpLoaders?: { readonly uefiX64: string, readonly uefiArm64: string }
  /** Exceptions, the first that matches a machine first. */
  readonly overrides?: readonly LoaderOverride[]
  readonly certificates: ClientCertificates | undefined
}

/** The first label. */
export const shortName = (name: string): string => name.split('.')[0] ?? name

/**
 * Names that are told apart: one that was given before gets a number behind it.
 * @param sameAs what a name is compared by, where two that are written otherwise are the same
 */
export function namesApart (separator: string, sameAs = (name: string): string => name): (wanted: string) => string {
  const taken = new Set<string>()
  // Of each the number that comes next, so that many of one name are not counted through again and again.
  const numbers = new Map<string, number>()
  return wanted => {
    let name = wanted
    let number = numbers.get(sameAs(wanted)) ?? 2
    for (; taken.has(sameAs(name)); number++) name = `${wanted}${separator}${number}`
    numbers.set(sameAs(wanted), number)
    taken.add(sameAs(name))
    return name
  }
}

/** A name for a machine that has none, by which it is known again. */
export const nameOfMac = (mac: Mac): string => `host-${mac.replaceAll(':', '-')}`
export const isNameOfMac = (name: string, mac: Mac | undefined): boolean => mac !== undefined && name === nameOfMac(mac)

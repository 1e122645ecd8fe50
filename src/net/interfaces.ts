// The machine's network interfaces, as the kernel names them.
import { networkInterfaces } from 'node:os'
import { AppError } from '../base/errors.js'
import { type Mac, parseMac } from './mac.js'
import { type Ipv4, parseIpv4, subnetOf, type Subnet } from './ipv4.js'

export interface InterfaceAddress {
  readonly name: string
  readonly ip: Ipv4
  readonly subnet: Subnet
  /** Undefined on interfaces without one (tunnels). */
  readonly mac: Mac | undefined
}

/** Every IPv4 address of this machine. */
export function localAddresses (): readonly InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) => addresses.flatMap(({ address, cidr, family, mac }) => {
    const ip = family === 'IPv4' ? parseIpv4(address) : undefined
    return ip === undefined ? [] : [{ name, ip, subnet: subnetOf(ip, Number(cidr?.split('/')[1] ?? 32)), mac: parseMac(mac) }]
  }))
}

/**
 * The IPv4 addresses of one interface, at least one; AppError `interface_missing` when it is not there or has none,
 * with the interfaces that would do.
 */
export function addressesOf (name: string): readonly InterfaceAddress[] {
  const all = localAddresses()
  const own = all.filter(address => address.name === name)
  if (own.length > 0) return own
  const there = name in networkInterfaces()
  const others = [...new Set(all.map(address => address.name))].filter(other => other !== 'lo')
  const hint = others.length === 0 ? 'no other interface has one' : `interfaces with one: ${others.join(', ')}`
  throw new AppError('interface_missing', there
    ? `interface ${name} has no IPv4 address (${hint})`
    : `no interface ${name} with an IPv4 address on this machine (${hint})`)
}

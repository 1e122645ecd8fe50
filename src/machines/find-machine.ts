// Which machine a person means: by hardware address, by IP address, or by name. Names are what machines call themselves, among
// others, so one that somebody named goes before one that only holds a lease, and that before strangers who say the same.
import { parseIpv4 } from '../net/ipv4.js'
import { type Mac, parseMac } from '../net/mac.js'
import type { MachineKind, MachineRegistry } from './registry.js'

/** A machine that a group names, seen or not. */
export interface NamedMachine {
  /** Its cards. */
  readonly macs: readonly Mac[]
  readonly name: string
  readonly group: string
}

export type MachineSearch = { readonly mac: Mac } | { readonly problem: string, readonly several?: readonly Mac[] }

export function findMachine (text: string, registry: MachineRegistry, named: Iterable<NamedMachine>): MachineSearch {
  const mac = parseMac(text)
  if (mac !== undefined) return { mac }
  if (parseIpv4(text) !== undefined) {
    const holder = registry.macOf(text)
    return holder === undefined ? { problem: `no machine has been seen at ${text}` } : { mac: holder }
  }
  const found: Readonly<Record<MachineKind, Set<Mac>>> = { known: new Set(), leased: new Set(), stranger: new Set() }
  for (const { mac, name } of registry.values()) if (isName(text, name)) found[registry.kindOf(mac)].add(mac)
  const { known, leased, stranger } = found
  for (const { macs: [first, ...more], name, group } of named) {
    if (first !== undefined && (isName(text, name) || text === group)) known.add([first, ...more].find(mac => known.has(mac)) ?? first)
  }
  const [first, ...more] = [known, leased, stranger].find(({ size }) => size > 0) ?? []
  if (first === undefined) return { problem: `${JSON.stringify(text)} is not a hardware address, and no machine of that name has been seen` }
  const several = [first, ...more]
  if (more.length === 0) return { mac: first }
  return { problem: `${several.length} machines are called ${JSON.stringify(text)}: ${several.slice(0, 4).join(', ')}`, several }
}

/** `node-1` is `node-1.lab.example` too. */
function isName (text: string, name: string | undefined): boolean {
  const [asked, full] = [text.toLowerCase(), name?.toLowerCase()]
  return full === asked || (full !== undefined && !asked.includes('.') && full.startsWith(`${asked}.`))
}

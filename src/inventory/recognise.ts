// Which format a list has, by what stands in it; and the reader of each.
import type { HostList } from './host-list.js'
import { readAnsible } from './formats/ansible.js'
import { isCsvHeader, readCsv } from './formats/csv.js'
import { readDhcpd } from './formats/dhcpd.js'
import { isEthersLine, isHostsLine, readDnsmasq, readEthers, readHosts } from './formats/dnsmasq.js'
import { readKea } from './formats/kea.js'
import { readLeases } from './formats/leases.js'
import { readMayu } from './formats/mayu.js'
import { readPxeHosts } from './formats/pxe-hosts.js'
import { readTerraform } from './formats/terraform.js'
import { readTfvars } from './formats/tfvars.js'
import { listError, type SourceText } from './source-text.js'

export const readers = {
  ansible: readAnsible,
  csv: readCsv,
  dhcpd: readDhcpd,
  dnsmasq: readDnsmasq,
  ethers: readEthers,
  hosts: readHosts,
  json: readLeases,
  kea: readKea,
  leases: readLeases,
  mayu: readMayu,
  'pxe-hosts': readPxeHosts,
  terraform: readTerraform,
  tfvars: readTfvars
} as const satisfies Readonly<Record<string, (source: SourceText) => HostList>>

export type ListFormat = keyof typeof readers
export const isListFormat = (name: string): name is ListFormat => Object.hasOwn(readers, name)

/** How much of a file is looked at. */
const lookedAt = 256 * 1024

/** What gives each away; the first that holds counts. Documents of JSON come first, since their values may look like anything. */
const signs: ReadonlyArray<readonly [ListFormat, RegExp, 'json' | 'text' | 'any']> = [
  ['terraform', /^[ \t]*resource[ \t]+"matchbox_\w+"/m, 'text'],
  ['tfvars', /"?tectonic_\w+"?\s*[:=]/, 'any'],
  ['kea', /"(?:Dhcp4|subnet4|reservations|hw-address)"\s*:/, 'json'],
  ['pxe-hosts', /"macaddr"\s*:/, 'json'],
  ['mayu', /"(?:MacAddresses|InternalAddr|MachineID)"\s*:/, 'json'],
  ['leases', /"macs?"\s*:|"kind"\s*:\s*"lease"|"format"\s*:|^\s*\[\s*\]\s*$/, 'json'],
  ['dhcpd', /^[ \t]*(?:host[ \t]+[^\s{]+\s*\{|subnet[ \t]+\S+[ \t]+netmask\s|shared-network\s|#+ ?VMNET DHCP|### [^\s:]+:[^\s:]+:start)/m, 'text'],
  ['dnsmasq', /^[ \t]*(?:dhcp-(?:host|range|option|boot|hostsfile|match|authoritative)|conf-file|conf-dir|read-ethers|enable-tftp|interface)[ \t]*(?:=|$)/m, 'text'],
  ['ansible', /^[ \t]*\[[^\]\s]+\][ \t]*(?:[#;].*)?$|^[ \t]*[^\s#;=]+[ \t].*\bansible_\w+=/m, 'text']
]

/** Throws AppError list_invalid when nothing is known of it. */
export function recognise (source: SourceText): ListFormat {
  const text = source.text.slice(0, lookedAt)
  const start = /[^\s]/.exec(text.replace(/^(?:\s*(?:#|\/\/)[^\n]*\n)+/, ''))?.[0] ?? ''
  const first = text.split('\n').find(line => line.trim() !== '' && !line.trimStart().startsWith('#')) ?? ''
  // An inventory begins with a bracket as well.
  const kind = start === '{' || (start === '[' && !/^\s*\[[\w.:-]+\]\s*(?:[#;].*)?$/.test(first)) ? 'json' : 'text'
  const found = signs.find(([, pattern, where]) => (where === 'any' || where === kind) && pattern.test(text))
  if (found !== undefined) return found[0]
  if (kind === 'text') {
    if (isCsvHeader(first)) return 'csv'
    if (isEthersLine(first)) return 'ethers'
    if (isHostsLine(first)) return 'hosts'
  }
  const what = text.trim() === '' ? 'the file is empty' : 'what this is a list of is not clear'
  throw listError(source.place(1), `${what}: say --format, one of ${Object.keys(readers).join(', ')}`)
}

// The formats that lists are given back in, and the writer of each.
import type { ExportContext, ExportedHost } from './exported.js'
import { writeAnsible } from './formats/ansible.js'
import { writeCsv } from './formats/csv.js'
import { writeDhcpd, writeFusion } from './formats/dhcpd-block.js'
import { writeDnsmasq, writeHosts } from './formats/dnsmasq.js'
import { writeKea } from './formats/kea.js'
import { writeJson } from './formats/leases.js'
import { writeTfvars } from './formats/tfvars.js'
import { clusterMarkers, fusionMarkers, type Markers } from './managed-block.js'

interface Writer {
  readonly write: (hosts: readonly ExportedHost[], context: ExportContext) => string
  /** Comments that it has between which our part stands; undefined for a format without comments. */
  readonly markers?: (cluster: string) => Markers
  /** What a host needs to have a place in it, for people; and whether one has it. */
  readonly needs?: readonly [what: string, has: (host: ExportedHost) => boolean]
  /** Whether the markers are there however it is printed, since it is made to be pasted. */
  readonly pasted?: boolean
}

/** `terraform` is beside these: it is made of groups and profiles (formats/terraform). */
export const writers = {
  csv: { write: writeCsv },
  dhcpd: { write: writeDhcpd, markers: clusterMarkers, pasted: true },
  fusion: { write: writeFusion, markers: fusionMarkers, pasted: true },
  dnsmasq: { write: writeDnsmasq, markers: clusterMarkers },
  kea: { write: writeKea },
  ansible: { write: writeAnsible, markers: clusterMarkers },
  tfvars: {
    write: writeTfvars,
    needs: ['the role controllers or workers, a name and a MAC address', ({ role = '', name, macs }) => ['controllers', 'workers'].includes(role) && name !== undefined && macs.length > 0]
  },
  hosts: { write: writeHosts, markers: clusterMarkers, needs: ['a name and an address', ({ name, ip }) => name !== undefined && ip !== undefined] },
  json: { write: writeJson }
} as const satisfies Readonly<Record<string, Writer>>

export type ExportFormat = keyof typeof writers
export const isExportFormat = (name: string): name is ExportFormat => Object.hasOwn(writers, name)
export const writerOf = (format: ExportFormat): Writer => writers[format]

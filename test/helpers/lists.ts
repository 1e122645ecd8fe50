// Lists of machines in a test: read from text, and shown a line a host.
import type { HostList, ListedHost } from '../../src/inventory/host-list.js'
import { readers, recognise, type ListFormat } from '../../src/inventory/recognise.js'
import { decodeText } from '../../src/inventory/source-text.js'
import { formatIpv4 } from '../../src/net/ipv4.js'

export const sourceOf = (text: string | Uint8Array, file = 'list') => decodeText(file, typeof text === 'string' ? Buffer.from(text) : text)

/** As an import reads it; the format by its content when none is named. */
export function listOf (text: string | Uint8Array, format?: ListFormat): HostList {
  const source = sourceOf(text)
  return readers[format ?? recognise(source)](source)
}

/** `core-c1 00:0c:29:bd:7f:ec 192.168.100.41 controllers @2:1`; what is not known is `-`. */
export const shownHost = ({ at, name, macs, ip, role }: ListedHost): string => [
  name?.value ?? '-', macs.map(mac => mac.value).join('+') || '-', ip === undefined ? '-' : formatIpv4(ip.value), role?.value ?? '-', `@${at.line}:${at.column}`
].join(' ')

export const shownList = (list: HostList): string[] => list.hosts.map(shownHost)
export const shownRemarks = (list: HostList): string[] => list.remarks.map(({ at, text }) => `${at.line}:${at.column}: ${text}`)

/** What an import says of a text that it refuses; '' when it takes it. */
export function refusalOf (text: string | Uint8Array, format?: ListFormat): string {
  try {
    listOf(text, format)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

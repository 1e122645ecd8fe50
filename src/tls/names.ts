// The names a server certificate is good for (RFC 5280 4.2.1.6), written as OpenSSL and Matchbox's users write them:
// `DNS:matchbox.example.com,IP:192.168.1.2`.
import { hostname } from 'node:os'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { AppError } from '../base/errors.js'
import { localAddresses } from '../net/interfaces.js'
import { formatIpv4 } from '../net/ipv4.js'

export interface SubjectAltName {
  readonly kind: 'DNS' | 'IP'
  readonly value: string
}

const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i

/** The names in `list`, commas between; AppError `usage` names the part that is none. */
export function parseSubjectAltNames (list: string): readonly SubjectAltName[] {
  return list.split(',').map(part => part.trim()).filter(part => part !== '').map(part => {
    const [, kind = '', value = ''] = /^(DNS|IP)(?:\.\d+)?:(.*)$/i.exec(part) ?? []
    if (kind.toUpperCase() === 'IP' && isIP(value) !== 0) return { kind: 'IP', value: canonicalIp(value) }
    const name = domainToASCII(value)
    if (kind.toUpperCase() === 'DNS' && name.length <= 253 && isIP(name) === 0 && isDomain(name)) return { kind: 'DNS', value: name }
    throw new AppError('usage', `${JSON.stringify(part)} is no name for a certificate: write DNS:<name> or IP:<address>, with commas between`)
  })
}

/** An address in its shortest spelling (RFC 5952). */
export const canonicalIp = (address: string): string =>
  isIP(address) === 6 && !address.includes('%') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address

/** Whether each label is one; the first may be the wildcard. */
function isDomain (name: string): boolean {
  const labels = name.split('.')
  return labels.every((part, i) => label.test(part) || (i === 0 && part === '*' && labels.length > 1))
}

/** What this machine is called when nobody says: its host name and its addresses. */
export function ownNames (): readonly SubjectAltName[] {
  const host = domainToASCII(hostname())
  const names: SubjectAltName[] = [...new Set([host, 'localhost'])].filter(isDomain).map(value => ({ kind: 'DNS', value }))
  const addresses = [...new Set(localAddresses().map(address => formatIpv4(address.ip)))]
  return [...names, ...addresses.map((value): SubjectAltName => ({ kind: 'IP', value }))]
}

export const formatSubjectAltName = ({ kind, value }: SubjectAltName): string => `${kind}:${value}`

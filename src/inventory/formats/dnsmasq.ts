// dnsmasq's reservations (dhcp-host of dnsmasq(8), also as lines of a --dhcp-hostsfile), and the two files of the system that it
// reads beside them: ethers(5) and hosts(5).
import { formatIpv4, parseIpv4 } from '../../net/ipv4.js'
import { type ExportedHost, shortName } from '../exported.js'
import { ipFact, isRole, isHostName, looseMac, macFact, nameFact, quoted } from '../facts.js'
import { emptyList, type Fact, type HostList, type Include, type ListedHost, type Place, type ListRemark } from '../host-list.js'
import { listError, type SourceText } from '../source-text.js'

interface Line { readonly text: string, readonly at: (offset: number) => Place }

/** Lines without comments; blanks at both ends are kept, so that columns are right. */
function * linesOf (source: SourceText): Generator<Line> {
  for (const [index, whole] of source.lines.entries()) {
    const text = whole.replace(/(?:^|\s)#.*$/, '')
    if (text.trim() !== '') yield { text, at: offset => source.place(index + 1, offset + 1) }
  }
}

const settings = /^\s*([a-z][a-z0-9-]*)\s*(?:=(.*))?$/
/** Settings whose files hold more of the same. */
const including: Readonly<Record<string, Include['format'] | 'dnsmasq'>> = { 'conf-file': 'dnsmasq', 'dhcp-hostsfile': 'dnsmasq', 'addn-hosts': 'hosts' }

export function readDnsmasq (source: SourceText): HostList {
  const hosts: ListedHost[] = []
  const remarks: ListRemark[] = [...source.remarks]
  const includes: Include[] = []
  let domain: Fact<string> | undefined
  for (const { text, at } of linesOf(source)) {
    const match = settings.exec(text)
    const bare = match === null || (match[2] === undefined && text.includes(','))
    const [key, value] = bare ? ['dhcp-host', text.trim()] : [match[1] ?? '', (match[2] ?? '').trim()]
    const from = value === '' ? 0 : text.lastIndexOf(value)
    if (key === 'dhcp-host') {
      const host = dhcpHost(value, offset => at(from + offset), remarks)
      if (host !== undefined) hosts.push(host)
    } else if (Object.hasOwn(including, key) && value !== '') {
      const format = including[key]
      includes.push({ at: at(from), path: value.split(',')[0] ?? value, ...format === 'hosts' && { format } })
    } else if (key === 'domain' && value !== '') {
      domain ??= { value: value.split(',')[0] ?? value, at: at(from) }
    } else if (key === 'read-ethers') remarks.push({ at: at(0), text: 'read-ethers: give /etc/ethers (and /etc/hosts) to the same import' })
    else if (key === 'conf-dir') remarks.push({ at: at(0), text: `conf-dir=${value}: give its files to the same import` })
  }
  return { ...emptyList, hosts, remarks, domain, includes }
}

const leaseTime = /^(?:\d+[smhdw]?|infinite)$/

/** One dhcp-host; undefined for what reserves no IPv4 address for a machine. */
function dhcpHost (value: string, at: (offset: number) => Place, remarks: ListRemark[]): ListedHost | undefined {
  let [ip, name, role]: [ListedHost['ip']?, ListedHost['name']?, ListedHost['role']?] = []
  const macs: Array<ListedHost['macs'][number]> = []
  let offset = 0
  for (const part of value.split(',')) {
    const place = at(offset + part.length - part.trimStart().length)
    const text = part.trim()
    offset += part.length + 1
    if (text === '' || text.startsWith('tag:') || text.startsWith('net:')) continue
    if (text === 'ignore') {
      const who = value.split(',')[0] ?? value
      remarks.push({ at: place, text: `${who} is to be ignored: left out (where dhcp.unknown_clients is deny it gets no address)` })
      return undefined
    }
    if (text.startsWith('set:')) {
      if (isRole(text.slice(4))) role ??= { value: text.slice(4), at: place }
    } else if (text.startsWith('id:') || text.startsWith('[')) {
      remarks.push({ at: place, text: `${quoted(text)} is left out: machines are known by their MAC and IPv4 addresses here` })
    } else if (text.includes('*')) {
      remarks.push({ at: place, text: `${quoted(text)} stands for several machines: left out` })
      return undefined
    } else if (/^(?:[0-9a-f]{1,2}-)?[0-9a-f]{1,2}(?::[0-9a-f]{1,2})+$/i.test(text)) {
      // A type of hardware may stand before it: 1 is Ethernet.
      macs.push(macFact(text.replace(/^0?1-(?=..?:)/, ''), place))
    } else if (parseIpv4(text) !== undefined) ip = ipFact(text, place)
    else if (!leaseTime.test(text)) name = nameFact(text, place)
  }
  return { at: at(0), name, macs, ip, role }
}

/** `MAC name` or `MAC address` a line. */
export function readEthers (source: SourceText): HostList {
  const hosts: ListedHost[] = []
  for (const { text, at } of linesOf(source)) {
    const [mac, who, ...more] = fieldsOf(text)
    if (mac === undefined || who === undefined || more.length > 0) throw listError(at(0), `a MAC address and a name were expected, not ${quoted(text.trim())}`)
    const place = at(who.at)
    const isAddress = parseIpv4(who.text) !== undefined
    hosts.push({
      at: at(mac.at),
      macs: [macFact(mac.text, at(mac.at))],
      name: isAddress ? undefined : nameFact(who.text, place),
      ip: isAddress ? ipFact(who.text, place) : undefined,
      role: undefined
    })
  }
  return { ...emptyList, hosts, remarks: source.remarks }
}

/** `address name alias...` a line; the longest name counts. What is this machine's own (127.0.0.1) or IPv6 is passed over. */
export function readHosts (source: SourceText): HostList {
  const hosts: ListedHost[] = []
  for (const { text, at } of linesOf(source)) {
    const [address, ...names] = fieldsOf(text)
    if (address === undefined || address.text.includes(':') || address.text.startsWith('127.') || address.text === '255.255.255.255') continue
    const ip = ipFact(address.text, at(address.at))
    const name = names.reduce<Field | undefined>((best, field) => field.text.length > (best?.text.length ?? 0) ? field : best, undefined)
    if (name === undefined) throw listError(at(address.at), `${address.text} has no name: address and name were expected`)
    hosts.push({ at: at(address.at), ip, name: nameFact(name.text, at(name.at)), macs: [], role: undefined })
  }
  return { ...emptyList, hosts, remarks: source.remarks }
}

interface Field { readonly text: string, readonly at: number }
const fieldsOf = (text: string): Field[] => [...text.matchAll(/\S+/g)].map(match => ({ text: match[0], at: match.index }))

export const isEthersLine = (line: string): boolean => {
  const [mac, who, ...more] = fieldsOf(line)
  return mac !== undefined && who !== undefined && more.length === 0 && looseMac(mac.text) !== undefined
}
export const isHostsLine = (line: string): boolean => {
  const [address, name] = fieldsOf(line)
  return address !== undefined && name !== undefined && parseIpv4(address.text) !== undefined && isHostName(name.text)
}

export const writeDnsmasq = (hosts: readonly ExportedHost[]): string => hosts.map(({ macs, ip, name, role }) => {
  const parts = [...macs, role === undefined ? '' : `set:${role}`, ip === undefined ? '' : formatIpv4(ip), name ?? '']
  return `dhcp-host=${parts.filter(part => part !== '').join(',')}\n`
}).join('')

/** For /etc/hosts: the full name first, then the short one. */
export const writeHosts = (hosts: readonly ExportedHost[]): string => hosts.map(({ ip, name, fullName }) => {
  if (ip === undefined || name === undefined) return ''
  return `${[formatIpv4(ip), ...new Set([fullName ?? name, name, shortName(name)])].join(' ')}\n`
}).join('')

// Ansible's INI inventories, as cluster-builder's `hosts` files are: hosts in groups, a host in several of them merged by name,
// ranges, variables with quotes or without. Not read by a parser of INI files: a line of it is no key=value, and they forget lines.
import { contains, formatIpv4, type Ipv4, parseIpv4, prefixOfMask, type Subnet, subnetOf } from '../../net/ipv4.js'
import { type ExportContext, type ExportedHost, isNameOfMac, nameOfMac } from '../exported.js'
import type { Mac } from '../../net/mac.js'
import { ipFact, isRole, macFact, nameFact, quoted } from '../facts.js'
import { emptyList, type Fact, type HostList, type ListedHost, type Place, type ListRemark } from '../host-list.js'
import { listError, type SourceText } from '../source-text.js'

const addressKeys = ['ansible_host', 'ansible_ssh_host', 'ip'] as const
const macKeys = ['vm_mac_addr', 'mac', 'mac_addr', 'macaddr', 'mac_address'] as const

/** Groups that say where a machine runs or that it is one, not what it is for. */
const noRole: ReadonlySet<string> = new Set(['all', 'ungrouped', 'coreos', 'vmware_vms'])
/** The machine that this program runs on. */
const provisioners: ReadonlySet<string> = new Set(['coreos_provisioner', 'core_provisioner'])

/** Hosts that one file may list, ranges included. */
const mostHosts = 200_000

interface Word { readonly text: string, readonly column: number }

export function readAnsible (source: SourceText): HostList {
  const remarks: ListRemark[] = [...source.remarks]
  const found = new Map<string, ListedHost>()
  const own = new Set<string>()
  const settings = new Map<string, Fact<string>>()
  let section: { readonly name: string, readonly kind: string } = { name: '', kind: 'hosts' }
  let listed = 0
  for (const [index, line] of source.lines.entries()) {
    const at = (column: number): Place => source.place(index + 1, column)
    const text = line.trim()
    if (text === '' || text.startsWith('#') || text.startsWith(';')) continue
    const start = line.length - line.trimStart().length + 1
    // A host may begin with a range.
    if (text.startsWith('[') && !/^\[\w+:\w+(?::\d+)?\][^\s#;]/.test(text)) {
      const [, name, kind = 'hosts'] = /^\[\s*([^\]:\s]+)\s*(?::\s*(\w+)\s*)?\]\s*(?:[#;].*)?$/.exec(text) ?? []
      if (name === undefined) throw listError(at(start), `a group in brackets was expected, not ${quoted(text)}`)
      if (!['hosts', 'vars', 'children'].includes(kind)) throw listError(at(start), `[${name}:${kind}]: Ansible knows :vars and :children`)
      section = { name, kind }
      continue
    }
    if (section.kind === 'children') continue
    if (section.kind === 'vars') {
      const [, key, value] = /^([^=\s]+)\s*=(.*)$/.exec(text) ?? []
      if (key === undefined) throw listError(at(start), `[${section.name}:vars]: name=value was expected, not ${quoted(text)}`)
      if (section.name === 'all' || section.name === 'coreos') settings.set(key, { value: plainValue(value?.trim() ?? ''), at: at(line.indexOf('=') + 2) })
      continue
    }
    const [first, ...rest] = wordsOf(text, start, at)
    if (first === undefined) continue
    if (/[=:{}]\s*$/.test(first.text) || first.text.includes('=')) throw listError(at(start), `the name of a host was expected, not ${quoted(text)}`)
    const variables = new Map<string, Fact<string>>()
    for (const { text: word, column } of rest) {
      const equals = word.indexOf('=')
      if (equals < 1) throw listError(at(column), `name=value was expected, not ${quoted(word)}`)
      variables.set(word.slice(0, equals), { value: word.slice(equals + 1), at: at(column + equals + 1) })
    }
    for (const name of expanded(first.text, at(start))) {
      if (++listed > mostHosts) throw listError(at(start), `more than ${mostHosts} hosts`)
      if (provisioners.has(section.name)) own.add(name.toLowerCase())
      const before = found.get(name.toLowerCase())
      found.set(name.toLowerCase(), merged(before, hostOf(name, at(start), section.name, variables, remarks)))
    }
  }
  const hosts: ListedHost[] = []
  for (const [key, host] of found) {
    if (own.has(key)) remarks.push({ at: host.at, text: `${key} is in [coreos_provisioner]: it is this machine's own and left out` })
    else hosts.push(host)
  }
  const name = (key: string): Fact<string> | undefined => settings.get(key)?.value === '' ? undefined : settings.get(key)
  return { ...emptyList, hosts, remarks, networks: networkOf(settings), domain: name('network_dn'), cluster: name('cluster_name') }
}

function hostOf (name: string, at: Place, group: string, variables: ReadonlyMap<string, Fact<string>>, remarks: ListRemark[]): ListedHost {
  const get = (keys: readonly string[]): Fact<string> | undefined =>
    keys.map(key => variables.get(key)).find(fact => fact !== undefined && fact.value.trim() !== '')
  const address = get(addressKeys)
  const mac = get(macKeys)
  const isAddress = parseIpv4(name) !== undefined
  let ip = isAddress ? ipFact(name, at) : undefined
  if (address !== undefined) {
    if (parseIpv4(address.value) !== undefined) ip = ipFact(address.value, address.at)
    else remarks.push({ at: address.at, text: `${quoted(address.value)} is no IPv4 address, and names are not looked up: left out` })
  }
  const role = group.replace(/^coreos_/, '')
  // A shell's output pasted as it was: several addresses, blanks around them.
  const macs = mac === undefined ? [] : mac.value.trim().split(/[\s,]+/).map(text => macFact(text, mac.at))
  return {
    at,
    name: isAddress || isNameOfMac(name, macs[0]?.value) ? undefined : nameFact(name, at),
    macs,
    ip,
    role: noRole.has(group) || provisioners.has(group) || !isRole(role) ? undefined : { value: role, at }
  }
}

/** A host of two groups: the address stands in one, the size of the virtual machine in the other. */
const merged = (before: ListedHost | undefined, host: ListedHost): ListedHost => before === undefined
  ? host
  : { ...before, macs: host.macs.length > 0 ? host.macs : before.macs, ip: host.ip ?? before.ip, role: before.role ?? host.role }

/** Without a mask there is none to guess; the network may be told by its gateway. */
function networkOf (settings: ReadonlyMap<string, Fact<string>>): Array<Fact<Subnet>> {
  const mask = parseIpv4(settings.get('network_mask')?.value ?? '')
  const prefix = mask === undefined ? undefined : prefixOfMask(mask)
  const within = settings.get('network') ?? settings.get('network_gateway')
  const ip = parseIpv4(within?.value ?? '') ?? parseIpv4(settings.get('network_gateway')?.value ?? '')
  if (within === undefined || ip === undefined || prefix === undefined) return []
  return [{ value: subnetOf(ip, prefix), at: within.at }]
}

/** Quotes around a whole value are no part of it; a comment begins after a blank. */
function plainValue (value: string): string {
  const [, quote, inner] = /^(["'])(.*?)\1\s*(?:[#;].*)?$/.exec(value) ?? []
  return quote === undefined ? value.replace(/\s[#;].*$/, '').trim() : inner ?? ''
}

/** Words of a line, with quotes as a shell has them; `column` is that of the text. */
function wordsOf (text: string, start: number, at: (column: number) => Place): Word[] {
  const words: Word[] = []
  for (let i = 0; i < text.length;) {
    const c = text[i] ?? ''
    if (c === ' ' || c === '\t') {
      i++
      continue
    }
    if (c === '#' || c === ';') break
    const column = start + i
    let word = ''
    for (; i < text.length && text[i] !== ' ' && text[i] !== '\t'; i++) {
      const quote = text[i] ?? ''
      if (quote !== '"' && quote !== "'") {
        word += quote
        continue
      }
      const end = text.indexOf(quote, i + 1)
      if (end < 0) throw listError(at(start + i), `a quote that is not ended: ${quoted(text.slice(i))}`)
      word += text.slice(i + 1, end)
      i = end
    }
    words.push({ text: word, column })
  }
  return words
}

/** `w[1:9].lab`, `w[01:09]`, `[a:f]`, `[1:9:2]`: each stands for several hosts. */
function * expanded (pattern: string, at: Place): Generator<string> {
  if ((pattern.match(/\[/g)?.length ?? 0) > 4) throw listError(at, `${quoted(pattern)}: more than four ranges in one name`)
  const [, head = '', from = '', to = '', step = '1', tail = ''] = /^([^[]*)\[(\w+):(\w+)(?::(\d+))?\](.*)$/.exec(pattern) ?? []
  if (from === '') {
    yield pattern.replace(/:\d+$/, '')
    return
  }
  const letters = /^[a-z]$/i.test(from) && /^[a-z]$/i.test(to)
  const [first, last] = letters ? [from.charCodeAt(0), to.charCodeAt(0)] : [Number(from), Number(to)]
  const many = (last - first) / Number(step)
  // Words are no numbers: what comes of them is NaN, of which nothing is true.
  if (!(many >= 0 && many <= mostHosts && Number.isSafeInteger(last))) {
    throw listError(at, `${quoted(pattern)}: a range of numbers or letters was expected, such as [1:9], of ${mostHosts} hosts at most`)
  }
  const width = !letters && from.startsWith('0') ? from.length : 0
  for (let value = first; value <= last; value += Number(step)) {
    yield * expanded(`${head}${letters ? String.fromCharCode(value) : String(value).padStart(width, '0')}${tail}`, at)
  }
}

export function writeAnsible (hosts: readonly ExportedHost[], { cluster, networks, provisioner }: ExportContext): string {
  const roles = [...new Set(hosts.map(({ role }) => role))]
  const line = ({ macs, ip, name }: ExportedHost): string => [
    name ?? (ip === undefined ? nameOfMac(macs[0] as Mac) : formatIpv4(ip)),
    ...ip === undefined ? [] : [`ansible_host=${formatIpv4(ip)}`],
    ...macs.length === 0 ? [] : [`vm_mac_addr=${macs.join(',')}`]
  ].join(' ')
  // It has words for one network, which all of its hosts are taken to be of.
  const network = networks.find(({ subnet }) => hosts.every(({ ip }) => ip !== undefined && contains(subnet, ip)))
  const list = (name: string, addresses: readonly Ipv4[]): string[] => addresses.map((ip, index) => `${name}${index === 0 ? '' : index + 1}=${formatIpv4(ip)}`)
  const variables = [
    'cluster_type=coreos-pxe', `cluster_name=${cluster}`,
    ...network === undefined
      ? []
      : [
          `network=${formatIpv4(network.subnet.network)}`, `network_mask=${formatIpv4(network.subnet.mask)}`,
          ...list('network_gateway', network.routers.slice(0, 1)), ...list('network_dns', network.dnsServers.slice(0, 3)),
          ...network.domain === '' ? [] : [`network_dn=${network.domain}`]
        ],
    `provisioner_server_${parseIpv4(provisioner) === undefined ? 'dn' : 'ip'}=${provisioner}`
  ]
  const sections = [
    ...roles.includes(undefined) ? [hosts.filter(({ role }) => role === undefined).map(line)] : [],
    ['[all:vars]', ...variables],
    ...roles.filter(role => role !== undefined).map(role => [
      `[${['controllers', 'workers'].includes(role) ? 'coreos_' : ''}${role}]`, ...hosts.filter(host => host.role === role).map(line)
    ])
  ]
  return sections.map(lines => `${lines.join('\n')}\n`).join('\n')
}

// What this program itself prints: `hosts export --format json`, `leases list --json`, `machines list --json`, and its file of leases
// (leases.jsonl). Lists of objects that have a MAC address.
import { formatIpv4 } from '../../net/ipv4.js'
import type { ExportedHost } from '../exported.js'
import { ipFact, isHostName, macFact, nameFact, roleFact } from '../facts.js'
import { emptyList, type HostList, type ListedHost, type ListRemark } from '../host-list.js'
import { itemsOf, memberOf, type ObjectValue, readObjects, textOf } from '../object-notation.js'
import { listError, SourceText } from '../source-text.js'

/** States in which a lease is nobody's. */
const ended: ReadonlySet<string> = new Set(['released', 'expired', 'declined', 'offered'])

export function readLeases (source: SourceText): HostList {
  const remarks: ListRemark[] = [...source.remarks]
  const byMac = new Map<string, ListedHost>()
  let observed = false
  for (const item of entriesOf(source, remarks)) {
    const get = (...names: string[]) => names.map(name => textOf(memberOf(item, name), name)).find(text => text !== undefined)
    const listed = memberOf(item, 'macs')
    const macs = (listed === undefined ? [get('mac')] : itemsOf(listed).map(value => textOf(value, 'macs')))
      .flatMap(text => text === undefined ? [] : text.value.split(',').map(value => ({ value, at: text.at })))
    if (macs.length === 0) {
      // The head of a file of leases, and machines that only their address is known of.
      if (memberOf(item, 'format') === undefined) remarks.push({ at: item.at, text: 'an entry without mac is left out' })
      continue
    }
    const state = get('state')?.value
    observed ||= state !== undefined || memberOf(item, 'lastSeen') !== undefined
    const [ip, name, role] = [get('ip', 'address'), get('hostname', 'hostName', 'name'), get('role')]
    const key = macs.map(({ value }) => value).join(',')
    // Of a machine the last line counts; one that gave its address back has none.
    byMac.delete(key)
    if (state !== undefined && ended.has(state)) continue
    if (name !== undefined && !isHostName(name.value)) remarks.push({ at: name.at, text: `${JSON.stringify(name.value)} is no host name: left out` })
    byMac.set(key, {
      at: item.at,
      macs: macs.map(({ value, at }) => macFact(value, at)),
      ip: ip === undefined ? undefined : ipFact(ip.value, ip.at),
      name: name === undefined || !isHostName(name.value) ? undefined : nameFact(name.value, name.at),
      role: role === undefined ? undefined : roleFact(role.value, role.at)
    })
  }
  return { ...emptyList, hosts: [...byMac.values()], remarks, observed }
}

function entriesOf (source: SourceText, remarks: ListRemark[]): readonly ObjectValue[] {
  const first = source.text.trimStart()
  if (/^\{[^\n]*\}[ \t]*\n+\{/.test(first)) return linesOf(source, remarks)
  const document = readObjects(source)
  for (const remark of document.remarks) remarks.push(remark)
  const { value } = document
  const list = value.kind === 'list' ? value : memberOf(value, 'machines') ?? memberOf(value, 'hosts') ?? memberOf(value, 'leases')
  if (list?.kind === 'list') return list.items
  if (memberOf(value, 'mac') !== undefined) return [value]
  throw listError(value.at, 'a list of machines was expected')
}

/** JSON Lines; a last line that is torn is passed over, as the program itself does. */
function linesOf (source: SourceText, remarks: ListRemark[]): ObjectValue[] {
  const entries: ObjectValue[] = []
  const { lines } = source
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue
    try {
      entries.push(shifted(readObjects(new SourceText(source.file, line)).value, index))
    } catch {
      if (lines.slice(index + 1).some(text => text.trim() !== '')) throw listError(source.place(index + 1), 'this line is no JSON')
      remarks.push({ at: source.place(index + 1), text: 'the last line is torn: passed over' })
    }
  }
  return entries
}

function shifted (value: ObjectValue, lines: number): ObjectValue {
  const at = { ...value.at, line: value.at.line + lines }
  if (value.kind === 'list') return { ...value, at, items: value.items.map(item => shifted(item, lines)) }
  if (value.kind === 'object') return { ...value, at, members: value.members.map(member => ({ ...member, at, value: shifted(member.value, lines) })) }
  return { ...value, at }
}

export const writeJson = (hosts: readonly ExportedHost[]): string => `${JSON.stringify(hosts.map(({ macs, ip, name, role }) => ({
  ...macs.length === 1 ? { mac: macs[0] } : { macs },
  ...ip !== undefined && { ip: formatIpv4(ip) },
  ...name !== undefined && { hostname: name },
  ...role !== undefined && { role }
})), null, 2)}\n`

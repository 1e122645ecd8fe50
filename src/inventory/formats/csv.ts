// CSV with a header: Tectonic's (`MASTER_MAC,HOST` and `WORKER_MAC,HOST`, as its graphical installer takes them), and any whose
// header names a MAC address, an IP address or a host. Quotes and delimiters are csv-parse's (RFC 4180).
import { parse } from 'csv-parse/sync'
import { messageOf } from '../../base/errors.js'
import { counted } from '../../base/units.js'
import { formatIpv4, parseIpv4 } from '../../net/ipv4.js'
import type { Mac } from '../../net/mac.js'
import type { ExportedHost } from '../exported.js'
import { ipFact, looseMac, macFact, nameFact, quoted, roleFact } from '../facts.js'
import { emptyList, type Fact, type HostList, type ListedHost, type Place, type ListRemark } from '../host-list.js'
import { listError, type SourceText } from '../source-text.js'

type Column = 'mac' | 'ip' | 'name' | 'role'

/** What a column is, by its heading in small letters with nothing between them. */
const columnOf: ReadonlyMap<string, Column> = new Map(Object.entries({
  mac: [
    'mac', 'macaddr', 'macaddress', 'hwaddr', 'hwaddress', 'hardwareaddress', 'hardwareethernet', 'ethernet',
    'mastermac', 'controllermac', 'workermac'
  ],
  ip: ['ip', 'ipaddr', 'ipaddress', 'ipv4', 'ipv4address', 'address', 'fixedaddress'],
  name: ['host', 'hostname', 'name', 'fqdn'],
  role: ['group', 'role']
}).flatMap(([column, headings]) => headings.map(heading => [heading, column as Column] as const)))

/** Headings that say what all machines below are for. */
const roleOfHeading: ReadonlyMap<string, string> = new Map([['mastermac', 'controllers'], ['controllermac', 'controllers'], ['workermac', 'workers']])
const headingOfRole: Readonly<Record<string, string>> = { controllers: 'MASTER_MAC', workers: 'WORKER_MAC' }

const plain = (heading: string): string => heading.toLowerCase().replace(/[^a-z0-9]/g, '')

/** The columns when the fields are a header: one names a MAC or an IP address, and none is one (a machine may be called `ip`). */
function headerOf (fields: readonly string[]): ReadonlyArray<Column | undefined> | undefined {
  if (fields.some(field => looseMac(field) !== undefined || parseIpv4(field) !== undefined)) return undefined
  const columns = fields.map(field => columnOf.get(plain(field)))
  return columns.includes('mac') || columns.includes('ip') ? columns : undefined
}

/** Whether a line is a header that this reader knows. */
export const isCsvHeader = (line: string): boolean =>
  headerOf(line.split(delimiterOf(line))) !== undefined && delimiters.some(char => line.includes(char))

const delimiters = [',', ';', '\t'] as const
/** What separates the most fields of the header. */
const delimiterOf = (line: string): string =>
  delimiters.reduce((best, char) => line.split(char).length > line.split(best).length ? char : best)

interface Row { readonly fields: readonly string[], readonly at: (index: number) => Place }

export function readCsv (source: SourceText): HostList {
  const hosts: ListedHost[] = []
  const remarks: ListRemark[] = [...source.remarks]
  let columns: ReadonlyArray<Column | undefined> | undefined
  let role: string | undefined
  /** Addresses alone on their lines: a virtual machine with several network cards, whose name follows with the last of them. */
  let alone: Array<Fact<Mac>> = []
  for (const { fields, at } of rowsOf(source)) {
    const header = headerOf(fields)
    if (header !== undefined) {
      columns = header
      role = fields.map(field => roleOfHeading.get(plain(field))).find(found => found !== undefined)
      continue
    }
    if (columns === undefined) {
      throw listError(at(0), `a header was expected, such as MASTER_MAC,HOST or MAC,IP,HOST, not ${quoted(fields.join(','))}`)
    }
    const [only = ''] = fields
    if (fields.length === 1 && columns.length > 1 && looseMac(only) !== undefined) {
      alone.push(macFact(only, at(0)))
      continue
    }
    if (fields.length !== columns.length) throw listError(at(0), `${counted(columns.length, 'field was', 'fields were')} expected, as in the header, not ${fields.length}`)
    const get = <T>(column: Column, read: (text: string, at: Place) => Fact<T>): Fact<T> | undefined => {
      const index = columns?.indexOf(column) ?? -1
      return index < 0 || fields[index] === '' ? undefined : read(fields[index] ?? '', at(index))
    }
    const mac = get('mac', macFact)
    const name = get('name', nameFact)
    if (alone[0] !== undefined) {
      const more = counted(alone.length, 'more address', 'more addresses')
      remarks.push({ at: alone[0].at, text: `${more} of ${name?.value ?? 'the next host'}, each on a line alone: taken as its network cards` })
    }
    hosts.push({
      at: at(0),
      name,
      macs: [...alone, ...mac === undefined ? [] : [mac]],
      ip: get('ip', ipFact),
      role: get('role', roleFact) ?? (role === undefined ? undefined : { value: role, at: at(0) })
    })
    alone = []
  }
  if (alone[0] !== undefined) throw listError(alone[0].at, 'an address without a host: the file is cut off')
  return { ...emptyList, hosts, remarks }
}

function * rowsOf (source: SourceText): Generator<Row> {
  const first = /^[ \t]*[^#\s].*$/m.exec(source.text)?.[0] ?? ''
  let records: ReadonlyArray<{ record: string[], raw: string, info: { lines: number } }>
  try {
    records = parse(source.text, {
      delimiter: delimiterOf(first),
      info: true,
      raw: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      comment: '#',
      comment_no_infix: true
    }) as unknown as typeof records
  } catch (error) {
    const { lines = 1 } = error as { lines?: number }
    throw listError(source.place(lines), messageOf(error).replace(/ at line \d+/, ''))
  }
  for (const { record, raw, info: { lines } } of records) {
    if (record.every(field => field === '')) continue
    // Empty lines and comments before it are told with it.
    const below = raw.trimEnd().split('\n')
    const own = below.findIndex(text => text.trim() !== '' && !text.startsWith('#'))
    const line = lines - (below.length - 1 - own)
    const text = below[own] ?? ''
    yield {
      fields: record,
      at: index => {
        let from = 0
        for (let field = 0; field < index; field++) from = Math.max(from, text.indexOf(record[field] ?? '', from)) + (record[field]?.length ?? 0) + 1
        return source.place(line, Math.max(from, text.indexOf(record[index] ?? '', from)) + 1)
      }
    }
  }
}

/**
 * Machines with a role of Tectonic's under its own headers, which its installer takes one at a time; the others under one that
 * names everything.
 */
export function writeCsv (hosts: readonly ExportedHost[]): string {
  const sections = Object.entries(headingOfRole).map(([role, heading]) => [
    `${heading},HOST`,
    ...hosts.filter(host => host.role === role).map(({ macs, fullName = '' }) => [...macs.slice(0, -1), `${macs.at(-1) ?? ''},${fullName}`].join('\n'))
  ])
  const others = hosts.filter(({ role }) => role === undefined || !Object.hasOwn(headingOfRole, role))
  sections.push(['MAC,IP,HOST,GROUP', ...others.map(({ macs, ip, fullName, role }) =>
    [...macs.slice(0, -1), [macs.at(-1) ?? '', ip === undefined ? '' : formatIpv4(ip), fullName ?? '', role ?? ''].join(',')].join('\n'))])
  return sections.filter(({ length }) => length > 1).map(lines => `${lines.join('\n')}\n`).join('')
}

// hosts import: reads lists, shows what they would change, and writes it whole or not at all.
import { basename, dirname, join, resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { AppError, errnoOf, unwaited } from '../base/errors.js'
import { visibleText } from '../base/visible-text.js'
import { counted } from '../base/units.js'
import { didYouMean } from '../base/nearest.js'
import { isClustered, type LoadedConfig } from '../config/load.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { readWhole } from '../disk/whole-file.js'
import { parseRoleMap, planGroups, profileOf, type ProfileChoice } from '../inventory/group-plan.js'
import { type HostList, placeText } from '../inventory/host-list.js'
import { fileNameOf, formatHostsFile, sourcesOf } from '../inventory/hosts-file.js'
import { joinLists } from '../inventory/join.js'
import { planImport, type PlanRow, type PlanState } from '../inventory/plan.js'
import { readFiles } from '../inventory/read-files.js'
import { isListFormat, readers } from '../inventory/recognise.js'
import type { OpenStore } from '../matchbox/store.js'
import { formatIpv4 } from '../net/ipv4.js'
import { ownAddresses } from '../wiring/export-context.js'
import { CommandError, type Hold, Interrupted, type Io, print, printJson, table } from './command.js'
import { cloudImport, type Put } from './hosts-cloud.js'
import { assertReadable, groupHosts, hostsFolder, knownHosts, openQuietStore, planSubnets } from './hosts-known.js'
import { becomeOwner } from './services-user.js'

export interface ImportRequest {
  readonly operands: readonly string[]
  readonly format: string | undefined
  /** Of the file of hosts.d. */
  readonly name: string | undefined
  readonly dryRun: boolean
  readonly groups: boolean
  readonly profile: string | undefined
  /** `role=profile` */
  readonly map: readonly string[]
  /** The folder of pxe_coreos' templates. */
  readonly templates: string | undefined
  readonly json: boolean
  readonly loaded: LoadedConfig
  readonly io: Io
  readonly hold: Hold
}

/** What an import would do, and how it is done. */
interface ImportChange {
  readonly rows: readonly PlanRow[]
  /** Where it goes: a file of hosts.d, or the folder of groups. */
  readonly target: string
  /** Writes it; answers whether anything was different. */
  readonly write: () => Promise<boolean>
}

export async function importHosts (request: ImportRequest): Promise<number> {
  const { operands, format, name, groups, profile, map, templates, json, dryRun, loaded, io, hold } = request
  if (operands.length === 0) throw new AppError('usage', 'import takes files: hosts import FILE...')
  if (format !== undefined && !isListFormat(format)) throw new AppError('usage', `--format takes one of ${Object.keys(readers).join(', ')}, not ${JSON.stringify(format)}${didYouMean(format, Object.keys(readers))}`)
  if (!groups && (profile !== undefined || map.length > 0 || templates !== undefined)) throw new AppError('usage', '--profile, --map and --templates go with --groups')
  if (groups && name !== undefined) throw new AppError('usage', '--name goes without --groups')
  const choice = { profile, byRole: parseRoleMap(map) }
  const { lists, files } = await readFiles(operands, format, () => buffer(io.stdin))
  const shared = isClustered(loaded.config)
  const store = await openQuietStore(loaded, io, groups && !dryRun)
  try {
    const change = groups ? await asGroups(request, lists, store, choice) : await asReservations(request, lists, files, store)
    const { rows, target } = change
    const conflicts = rows.filter(({ state }) => state === 'conflict')
    const usable = rows.some(({ state }) => state !== 'conflict' && state !== 'incomplete')
    const refused = conflicts.length > 0 || !usable
    if (!json) tell(rows, lists, io)
    let written = false
    if (!refused && !dryRun) {
      if (!groups || !shared) await becomeOwner(groups ? loaded.config.data_path : loaded.config.state_path, io)
      hold()
      written = await change.write()
    }
    const document = { target, written, hosts: rows.map(shown), remarks: remarksOf(lists) }
    if (conflicts[0] !== undefined) {
      const many = counted(conflicts.length, 'host is', 'hosts are')
      throw new CommandError('list_conflict', `nothing is changed: ${many} in conflict; ${inShort(conflicts[0])}`, document)
    }
    if (!usable) {
      const why = rows[0] === undefined ? 'the lists name no machines' : `${inShort(rows[0])}; give the list that does to the same import`
      throw new CommandError('list_invalid', `nothing is changed: ${why}`, document)
    }
    if (json) printJson(io.stdout, document)
    else print(io.stdout, dryRun ? `a dry run: ${target} is as it was` : written ? `${target} is written` : `${target} is as it was`)
    if (written && shared && !groups) io.stderr.write('note: reservations of hosts.d are of this provisioner alone: import the list at each of the cluster, or with --groups once\n')
    return 0
  } finally {
    await store.close()
  }
}

const inShort = ({ places: [place = ''], name = 'a host', why }: PlanRow): string => `${place}: ${name}: ${why}`

async function asReservations (
  { name, operands, loaded }: ImportRequest, lists: readonly HostList[], files: readonly string[], store: OpenStore
): Promise<ImportChange> {
  const cluster = lists.map(list => list.cluster?.value).find(value => value !== undefined && fileNameOf(value) !== '')
  const base = fileNameOf(name ?? cluster ?? defaultName(operands[0] ?? ''))
  if (base === '') throw new AppError('usage', `${JSON.stringify(name ?? operands[0])} makes no file name: say --name NAME`)
  const target = join(hostsFolder(loaded), `${base}.yaml`)
  const before = await readWhole(target, 'lists').then(String, (error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  const sources = files.map(file => file === 'standard input' ? file : resolve(file))
  if (before !== undefined) assertOurs(target, before, name === undefined ? sources : undefined)
  const known = await knownHosts(loaded, store.snapshot.groups.values(), target)
  assertReadable(known)
  const rows = planImport(joinLists(lists), { known: known.hosts, subnets: planSubnets(loaded), ours: ownAddresses(loaded), as: 'reservations' })
  const write = async (): Promise<boolean> => {
    const hosts = rows.filter(({ state, elsewhere }) => !elsewhere && (state === 'added' || state === 'changed' || state === 'same'))
    const content = formatHostsFile(hosts, sources)
    if (content === before || (before === undefined && hosts.length === 0)) return false
    // The same machines of the same lists, seen from another folder.
    if (before !== undefined && rows.every(({ state }) => state === 'same' || state === 'incomplete')) return false
    await writeFileAtomic(target, content)
    return true
  }
  return { rows, target, write }
}

/** What a list is called: by its file, and where that says nothing (`hosts`) by its folder too. */
function defaultName (operand: string): string {
  const path = resolve(operand === '-' ? 'stdin' : operand)
  const base = basename(path).replace(/\.(?:csv|json|conf|ini|yaml|tfvars|txt|tf)$/, '')
  return /^(?:hosts|inventory|dhcpd|terraform|manual-(?:masters|workers)|conf|ethers|dnsmasq|kea-dhcp4|pxe_hosts)$/.test(base) ? `${basename(dirname(path))}-${base}` : base
}

/** A file that is replaced is one that an import wrote, and from the same lists unless its name was asked for. */
function assertOurs (target: string, text: string, sources: readonly string[] | undefined): void {
  const before = sourcesOf(text)
  if (before === undefined) throw new AppError('list_conflict', `${target} was not written by an import and stays: say another --name`)
  if (sources !== undefined && !before.some(source => sources.includes(source))) {
    throw new AppError('list_conflict', `${target} is an import of ${before.join(', ')}: --name ${basename(target, '.yaml')} replaces it, another --name writes beside it`)
  }
}

async function asGroups (
  { loaded, templates, io }: ImportRequest, lists: readonly HostList[], store: OpenStore, choice: ProfileChoice
): Promise<ImportChange> {
  const known = await knownHosts(loaded, [])
  assertReadable(known)
  const groups = new Map(store.snapshot.groups)
  const joined = joinLists(lists)
  const machines = templates === undefined ? [] : joined.flatMap(({ cloud, role }) => cloud === undefined ? [] : [{ cloud, role }])
  if (templates !== undefined && machines.length === 0) throw new AppError('list_invalid', '--templates are of pxe_coreos: no list is a pxe_hosts.json')
  const cloud = templates === undefined ? undefined : await cloudImport(machines, templates, { loaded, choice, store })
  const { rows, changes } = planGroups(joined, {
    groups,
    ofGroups: groupHosts(groups.values(), true),
    known: known.hosts,
    subnets: planSubnets(loaded),
    ours: ownAddresses(loaded),
    machineOf: (host, role) => {
      if (cloud === undefined || host?.cloud === undefined) return { profile: profileOf(role, choice), metadata: new Map() }
      const machine = { cloud: host.cloud, role: host.role }
      return { profile: cloud.profileOf(machine), metadata: cloud.metadataOf(machine) }
    }
  })
  const puts: readonly Put[] = [...cloud?.puts ?? [], ...changes.map(({ group, before }): Put =>
    ({ put: () => store.putGroup(group), undo: () => before === undefined ? store.deleteGroup(group.id) : store.putGroup(before) }))]
  const { config } = loaded
  const target = isClustered(config) ? `etcd ${config.cluster.etcd.prefix}groups/` : join(config.data_path, 'groups')
  return { rows, target, write: () => putAll(puts, io) }
}

/** All of them or, as far as the disk still lets it, none: also where a signal ends it meanwhile. */
async function putAll (puts: readonly Put[], { stop }: Io): Promise<boolean> {
  const ended: { by?: string } = {}
  unwaited(stop.then(signal => { if (signal !== 'SIGPIPE') ended.by = signal }))
  let done = 0
  try {
    for (const { put } of puts) {
      if (ended.by !== undefined) throw new Interrupted(ended.by, 'before all was written: nothing is changed')
      await put()
      done++
    }
  } catch (error) {
    for (const { undo } of puts.slice(0, done).reverse()) await undo().catch(() => {})
    throw error
  }
  return puts.length > 0
}

interface RemarkShown { readonly at: string, readonly text: string }
const remarksOf = (lists: readonly HostList[]): readonly RemarkShown[] =>
  lists.flatMap(({ remarks }) => remarks.map(({ at, text }) => ({ at: placeText(at), text })))

const shown = ({ state, name, macs, ip, role, why, places }: PlanRow): object => ({
  state,
  ...name !== undefined && { hostname: name },
  macs,
  ...ip !== undefined && { ip: formatIpv4(ip) },
  ...role !== undefined && { role },
  ...why !== '' && { why },
  from: places
})

/** More than a screen of what is the same, or of remarks, helps nobody: `--json` has them all. */
const mostShown = 200
const mostRemarks = 20
const order: readonly PlanState[] = ['conflict', 'incomplete', 'removed', 'changed', 'added', 'same']

function tell (rows: readonly PlanRow[], lists: readonly HostList[], io: Io): void {
  const remarks = remarksOf(lists)
  for (const { at, text } of remarks.slice(0, mostRemarks)) print(io.stderr, visibleText(`${at}: ${text}`))
  if (remarks.length > mostRemarks) print(io.stderr, `and ${counted(remarks.length - mostRemarks, 'more remark')} (--json has all)`)
  const sorted = order.flatMap(state => rows.filter(row => row.state === state))
  print(io.stdout, table(['', 'name', 'mac', 'address', 'role', 'from', ''], sorted.slice(0, mostShown).map(({ state, name = '', macs, ip, role = '', places, why }) =>
    [state, name, macs.join(','), ip === undefined ? '' : formatIpv4(ip), role, places.join(' '), why])))
  if (sorted.length > mostShown) print(io.stdout, `and ${sorted.length - mostShown} more (--json has all)`)
  print(io.stdout, order.map(state => [state, rows.filter(row => row.state === state).length] as const).filter(([, count]) => count > 0).map(([state, count]) => `${count} ${state}`).join(', ') || 'no machines')
}

// hosts export: the machines that there are, in another program's format: printed, or put between our markers in a file of its.
import { realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { counted } from '../base/units.js'
import { systemClock } from '../base/clock.js'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { visibleText } from '../base/visible-text.js'
import { didYouMean } from '../base/nearest.js'
import type { LoadedConfig } from '../config/load.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { readWhole } from '../disk/whole-file.js'
import type { ClientCertificates, ExportedHost } from '../inventory/exported.js'
import { writeTerraform } from '../inventory/formats/terraform.js'
import { clusterMarkers, type Markers, replaceBlock, wrapped } from '../inventory/managed-block.js'
import type { KnownHost } from '../inventory/plan.js'
import { type ExportFormat, isExportFormat, writerOf, writers } from '../inventory/write-list.js'
import type { Snapshot } from '../matchbox/store.js'
import { contains } from '../net/ipv4.js'
import { exportContextOnDisk } from '../wiring/export-context.js'
import { errorJson, type Io, print, printJson } from './command.js'
import { unreadIfMade } from './unread.js'
import { groupHosts, knownHosts, openQuietStore } from './hosts-known.js'

export interface ExportRequest {
  readonly format: string | undefined
  /** A role, or the id of a group: only its machines. */
  readonly group: string | undefined
  /** What the block between the markers, and the cluster in Terraform's variables, is called. */
  readonly cluster: string
  readonly write: string | undefined
  /** Terraform: with `import` blocks. */
  readonly importBlocks: boolean
  readonly json: boolean
  readonly loaded: LoadedConfig
  readonly io: Io
}

export async function exportHosts (request: ExportRequest): Promise<number> {
  const { format = '', group, loaded, io } = request
  assertExport(request)
  const store = await openQuietStore(loaded, io)
  await store.close()
  const { snapshot } = store
  const { hosts: known, problems: filed } = await knownHosts(loaded, [])
  const problems = [...filed, ...unreadIfMade(store.problems(), format === 'terraform' ? undefined : ['groups'])]
  for (const problem of problems) print(io.stderr, visibleText(`core-provisioner hosts export: left out: ${problem}`))
  const all = exported([...known, ...groupHosts(snapshot.groups.values(), true)], loaded)
  const wanted = group === undefined ? all : all.filter(({ host, groups }) => host.role === group || groups.includes(group))
  if (wanted.length === 0 && group !== undefined) throw new AppError('list_invalid', `no machine has the role ${JSON.stringify(group)} or is of a group of that id`)
  const list = isExportFormat(format) ? await listed(format, snapshot, wanted, request) : terraform(snapshot, wanted, request)
  await tell(list, problems.length === 0 ? undefined : errorJson('list_invalid', `left out: ${problems.join('; ')}`), request)
  return problems.length === 0 ? 0 : 1
}

function assertExport ({ format = '', importBlocks, cluster }: ExportRequest): void {
  const formats = [...Object.keys(writers), 'terraform']
  if (format !== 'terraform' && !isExportFormat(format)) {
    throw new AppError('usage', `--format takes one of ${formats.join(', ')}${format === '' ? '' : `, not ${JSON.stringify(format)}${didYouMean(format, formats)}`}`)
  }
  if (importBlocks && format !== 'terraform') throw new AppError('usage', '--import-blocks go with --format terraform')
  if (!/^[\w.-]+$/.test(cluster)) throw new AppError('usage', `--cluster takes a word of letters, digits, dots, hyphens and underscores, not ${JSON.stringify(cluster)}`)
}

/** A list in its format, and the markers that it stands between in another program's file. */
interface ListText {
  readonly text: string
  readonly markers: Markers | undefined
  /** It is pasted into such a file by hand, markers and all. */
  readonly isPasted: boolean
}

/** What the format cannot say of machines is told, and they are left out. */
async function listed (
  format: ExportFormat, snapshot: Snapshot, wanted: readonly Exported[], { cluster, loaded, io }: ExportRequest
): Promise<ListText> {
  const writer = writerOf(format)
  const [what, has] = writer.needs ?? ['', () => true]
  const hosts = wanted.map(({ host }) => host)
  const fit = hosts.filter(has)
  if (fit.length < hosts.length) print(io.stderr, `${hosts.length - fit.length} of ${counted(hosts.length, 'machine')} ${hosts.length - fit.length === 1 ? 'is' : 'are'} left out: ${format} needs ${what}`)
  const certificates = format === 'tfvars' ? await clientCertificates(loaded, io) : undefined
  const context = await exportContextOnDisk(loaded, systemClock, { cluster, certificates, groups: [...snapshot.groups.values()] })
  return { text: writer.write(fit, context), markers: writer.markers?.(cluster), isPasted: writer.pasted === true }
}

/** Prints it, or puts it into the file that was named. */
async function tell ({ text, markers, isPasted }: ListText, failure: object | undefined, { format = '', write, json, io }: ExportRequest): Promise<void> {
  if (write !== undefined) {
    const done = await writeInto(write, text, markers)
    if (json) printJson(io.stdout, { ...done, ...failure })
    else print(io.stdout, done.written ? `${write} is written${done.backup === undefined ? '' : `; what it was is ${done.backup}`}` : `${write} is as it was`)
    return
  }
  const whole = isPasted && markers !== undefined ? wrapped(text, markers) : text
  if (json) printJson(io.stdout, { format, text: whole, ...failure })
  else io.stdout.write(whole)
}

interface Exported { readonly host: ExportedHost, readonly groups: readonly string[] }

/** Machines by their MAC addresses: one that is reserved and in a group is one. */
function exported (known: readonly KnownHost[], { config }: LoadedConfig): readonly Exported[] {
  const found = new Map<string, Exported>()
  for (const { macs, ip, name, role, group } of known) {
    const key = [...macs].sort().join(',')
    const before = found.get(key)
    const host = { macs, ip: before?.host.ip ?? ip, name: before?.host.name ?? name, role: before?.host.role ?? role }
    const domain = host.ip === undefined ? '' : config.dhcp.subnets.find(({ subnet }) => contains(subnet, host.ip ?? 0))?.domain_name ?? ''
    const fullName = host.name === undefined || host.name.includes('.') || domain === '' ? host.name : `${host.name}.${domain}`
    const groups = [...before?.groups ?? [], ...group === undefined ? [] : [group]]
    found.set(before !== undefined && before.host.ip !== undefined && ip !== undefined && before.host.ip !== ip ? `${key} ${ip}` : key, { host: { ...host, fullName }, groups })
  }
  return [...found.values()]
}

/** Groups as they are, those of the machines that were asked for, and the profiles that they name. */
function terraform (
  { groups, profiles, configs }: Snapshot, wanted: readonly Exported[], { group, importBlocks, cluster, io }: ExportRequest
): ListText {
  const ids = new Set(wanted.flatMap(({ groups }) => groups))
  const chosen = [...groups.values()].filter(({ id }) => group === undefined || ids.has(id))
  const names = new Set(chosen.map(({ profile }) => profile))
  const without = wanted.filter(({ groups }) => groups.length === 0).length
  if (without > 0) print(io.stderr, `${without} of ${counted(wanted.length, 'machine')} ${without === 1 ? 'is left out: it is' : 'are left out: they are'} in no group (hosts import --groups makes groups)`)
  const text = writeTerraform({
    groups: chosen,
    profiles: [...profiles.values()].filter(({ id }) => group === undefined || names.has(id)),
    configOf: (kind, name) => configs[kind].get(name)?.content.toString()
  }, { importBlocks })
  return { text, markers: clusterMarkers(cluster), isPasted: false }
}

/** Beside the authority that the API knows its clients by. */
async function clientCertificates ({ config: { rpc } }: LoadedConfig, io: Io): Promise<ClientCertificates | undefined> {
  const folder = dirname(rpc.ca_file)
  try {
    const read = async (file: string): Promise<string> => (await readWhole(file, 'credentials')).toString()
    return { ca: await read(rpc.ca_file), cert: await read(join(folder, 'client.crt')), key: await read(join(folder, 'client.key')) }
  } catch (error) {
    print(io.stderr, `without certificates: ${messageOf(error)} (core-provisioner certs init makes them)`)
    return undefined
  }
}

interface WrittenInto { readonly file: string, readonly written: boolean, readonly backup?: string }

/** Only what stands between our markers is replaced, and what the file was is kept beside it. */
async function writeInto (path: string, text: string, markers: Markers | undefined): Promise<WrittenInto> {
  const target = await realpath(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (target === undefined) {
    // It may hold a key.
    await writeFileAtomic(path, markers === undefined ? text : wrapped(text, markers), { mode: markers === undefined ? 0o600 : 0o644 })
    return { file: path, written: true }
  }
  const stats = await stat(target)
  if (!stats.isFile()) throw new AppError('write_failed', `${path} is no plain file`)
  const before = await readWhole(target, 'lists')
  if (markers === undefined) {
    if (!before.equals(Buffer.from(text))) throw new AppError('write_failed', `${path} is there, and its format has no comments between which a part could be replaced: name another file`)
    return { file: path, written: false }
  }
  const after = Buffer.from(replaceBlock(path, before.toString('latin1'), text, markers), 'latin1')
  if (after.equals(before)) return { file: path, written: false }
  await writeFileAtomic(`${target}.backup`, before, { mode: stats.mode & 0o777 })
  await writeFileAtomic(target, after)
  return { file: path, written: true, backup: `${target}.backup` }
}

// The configuration: read, merged and checked. A flag goes before the environment, the environment before the file, the
// file before the defaults. What is wrong is told with its path, where it was written, and what was expected.
import { readFileSync, statSync } from 'node:fs'
import * as v from 'valibot'
import { isMap, LineCounter, parseDocument, type Document } from 'yaml'
import { clusterFaults } from './cluster.js'
import { parsePlainReservations } from './plain-reservations.js'
import { type Config, configSchema, isReservable, reservationSchema, type ReservationConfig, subnetSchema } from './schema.js'
import { unknownKeys } from './unknown-keys.js'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { givesAddresses } from './dhcp-interfaces.js'
import { contains, formatSubnet } from '../net/ipv4.js'

export { answersDhcp, type DhcpInterface, dhcpInterfaces, type DhcpMode, givesAddresses } from './dhcp-interfaces.js'
export { isClustered } from './cluster.js'
export { isBootFileName } from './schema.js'
export type { Config, ListenAddress, ReservationConfig } from './schema.js'

export const defaultConfigFile = '/etc/core-provisioner/config.yaml'

export interface ConfigInput {
  /** The file to read; undefined reads the default one if it is there. */
  readonly file: string | undefined
  /** The default one; another in tests. */
  readonly defaultFile?: string
  /** `key=value` pairs, the key dotted, the value YAML. */
  readonly set: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface LoadedConfig {
  readonly config: Config
  /** What it was made from, for people: `/etc/core-provisioner/config.yaml`, `environment`, `--set`. */
  readonly sources: readonly string[]
  /** Where the value of a path was written: `config.yaml:31`, `--set dhcp.port`. */
  readonly where: (path: Path) => string
  /** Whether somebody wrote something at the path, rather than left it to the defaults. */
  readonly isWritten: (path: Path) => boolean
}

type Path = ReadonlyArray<string | number>

/** Matchbox's own variables, so that its unit files go on working. */
export const matchboxVariables: Readonly<Record<string, string>> = {
  MATCHBOX_ADDRESS: 'http.address',
  MATCHBOX_RPC_ADDRESS: 'rpc.address',
  MATCHBOX_CA_FILE: 'rpc.ca_file',
  MATCHBOX_CERT_FILE: 'rpc.cert_file',
  MATCHBOX_KEY_FILE: 'rpc.key_file',
  MATCHBOX_KEY_RING_PATH: 'signing.key_ring_path',
  MATCHBOX_DATA_PATH: 'data_path',
  MATCHBOX_ASSETS_PATH: 'assets_path',
  MATCHBOX_LOG_LEVEL: 'log_level'
}

/** Levels that Matchbox takes (logrus, whatever their case) and that are called otherwise here. */
const matchboxLevels: Readonly<Record<string, string>> = { warning: 'warn', fatal: 'error', panic: 'error' }

const logLevelOf = (text: string): string => matchboxLevels[text.toLowerCase()] ?? text.toLowerCase()

/** Reads and checks the configuration; AppError `config_invalid` with a line for each thing that is wrong. */
export function loadConfig ({ file, defaultFile = defaultConfigFile, set, env }: ConfigInput): LoadedConfig {
  const path = file ?? (isThere(defaultFile) ? defaultFile : undefined)
  const written = path === undefined ? emptyFile() : readYaml(path)
  const raw = written.value
  const origins = new Map<string, string>()
  for (const [variable, key] of Object.entries(matchboxVariables)) {
    const value = env[variable]
    if (value === undefined) continue
    assign(raw, key, key === 'log_level' ? logLevelOf(value) : value)
    origins.set(key, variable)
  }
  for (const pair of set) {
    const equals = pair.indexOf('=')
    if (equals < 1) throw new AppError('usage', `--set takes key=value, not ${JSON.stringify(pair)}`)
    const key = pair.slice(0, equals)
    assign(raw, key, parseValue(key, pair.slice(equals + 1)))
    origins.set(key, `--set ${key}`)
  }

  const originOf = (at: Path): string | undefined => {
    for (let length = at.length; length > 0; length--) {
      const origin = origins.get(at.slice(0, length).join('.'))
      if (origin !== undefined) return origin
    }
    return undefined
  }
  const where = (at: Path): string => originOf(at) ?? written.where(at)
  const result = v.safeParse(configSchema, raw)
  const problems = faultsIn(raw, configSchema, result)
  const fromEnvironment = Object.keys(matchboxVariables).filter(name => env[name] !== undefined)
  const loaded = (config: Config): LoadedConfig => ({
    config,
    sources: [...path === undefined ? [] : [path], ...fromEnvironment, ...set.length > 0 ? ['--set'] : []],
    where,
    isWritten: at => at.reduce<unknown>((value, key) => Object(value)[key], raw) !== undefined
  })
  if (result.success && problems.length === 0) return loaded(result.output)
  const told = problems.map(({ path: at, message }) => {
    const { line, column } = written.placeOf(at)
    const origin = originOf(at)
    const place = origin ?? (path === undefined ? 'configuration' : `${path}:${line}:${column}`)
    return { text: `${place}: ${at.length === 0 ? '' : `${at.join('.')}: `}${message}`, order: origin === undefined ? line * 1e6 + column : 0 }
  })
  const rest = withoutFaults(raw)
  throw new ConfigError(told.sort((a, b) => a.order - b.order).map(({ text }) => text), rest === undefined ? undefined : loaded(rest))
}

/** All that is wrong with a configuration, a line each; and what is left of it, for whoever wants to look further. */
export class ConfigError extends AppError {
  readonly problems: readonly string[]
  /** The configuration without what is wrong in it, which has its default; undefined where nothing can be made of it. */
  readonly rest: LoadedConfig | undefined

  constructor (problems: readonly string[], rest: LoadedConfig | undefined) {
    super('config_invalid', problems.join('\n'))
    this.problems = problems
    this.rest = rest
  }
}

/** As often may something be taken out. */
const mostFaults = 200

/** The configuration once what is wrong was taken out of it, and what it stood in where it can't be without. */
function withoutFaults (raw: unknown): Config | undefined {
  const copy = structuredClone(raw) as Record<string, unknown>
  const removed = new Set<string>()
  for (let tries = 0; tries < mostFaults; tries++) {
    const result = v.safeParse(configSchema, copy)
    const faults = faultsIn(copy, configSchema, result)
    if (result.success && faults.length === 0) return result.output
    let { path } = faults[0]!
    // What is missing is not there to be removed: then what it is missing in goes.
    while (path.length > 0 && (removed.has(path.join('\0')) || !remove(copy, path))) path = path.slice(0, -1)
    if (path.length === 0) return undefined
    if (typeof path.at(-1) === 'string') removed.add(path.join('\0'))
  }
  return undefined
}

function remove (from: unknown, path: Path): boolean {
  const parent = path.slice(0, -1).reduce<unknown>((value, key) => Object(value)[key], from)
  const key = path.at(-1)!
  if (Array.isArray(parent)) return parent.splice(Number(key), 1).length > 0
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, key)) return false
  return Reflect.deleteProperty(parent, key)
}

/** What the schema says, with every unknown key in place of the first one, and what the whole does not allow. */
const faultsIn = (raw: unknown, schema: v.GenericSchema, result: Parsed): readonly Problem[] =>
  [...schemaFaults(raw, schema, result), ...contradictions(raw)]

interface Parsed { readonly success: boolean, readonly issues?: ReadonlyArray<v.BaseIssue<unknown>> | undefined }

const schemaFaults = (raw: unknown, schema: v.GenericSchema, { issues = [] }: Parsed): readonly Problem[] => [
  ...issues.filter(issue => !isUnknownKey(issue)).map(issue => ({ path: pathOf(issue), message: explain(issue) })),
  ...issues.length === 0 ? [] : unknownKeys(schema, raw)
]

const pathOf = ({ path }: v.BaseIssue<unknown>): Path => (path ?? []).map(item => item.key as string | number)
const isUnknownKey = ({ type, expected }: v.BaseIssue<unknown>): boolean => type === 'strict_object' && expected === 'never'

export interface ReservationEntry extends ReservationConfig {
  /** `hosts.d/rack1.yaml:7` */
  readonly source: string
}

export interface ReservationFile {
  readonly entries: readonly ReservationEntry[]
  readonly problems: readonly string[]
}

/** A file of reservations, as in hosts.d: the good entries, and a line for each bad one, which is left out alone. */
export function parseReservationFile (name: string, text: string): ReservationFile {
  const plain = parsePlainReservations(name, text, isReservable)
  if (plain !== undefined) return { entries: plain, problems: [] }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const place = (path: Path): string => {
    const { line, column } = placeOf(document, lines, path)
    return `${name}:${line}:${column}`
  }
  if (document.errors.length > 0) {
    const problems = document.errors.map(fault => {
      const { line, col } = lines.linePos(fault.pos[0])
      return `${name}:${line}:${col}: ${firstLine(fault.message)}`
    })
    return { entries: [], problems }
  }
  const { value: list, problem: unresolved } = valueOf(document)
  if (unresolved !== undefined) return { entries: [], problems: [`${name}:1:1: ${unresolved}`] }
  if (list === null) return { entries: [], problems: [] }
  if (!Array.isArray(list)) return { entries: [], problems: [`${name}:1:1: expected a list of reservations`] }
  const entries: ReservationEntry[] = []
  const problems: string[] = []
  for (const [index, item] of list.entries()) {
    const result = v.safeParse(reservationSchema, item)
    if (result.success) entries.push({ ...result.output, source: `${name}:${placeOf(document, lines, [index]).line}` })
    else problems.push(...schemaFaults(item, reservationSchema, result).map(({ path, message }) => `${place([index, ...path])}: ${path.length === 0 ? '' : `${path.join('.')}: `}${message}`))
  }
  return { entries, problems }
}

interface Problem { readonly path: Path, readonly message: string }

/** What each key by itself allows and the whole does not, as far as the keys can be made out: whatever else is wrong hides nothing. */
function contradictions (raw: unknown): readonly Problem[] {
  const { dhcp, http, cluster, enrolment: enrolling } = configSchema.entries
  const read = <S extends v.GenericSchema>(schema: S, ...path: string[]): v.InferOutput<S> | undefined => {
    const result = v.safeParse(schema, path.reduce<unknown>((value, key) => Object(value)[key], raw))
    return result.success ? result.output : undefined
  }
  const problems: Problem[] = []
  const https = http.wrapped.entries.https.wrapped.entries
  if ((read(https.address, 'http', 'https', 'address') ?? null) !== null) {
    for (const key of ['cert_file', 'key_file'] as const) {
      if (read(https[key], 'http', 'https', key) === '') problems.push({ path: ['http', 'https', key], message: 'expected a PEM file, or http.https.address: ""' })
    }
  }
  const { name, etcd: { wrapped: { entries: etcd } } } = cluster.wrapped.entries
  problems.push(...clusterFaults({
    isWritten: Object.keys(Object(Object(raw)['cluster']) as object).length > 0,
    name: read(name, 'cluster', 'name'),
    endpoints: read(etcd.endpoints, 'cluster', 'etcd', 'endpoints'),
    isSet: key => (read(etcd[key], 'cluster', 'etcd', key) ?? '') !== ''
  }))
  const keys = dhcp.wrapped.entries
  const mode = read(keys.mode, 'dhcp', 'mode')
  const [single, several] = [read(keys.interface, 'dhcp', 'interface'), read(keys.interfaces, 'dhcp', 'interfaces')]
  if ((mode === 'server' || mode === 'proxy') && single === '' && several?.length === 0) {
    problems.push({ path: ['dhcp', 'interface'], message: 'expected the interface to listen on, or dhcp.mode: off' })
  }
  for (const [index, { name }] of (several ?? []).entries()) {
    const before = several?.findIndex(other => other.name === name) ?? index
    if (before < index) problems.push({ path: ['dhcp', 'interfaces', index], message: `expected each interface once: ${name} is interface ${before + 1} already` })
  }
  const serves = mode !== undefined && single !== undefined && several !== undefined &&
    givesAddresses({ dhcp: { mode, interface: single, interfaces: several } })
  const written = Object(Object(raw)['dhcp'])['subnets'] as unknown
  if (written !== undefined && !Array.isArray(written)) return problems
  const subnets = (written ?? []) as readonly unknown[]
  if ((mode === 'server' || serves) && subnets.length === 0) problems.push({ path: ['dhcp', 'subnets'], message: 'expected at least one subnet in server mode' })
  const entries = subnetSchema.entries
  const part = <S extends v.GenericSchema>(schema: S, index: number, key: string): v.InferOutput<S> | undefined => {
    const result = v.safeParse(schema, Object(subnets[index])[key])
    return result.success ? result.output : undefined
  }
  const known = subnets.map((_, index) => part(entries.subnet, index, 'subnet'))
  for (const [index, subnet] of known.entries()) {
    if (subnet === undefined) continue
    const at = ['dhcp', 'subnets', index]
    const other = known.findIndex(before => before !== undefined && (contains(before, subnet.network) || contains(subnet, before.network)))
    if (other < index) problems.push({ path: [...at, 'subnet'], message: `expected subnets apart: it overlaps subnet ${other + 1}` })
    const range = part(entries.range, index, 'range')
    if (range !== undefined && !(contains(subnet, range.first) && contains(subnet, range.last))) {
      problems.push({ path: [...at, 'range'], message: `expected addresses inside ${formatSubnet(subnet)}` })
    }
    const outside = part(entries.routers, index, 'routers')?.findIndex(router => !contains(subnet, router)) ?? -1
    if (outside >= 0) problems.push({ path: [...at, 'routers', outside], message: `expected an address inside ${formatSubnet(subnet)}` })
  }
  const enrolment = enrolling.wrapped.entries
  const profiles = read(enrolment.profiles, 'enrolment', 'profiles') ?? []
  const open = profiles.findIndex(({ quantity }) => quantity === undefined)
  if (open >= 0 && open < profiles.length - 1) problems.push({ path: ['enrolment', 'profiles', open, 'quantity'], message: 'expected a quantity: only the last profile may take all that come' })
  const range = read(enrolment.range, 'enrolment', 'range')
  if (range != null && (mode === 'server' || serves) && !known.some(subnet => subnet !== undefined && contains(subnet, range.first) && contains(subnet, range.last))) {
    problems.push({ path: ['enrolment', 'range'], message: 'expected addresses inside one of dhcp.subnets' })
  }
  return problems
}

function explain (issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object') return issue.expected === 'Object' ? 'expected keys and values' : 'this key is missing'
  const received = issue.received === 'undefined' ? 'nothing' : issue.received
  return issue.kind === 'schema' || issue.type === 'raw_transform' ? `${issue.message}, not ${received}` : issue.message
}

/** A file that can't be looked at is none that is absent: whoever may not read it would run with the defaults. */
function isThere (path: string): boolean {
  try {
    statSync(path)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return false
    throw unreadable(path, error)
  }
}

const unreadable = (path: string, error: unknown): AppError => new AppError('config_invalid',
  `cannot read the configuration file ${path}: ${messageOf(error)}${errnoOf(error) === 'EACCES' ? '; this needs root or the group of the service, or --config FILE' : ''}`)

interface YamlFile {
  readonly value: Record<string, unknown>
  /** `config.yaml:31` */
  readonly where: (path: Path) => string
  readonly placeOf: (path: Path) => { readonly line: number, readonly column: number }
}

const emptyFile = (): YamlFile => ({ value: {}, where: () => 'configuration', placeOf: () => ({ line: 0, column: 0 }) })

function readYaml (path: string): YamlFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw errnoOf(error) === 'ENOENT' ? new AppError('config_invalid', `there is no configuration file ${path}`) : unreadable(path, error)
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map(fault => {
      const { line, col } = lines.linePos(fault.pos[0])
      return `${path}:${line}:${col}: ${firstLine(fault.message)}`
    }), undefined)
  }
  if (document.contents !== null && !isMap(document.contents)) throw new ConfigError([`${path}:1:1: expected keys and values`], undefined)
  const { value, problem } = valueOf(document)
  if (problem !== undefined) throw new ConfigError([`${path}:1:1: ${problem}`], undefined)
  return {
    value: (value ?? {}) as Record<string, unknown>,
    where: at => `${path}:${placeOf(document, lines, at).line}`,
    placeOf: at => placeOf(document, lines, at)
  }
}

/** Of a path, or of the nearest part of it that is written down. */
function placeOf (document: Document, lines: LineCounter, path: Path): { readonly line: number, readonly column: number } {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true)
    const key = path[length - 1]
    const pair = isMap(parent) ? parent.items.find(item => String(item.key) === String(key)) : undefined
    const node = (pair?.key ?? document.getIn(path.slice(0, length), true)) as { range?: readonly number[] | null } | undefined
    const start = node?.range?.[0]
    if (start === undefined) continue
    const { line, col } = lines.linePos(start)
    return { line, column: col }
  }
  return { line: 1, column: 1 }
}

/** yaml's messages end with an excerpt of the file; the first line says it all. */
const firstLine = (message: string): string => (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '')

function parseValue (key: string, text: string): unknown {
  const document = parseDocument(text)
  if (document.errors.length > 0) throw new AppError('usage', `--set ${key}: ${firstLine(document.errors[0]?.message ?? '')}`)
  const { value, problem } = valueOf(document)
  if (problem !== undefined) throw new AppError('usage', `--set ${key}: ${problem}`)
  return value ?? ''
}

/** An alias of nothing, and aliases that would make a giant, only show when the value is made. */
function valueOf (document: Document): { readonly value: unknown, readonly problem?: string } {
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown }
  } catch (error) {
    return { value: undefined, problem: firstLine(messageOf(error)) }
  }
}

function assign (target: Record<string, unknown>, key: string, value: unknown): void {
  const parts = key.split('.')
  const last = parts.pop() ?? ''
  let at = target
  for (const part of parts) {
    const next = Object.hasOwn(at, part) ? at[part] : undefined
    const child = typeof next === 'object' && next !== null ? next as Record<string, unknown> : {}
    Object.defineProperty(at, part, { value: child, enumerable: true, configurable: true, writable: true })
    at = child
  }
  Object.defineProperty(at, last, { value, enumerable: true, configurable: true, writable: true })
}

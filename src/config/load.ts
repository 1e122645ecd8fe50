// The configuration: read, merged and checked. A flag goes before the environment, the environment before the file, the
// file before the defaults. What is wrong is told with its path, where it was written, and what was expected.
import { readFileSync, statSync } from 'node:fs'
import * as v from 'valibot'
import { isMap, LineCounter, parseDocument, type Document } from 'yaml'
import { parsePlainReservations } from './plain-reservations.js'
import { type Config, configSchema, isReservable, reservationSchema, type ReservationConfig } from './schema.js'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { contains, formatSubnet } from '../net/ipv4.js'

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

  const where = (at: Path): string => {
    for (let length = at.length; length > 0; length--) {
      const origin = origins.get(at.slice(0, length).join('.'))
      if (origin !== undefined) return origin
    }
    return written.where(at)
  }
  const result = v.safeParse(configSchema, raw)
  const problems = result.success
    ? contradictions(result.output)
    : result.issues.map(issue => ({ path: (issue.path ?? []).map(item => item.key as string | number), message: explain(issue) }))
  if (problems.length > 0 || !result.success) {
    throw new AppError('config_invalid', problems.map(problem => `${where(problem.path)}: ${problem.path.join('.')}: ${problem.message}`).join('\n'))
  }
  const fromEnvironment = Object.keys(matchboxVariables).filter(name => env[name] !== undefined)
  return {
    config: result.output,
    sources: [...path === undefined ? [] : [path], ...fromEnvironment, ...set.length > 0 ? ['--set'] : []],
    where,
    isWritten: at => at.reduce<unknown>((value, key) => Object(value)[key], raw) !== undefined
  }
}

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
  const fault = document.errors[0]
  if (fault !== undefined) return { entries: [], problems: [`${name}:${lines.linePos(fault.pos[0]).line}: ${firstLine(fault.message)}`] }
  const { value: list, problem: unresolved } = valueOf(document)
  if (unresolved !== undefined) return { entries: [], problems: [`${name}:1: ${unresolved}`] }
  if (list === null) return { entries: [], problems: [] }
  if (!Array.isArray(list)) return { entries: [], problems: [`${name}:1: expected a list of reservations`] }
  const entries: ReservationEntry[] = []
  const problems: string[] = []
  for (const [index, item] of list.entries()) {
    const result = v.safeParse(reservationSchema, item)
    if (result.success) {
      entries.push({ ...result.output, source: `${name}:${lineOf(document, lines, [index])}` })
    } else {
      const { path = [], ...issue } = result.issues[0]
      const at = path.map(part => part.key as string | number)
      problems.push(`${name}:${lineOf(document, lines, [index, ...at])}: ${at.join('.')}: ${explain({ ...issue, path } as v.BaseIssue<unknown>)}`)
    }
  }
  return { entries, problems }
}

interface Problem { readonly path: Path, readonly message: string }

/** What each key by itself allows and the whole does not. */
function contradictions ({ dhcp, enrolment, http: { https } }: Config): readonly Problem[] {
  const problems: Problem[] = []
  for (const key of ['cert_file', 'key_file'] as const) {
    if (https.address !== null && https[key] === '') problems.push({ path: ['http', 'https', key], message: 'expected a PEM file, or http.https.address: ""' })
  }
  if (dhcp.mode !== 'off' && dhcp.interface === '') problems.push({ path: ['dhcp', 'interface'], message: 'expected the interface to listen on, or dhcp.mode: off' })
  if (dhcp.mode === 'server' && dhcp.subnets.length === 0) problems.push({ path: ['dhcp', 'subnets'], message: 'expected at least one subnet in server mode' })
  for (const [index, { subnet, range, routers }] of dhcp.subnets.entries()) {
    const at = ['dhcp', 'subnets', index]
    const other = dhcp.subnets.findIndex(before => contains(before.subnet, subnet.network) || contains(subnet, before.subnet.network))
    if (other < index) problems.push({ path: [...at, 'subnet'], message: `expected subnets apart: it overlaps subnet ${other + 1}` })
    if (range !== undefined && !(contains(subnet, range.first) && contains(subnet, range.last))) {
      problems.push({ path: [...at, 'range'], message: `expected addresses inside ${formatSubnet(subnet)}` })
    }
    const outside = routers.findIndex(router => !contains(subnet, router))
    if (outside >= 0) problems.push({ path: [...at, 'routers', outside], message: `expected an address inside ${formatSubnet(subnet)}` })
  }
  const open = enrolment.profiles.findIndex(({ quantity }) => quantity === undefined)
  if (open >= 0 && open < enrolment.profiles.length - 1) problems.push({ path: ['enrolment', 'profiles', open, 'quantity'], message: 'expected a quantity: only the last profile may take all that come' })
  const { range } = enrolment
  if (range != null && dhcp.mode === 'server' && !dhcp.subnets.some(({ subnet }) => contains(subnet, range.first) && contains(subnet, range.last))) {
    problems.push({ path: ['enrolment', 'range'], message: 'expected addresses inside one of dhcp.subnets' })
  }
  return problems
}

function explain (issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object') {
    return issue.expected === 'never' ? 'unknown key' : issue.expected === 'Object' ? 'expected keys and values' : 'this key is missing'
  }
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

interface YamlFile { readonly value: Record<string, unknown>, readonly where: (path: Path) => string }

const emptyFile = (): YamlFile => ({ value: {}, where: () => 'configuration' })

function readYaml (path: string): YamlFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw errnoOf(error) === 'ENOENT' ? new AppError('config_invalid', `there is no configuration file ${path}`) : unreadable(path, error)
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const fault = document.errors[0]
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0])
    throw new AppError('config_invalid', `${path}:${line}:${col}: ${firstLine(fault.message)}`)
  }
  if (document.contents !== null && !isMap(document.contents)) throw new AppError('config_invalid', `${path}:1: expected keys and values`)
  const { value, problem } = valueOf(document)
  if (problem !== undefined) throw new AppError('config_invalid', `${path}:1: ${problem}`)
  return {
    value: (value ?? {}) as Record<string, unknown>,
    where: at => `${path}:${lineOf(document, lines, at)}`
  }
}

/** The line of a path, or of the nearest part of it that is written down. */
function lineOf (document: Document, lines: LineCounter, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true)
    const key = path[length - 1]
    const pair = isMap(parent) ? parent.items.find(item => String(item.key) === String(key)) : undefined
    const node = (pair?.key ?? document.getIn(path.slice(0, length), true)) as { range?: readonly number[] | null } | undefined
    const start = node?.range?.[0]
    if (start !== undefined) return lines.linePos(start).line
  }
  return 1
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

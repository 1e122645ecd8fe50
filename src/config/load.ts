// The configuration: read, merged and checked. A flag goes before the environment, the environment before the file, the
// file before the defaults. What is wrong is told with its path, where it was written, and what was expected.
import { statSync } from 'node:fs'
import * as v from 'valibot'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import type { ValuePath } from '../base/positions.js'
import { readWholeSync } from '../disk/whole-file.js'
import { faultsIn, withoutFaults } from './faults.js'
import { type Config, configSchema } from './schema.js'
import { parseValue, parseYaml, type YamlSource } from './yaml-text.js'

export { answersDhcp, type DhcpInterface, dhcpInterfaces, type DhcpMode, givesAddresses } from './dhcp-interfaces.js'
export { isClustered } from './cluster.js'
export { isBootFileName } from './schema.js'
export type { Config, ListenAddress, ReservationConfig } from './schema.js'

export const defaultConfigFile = '/etc/core-provisioner/config.yaml'

export interface ConfigInput {
  /** The file to read; undefined reads the default one if it is there. */
  readonly file: string | undefined
  /** What it says, where it can't be read again. */
  readonly text?: string | undefined
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
  readonly where: (path: ValuePath) => string
  /** How a line begins that tells of a key: `config.yaml:31:5: rpc.ca_file`. */
  readonly keyAt: (path: ValuePath) => string
  /** Matchbox's variables that are told and mean nothing here: `MATCHBOX_WEB_SSL`. */
  readonly ignored: readonly string[]
  /** Whether somebody wrote something at the path, rather than left it to the defaults. */
  readonly isWritten: (path: ValuePath) => boolean
}

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

/** One that is empty is none, as for Matchbox; without an address for it its API is off. */
const isUnset = (variable: string, value: string | undefined): value is undefined => value === undefined || (value === '' && variable !== 'MATCHBOX_RPC_ADDRESS')

/** Whether it would change what Matchbox does. */
const isIgnored = (name: string, value = ''): boolean => name.startsWith('MATCHBOX_') && value !== '' && !(name in matchboxVariables) &&
  !['MATCHBOX_PASSPHRASE', 'MATCHBOX_VERSION', 'MATCHBOX_HELP'].includes(name) && !(name === 'MATCHBOX_WEB_SSL' && /^(?:0|f|F|false|FALSE|False)$/.test(value))

/** Reads and checks the configuration; AppError `config_invalid` with a line for each thing that is wrong. */
export function loadConfig ({ file, text, defaultFile = defaultConfigFile, set, env }: ConfigInput): LoadedConfig {
  const path = file ?? (isThere(defaultFile) ? defaultFile : undefined)
  const written = path === undefined ? undefined : valuesOf(path, text ?? readFile(path))
  const raw = (written?.value ?? {}) as Record<string, unknown>
  const origins = new Map<string, string>()
  for (const [variable, key] of Object.entries(matchboxVariables)) {
    const value = env[variable]
    if (isUnset(variable, value)) continue
    assign(raw, key, key === 'log_level' ? logLevelOf(value) : value)
    origins.set(key, variable)
  }
  for (const pair of set) {
    const key = setInto(raw, pair)
    origins.set(key, `--set ${key}`)
  }

  const originOf = (at: ValuePath): string | undefined => {
    for (let length = at.length; length > 0; length--) {
      const origin = origins.get(at.slice(0, length).join('.'))
      if (origin !== undefined) return origin
    }
    return undefined
  }
  const where = (at: ValuePath): string => originOf(at) ?? (written === undefined ? 'configuration' : `${path}:${written.placeOf(at).line}`)
  const placeOf = (at: ValuePath): string => {
    const { line, column } = written?.placeOf(at) ?? {}
    return originOf(at) ?? (line === undefined ? 'configuration' : `${path}:${line}:${column}`)
  }
  const result = v.safeParse(configSchema, raw)
  const problems = faultsIn(raw, configSchema, result)
  const fromEnvironment = Object.keys(matchboxVariables).filter(name => !isUnset(name, env[name]))
  const loaded = (config: Config): LoadedConfig => ({
    config,
    sources: [...path === undefined ? [] : [path], ...fromEnvironment, ...set.length > 0 ? ['--set'] : []],
    where,
    keyAt: at => `${placeOf(at)}: ${at.join('.')}`,
    ignored: Object.keys(env).filter(name => isIgnored(name, env[name])).sort(),
    isWritten: at => at.reduce<unknown>((value, key) => Object(value)[key], raw) !== undefined
  })
  if (result.success && problems.length === 0) return loaded(result.output)
  const told = problems.map(({ path: at, message }) => {
    const { line, column } = written?.placeOf(at) ?? { line: 0, column: 0 }
    return { text: `${placeOf(at)}: ${at.length === 0 ? '' : `${at.join('.')}: `}${message}`, order: originOf(at) === undefined ? line * 1e6 + column : 0 }
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

function readFile (path: string): string {
  try {
    return readWholeSync(path, 'lists').toString()
  } catch (error) {
    throw errnoOf(error) === 'ENOENT' ? new AppError('config_invalid', `there is no configuration file ${path}`) : unreadable(path, error)
  }
}

function valuesOf (path: string, text: string): YamlSource {
  const written = parseYaml(path, text)
  const { value, problems } = written
  if (problems.length > 0) throw new ConfigError(problems, undefined)
  if (Object.getPrototypeOf(value ?? {}) !== Object.prototype) throw new ConfigError([`${path}:1:1: expected keys and values`], undefined)
  return written
}

/** What `--set` has as `key=value`, put where it belongs; gives the key. AppError usage. */
export function setInto (raw: Record<string, unknown>, pair: string): string {
  const equals = pair.indexOf('=')
  if (equals < 1) throw new AppError('usage', `--set takes key=value, not ${JSON.stringify(pair)}`)
  const key = pair.slice(0, equals)
  assign(raw, key, parseValue(key, pair.slice(equals + 1)))
  return key
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

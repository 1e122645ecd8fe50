// What a matchbox.service is told: by variables, by files of them, and by arguments. Read from what `systemctl show` says of
// the unit, drop-ins and all, and turned into variables, which core-provisioner takes as Matchbox does.
import { type UnitEnvironment, parseEnvironmentFile } from '../config/environment-file.js'
import { type ContainerCommand, containerCommand, startsContainers } from './container-command.js'
import { expand, valuesIn, words, wordsAsWritten } from './unit-words.js'

export interface MatchboxSettings {
  /** Those that core-provisioner takes. */
  readonly environment: UnitEnvironment
  /** What it is told that has to be done by hand, a sentence each. */
  readonly notes: readonly string[]
}

/** Files as the unit names them. */
export interface UnitFileReader {
  /** The text, undefined for one that cannot be read. */
  readonly read: (file: string) => string | undefined
  /** Those that a pattern of a shell names, sorted. */
  readonly glob: (pattern: string) => readonly string[]
}

/** Settings of Matchbox that are paths, and what it takes where it is not told. */
const paths: Readonly<Record<string, string>> = {
  MATCHBOX_DATA_PATH: '/var/lib/matchbox',
  MATCHBOX_ASSETS_PATH: '/var/lib/matchbox/assets',
  MATCHBOX_CA_FILE: '/etc/matchbox/ca.crt',
  MATCHBOX_CERT_FILE: '/etc/matchbox/server.crt',
  MATCHBOX_KEY_FILE: '/etc/matchbox/server.key',
  MATCHBOX_KEY_RING_PATH: ''
}

/** Settings of Matchbox that are variables here too; a flag's name is that of its variable. */
const taken: ReadonlySet<string> = new Set(['MATCHBOX_ADDRESS', 'MATCHBOX_RPC_ADDRESS', 'MATCHBOX_LOG_LEVEL', 'MATCHBOX_PASSPHRASE', ...Object.keys(paths)])

/** Flags that take no value, of which it reads nothing else where it is told `-version`. */
const switches: ReadonlySet<string> = new Set(['MATCHBOX_WEB_SSL', 'MATCHBOX_VERSION', 'MATCHBOX_HELP'])

/** Told with the switch that they belong to. */
const ofWebSsl: ReadonlySet<string> = new Set(['MATCHBOX_WEB_CERT_FILE', 'MATCHBOX_WEB_KEY_FILE'])

const inBucket = 'a bucket holds its store: copy that into data_path (groups/, profiles/, ignition/, cloud/, generic/), and core-provisioner check looks at it'
const byHand: Readonly<Record<string, string>> = {
  MATCHBOX_AWS_S3_BUCKET_NAME: inBucket,
  MATCHBOX_AWS_S3_BUCKET_REGION: inBucket
}

const shells: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'busybox'])

/**
 * `show` is what `systemctl show` prints of the unit, all of it or the properties that are read here (`shownProperties`).
 */
export function settingsOfUnit (show: string, { read, glob }: UnitFileReader): MatchboxSettings {
  const shown = new UnitProperties(show, read)
  const notes: string[] = []
  const variables = new Map(shown.assignments)
  for (const { pattern, isOptional } of shown.variableFiles) {
    const files = /[*?[]/.test(pattern) ? glob(pattern) : [pattern]
    const texts = files.map(read).filter(text => text !== undefined)
    if (texts.length === 0 && !isOptional) notes.push(`EnvironmentFile=${pattern} cannot be read: what it says is not taken over`)
    for (const text of texts) for (const [name, value] of parseEnvironmentFile(text)) variables.set(name, value)
  }
  if (shown.passed.length > 0) notes.push(`PassEnvironment=${shown.passed.join(' ')}: systemctl show-environment tells what that is; write it to the environment file`)
  for (const word of shown.unset) if (!word.includes('=') || variables.get(nameOf(word)) === valueOf(word)) variables.delete(nameOf(word))

  const given = new Map([...variables].filter(([, value]) => value !== ''))
  const arguments_ = new Map<string, string>()
  for (const { command, isLiteral } of shown.commands) {
    const told = programTold(isLiteral ? command : expand(command, variables), given, read)
    notes.push(...told.notes)
    if (told.container !== undefined) intoContainer(given, told.container, read)
    for (const [name, value] of told.assigned) given.set(name, value)
    for (const [name, value] of flagsOf(told.args)) arguments_.set(name, value)
    if (told.container !== undefined) fromContainer(given, arguments_, told.container, notes)
  }
  // Arguments go before variables; what is left empty in those is what it takes by itself, in these it is off.
  const found = new Map([...given, ...arguments_].filter(([name]) => name.startsWith('MATCHBOX_')))
  return { environment: settled(found, shown, read, notes), notes }
}

/** What of it core-provisioner takes; the rest is named. */
function settled (found: Map<string, string>, shown: UnitProperties, read: UnitFileReader['read'], notes: string[]): UnitEnvironment {
  const hasApi = (found.get('MATCHBOX_RPC_ADDRESS') ?? '') !== ''
  if (isTrue(found.get('MATCHBOX_WEB_SSL'))) {
    const [cert, key] = [found.get('MATCHBOX_WEB_CERT_FILE') ?? '/etc/matchbox/ssl/server.crt', found.get('MATCHBOX_WEB_KEY_FILE') ?? '/etc/matchbox/ssl/server.key']
    const address = found.get('MATCHBOX_ADDRESS') ?? '127.0.0.1:8080'
    notes.push(`MATCHBOX_WEB_SSL: HTTP over TLS is http.https in config.yaml: { address: ${JSON.stringify(address)}, cert_file: ${JSON.stringify(cert)}, key_file: ${JSON.stringify(key)} }; http.address stays without TLS, on another port`)
    found.delete('MATCHBOX_ADDRESS')
  }
  const environment = new Map<string, string>()
  for (const [name, value] of found) {
    if (switches.has(name) || ofWebSsl.has(name)) continue
    // Without the API it never looked for its certificates; here they would have to be there.
    if (name in paths && name.endsWith('_FILE') && !hasApi && read(shown.outside(value)) === undefined) continue
    if (!taken.has(name)) notes.push(`${name}: ${byHand[name] ?? 'core-provisioner knows no such setting'}`)
    else if (value === '' && name === 'MATCHBOX_ASSETS_PATH') notes.push('-assets-path= turns /assets/ off: write assets_path: "" to config.yaml')
    else if (value !== '' || name === 'MATCHBOX_RPC_ADDRESS') environment.set(name, name in paths ? shown.outside(value) : value)
  }
  return environment
}

interface CommandSettings {
  /** The arguments of Matchbox. */
  readonly args: readonly string[]
  /** Variables that only it has. */
  readonly assigned: ReadonlyMap<string, string>
  readonly container?: ContainerCommand
  readonly notes: readonly string[]
}

/** What a command tells Matchbox, whatever starts it. */
function programTold ([path = '', ...rest]: readonly string[], given: UnitEnvironment, read: UnitFileReader['read']): CommandSettings {
  const none: ReadonlyMap<string, string> = new Map()
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (name === 'env') {
    const end = rest.findIndex(word => !word.includes('=') || word.startsWith('-'))
    const assigned = rest.slice(0, Math.max(end, 0)).map((word): [string, string] => [nameOf(word), valueOf(word)])
    const told = programTold(end < 0 ? [] : rest.slice(end), given, read)
    return { ...told, assigned: new Map([...assigned, ...told.assigned]) }
  }
  if (shells.has(name)) return { args: [], assigned: none, notes: [`ExecStart= runs ${name}: what its script tells Matchbox is not taken over; write that to the environment file`] }
  if (!startsContainers(name)) return { args: rest, assigned: none, notes: [] }
  const container = containerCommand([name, ...rest])
  if (container === undefined) return { args: [], assigned: none, notes: [`ExecStart= is ${name} ${rest[0] ?? ''}: what the container is told is not taken over; ${name} inspect shows it, write it to the environment file`] }
  const unread = container.variableFiles.filter(file => read(file) === undefined)
  return { args: container.args, assigned: none, container, notes: unread.map(file => `--env-file ${file} cannot be read: what it says is not taken over`) }
}

/** Of its unit's variables a program in a container has those that are handed on. */
function intoContainer (given: Map<string, string>, container: ContainerCommand, read: UnitFileReader['read']): void {
  const outside = new Map(given)
  if (!container.inheritsVariables) given.clear()
  const lines = container.variableFiles.flatMap(file => (read(file) ?? '').split(/\r?\n/)).filter(line => !/^\s*(?:#|$)/.test(line))
  const handed = [...lines.map((line): [string, string | undefined] => [nameOf(line).trim(), line.includes('=') ? valueOf(line) : undefined]), ...container.variables]
  for (const [name, value = outside.get(name)] of handed) if (value !== undefined && value !== '') given.set(name, value)
}

/** Where its files and its ports are outside. */
function fromContainer (given: Map<string, string>, told: Map<string, string>, container: ContainerCommand, notes: string[]): void {
  const { mounts, published } = container
  const isSecure = (told.get('MATCHBOX_RPC_ADDRESS') ?? given.get('MATCHBOX_RPC_ADDRESS') ?? '') !== ''
  for (const [name, otherwise] of Object.entries(paths)) {
    const value = told.get(name) ?? given.get(name)
    const inside = value ?? otherwise
    told.delete(name)
    given.delete(name)
    if (inside === '' || (!isSecure && name.endsWith('_FILE'))) continue
    const [outside, at] = [...mounts].sort(([, a], [, b]) => b.length - a.length).find(([, at]) => inside === at || inside.startsWith(at.endsWith('/') ? at : `${at}/`)) ?? []
    if (outside === undefined || at === undefined) notes.push(`${name}: ${inside} is inside of the container: copy it out, to where core-provisioner check looks`)
    else if (!outside.startsWith('/')) notes.push(`${name}: ${inside} is in the volume ${outside} of the container, which docker volume inspect (or podman) finds: copy it out, to where core-provisioner check looks`)
    else if (`${outside}${inside.slice(at.length)}` !== otherwise) told.set(name, `${outside}${inside.slice(at.length)}`)
  }
  for (const name of ['MATCHBOX_ADDRESS', 'MATCHBOX_RPC_ADDRESS']) {
    const address = told.get(name) ?? given.get(name) ?? ''
    const outside = published.get(address.slice(address.lastIndexOf(':') + 1))
    if (outside !== undefined) told.set(name, outside)
  }
}

/** As Go's flag package reads them: one dash or two, with an equals sign or a word; a switch alone is true. What is no flag ends them. */
function flagsOf (args: readonly string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>()
  for (let at = 0; at < args.length; at++) {
    const [, flag, value] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(args[at] ?? '') ?? []
    if (flag === undefined) break
    const name = `MATCHBOX_${flag.toUpperCase().replaceAll('-', '_')}`
    flags.set(name, value ?? (switches.has(name) ? 'true' : args[++at] ?? ''))
  }
  return flags
}

/** strconv.ParseBool */
const isTrue = (text: string | undefined): boolean => ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text ?? '')

const nameOf = (assignment: string): string => assignment.split('=', 1)[0] ?? ''
const valueOf = (assignment: string): string => assignment.includes('=') ? assignment.slice(assignment.indexOf('=') + 1) : ''

/** The properties that are read of a unit. */
export const shownProperties = [
  'LoadState', 'FragmentPath', 'DropInPaths', 'Environment', 'EnvironmentFiles', 'PassEnvironment', 'UnsetEnvironment', 'ExecStart', 'ExecStartEx', 'WorkingDirectory', 'RootDirectory'
] as const

/** What `systemctl show` prints, with the unit's own files where that is not enough. */
class UnitProperties {
  readonly #lines: readonly string[]
  readonly #texts: readonly string[]

  constructor (show: string, read: UnitFileReader['read']) {
    this.#lines = show.split('\n')
    const files = [...this.#values('FragmentPath'), ...this.#values('DropInPaths').flatMap(words)].filter(path => path !== '')
    this.#texts = files.map(read).filter(text => text !== undefined)
  }

  #values (property: typeof shownProperties[number]): readonly string[] {
    return this.#lines.filter(line => line.startsWith(`${property}=`)).map(line => line.slice(property.length + 1))
  }

  /** Names and values of Environment=. */
  get assignments (): ReadonlyArray<readonly [name: string, value: string]> {
    const printed = this.#values('Environment').flatMap(words)
    const written = printed.includes('[unprintable]') ? valuesIn(this.#texts, 'Environment').flatMap(words).map(word => word.replaceAll('%%', '%')) : []
    // Before 246 systemctl keeps those with a blank in them to itself.
    const kept = [...new Map(written.map(word => [nameOf(word), word])).values()].filter(word => /\s/.test(word))
    return [...printed, ...kept].filter(word => word.indexOf('=') > 0).map(word => [nameOf(word), valueOf(word)])
  }

  get variableFiles (): ReadonlyArray<{ readonly pattern: string, readonly isOptional: boolean }> {
    return this.#values('EnvironmentFiles').map(value => /^(.*?)(?: \(ignore_errors=(yes|no)\))?$/.exec(value) ?? [])
      .map(([, pattern = '', optional = '']) => ({ pattern, isOptional: optional === 'yes' })).filter(({ pattern }) => pattern !== '')
  }

  get passed (): readonly string[] { return this.#values('PassEnvironment').flatMap(words).filter(name => name.startsWith('MATCHBOX_')) }
  get unset (): readonly string[] { return this.#values('UnsetEnvironment').flatMap(words) }

  /** The commands of ExecStart=, the program's path first; of one that `isLiteral` variables are left as they are. */
  get commands (): ReadonlyArray<{ readonly command: readonly string[], readonly isLiteral: boolean }> {
    // With @ the program's own name, which begins what is printed, stands behind its path.
    const written = valuesIn(this.#texts, 'ExecStart').map(value => words(value.replace(/^[-@:+!|]+/, '')).slice(/^[-:+!|]*@/.test(value) ? 1 : 0))
    const extended = this.#values('ExecStartEx')
    return (extended.length > 0 ? extended : this.#values('ExecStart')).map((value, at) => {
      const { path, argv, flags } = commandIn(value)
      return { command: [path, ...wordsAsWritten(argv, written[at] ?? []).slice(1)], isLiteral: flags.includes('no-env-expand') }
    }).filter(({ command: [path] }) => path !== '')
  }

  /** The path as it is outside of where the unit has its root and its folder. */
  outside (path: string): string {
    const [root = '', folder = ''] = [this.#values('RootDirectory')[0], this.#values('WorkingDirectory')[0]?.replace(/^!/, '')]
    const whole = path.startsWith('/') ? path : `${folder.startsWith('/') && folder !== '/' ? folder : ''}/${path}`
    return root === '' || root === '/' ? whole : `${root}${whole}`
  }
}

/** `{ path=/a ; argv[]=/a -b ; ignore_errors=no ; start_time=... }`; whatever the arguments say, the last of what may follow them does. */
function commandIn (value: string): { readonly path: string, readonly argv: string, readonly flags: string } {
  const none = { path: '', argv: '', flags: '' }
  const [before, between] = ['path=', ' ; argv[]=']
  const start = value.indexOf(before) + before.length
  const pathEnd = value.indexOf(between, start)
  const ends = [' ; start_time=', ' }']
  const last = Math.max(...ends.map(end => value.lastIndexOf(end)))
  const [argvEnd, mark] = [' ; ignore_errors=', ' ; flags='].map(mark => [last < mark.length ? -1 : value.lastIndexOf(mark, last - mark.length), mark] as const)
    .reduce((a, b) => b[0] > a[0] ? b : a)
  const argvStart = pathEnd + between.length
  if (start < before.length || pathEnd < 0 || argvEnd < argvStart) return none
  const flagsStart = argvEnd + mark.length
  const flagsEnd = Math.min(...ends.map(end => value.indexOf(end, flagsStart)).filter(at => at >= 0))
  return { path: value.slice(start, pathEnd), argv: value.slice(argvStart, argvEnd), flags: value.slice(flagsStart, flagsEnd) }
}

// What a matchbox.service is told: by variables, by files of them, and by arguments. Read from what `systemctl show` says of
// the unit, drop-ins and all, and turned into variables, which core-provisioner takes as Matchbox does.
import { type Environment, parseEnvironmentFile } from '../config/environment-file.js'

export interface MatchboxSettings {
  /** Those that core-provisioner takes. */
  readonly environment: Environment
  /** What it is told that has to be done by hand, a sentence each. */
  readonly notes: readonly string[]
}

/** Settings of Matchbox that are variables here too; a flag's name is that of its variable. */
const taken: ReadonlySet<string> = new Set([
  'ADDRESS', 'RPC_ADDRESS', 'CA_FILE', 'CERT_FILE', 'KEY_FILE', 'KEY_RING_PATH', 'DATA_PATH', 'ASSETS_PATH', 'LOG_LEVEL', 'PASSPHRASE'
].map(name => `MATCHBOX_${name}`))

const byHand: Readonly<Record<string, string>> = {
  MATCHBOX_WEB_SSL: 'HTTP over TLS: set http.https.address, cert_file and key_file in config.yaml; http.address stays without TLS, on another port',
  MATCHBOX_WEB_CERT_FILE: 'http.https.cert_file in config.yaml',
  MATCHBOX_WEB_KEY_FILE: 'http.https.key_file in config.yaml'
}

/** Nothing is lost without them. */
const needless: ReadonlySet<string> = new Set(['MATCHBOX_VERSION', 'MATCHBOX_HELP'])

/**
 * `show` is the output of `systemctl show` with the properties Environment, EnvironmentFiles, ExecStart, User and LoadState;
 * `read` gives the text of a file, undefined when it cannot be read.
 */
export function settingsOfUnit (show: string, read: (file: string) => string | undefined): MatchboxSettings {
  const lines = show.split('\n')
  const valuesOf = (property: string): string[] => lines.filter(line => line.startsWith(`${property}=`)).map(line => line.slice(property.length + 1))
  const found = new Map<string, string>()
  const notes: string[] = []
  for (const value of valuesOf('Environment')) for (const word of words(value)) assign(found, word)
  for (const value of valuesOf('EnvironmentFiles')) {
    const [, file = '', optional = ''] = /^(.*?)(?: \(ignore_errors=(yes|no)\))?$/.exec(value) ?? []
    const text = file === '' ? undefined : read(file)
    if (text === undefined && file !== '' && optional !== 'yes') notes.push(`EnvironmentFile=${file} cannot be read: what it says is not taken over`)
    for (const [name, setting] of parseEnvironmentFile(text ?? '')) found.set(name, setting)
  }
  // Arguments go before variables.
  for (const value of valuesOf('ExecStart')) {
    const [, argv = ''] = /argv\[\]=(.*?) ; ignore_errors=/.exec(value) ?? []
    for (const [flag, setting] of flagsOf(words(argv).slice(1))) found.set(`MATCHBOX_${flag.toUpperCase().replaceAll('-', '_')}`, setting)
  }
  const environment = new Map<string, string>()
  for (const [name, value] of found) {
    if (!name.startsWith('MATCHBOX_') || needless.has(name) || value === 'false') continue
    if (taken.has(name)) environment.set(name, value)
    else notes.push(`${name}=${value}: ${byHand[name] ?? 'core-provisioner knows no such setting'}`)
  }
  return { environment, notes }
}

function assign (found: Map<string, string>, word: string): void {
  const equals = word.indexOf('=')
  if (equals > 0) found.set(word.slice(0, equals), word.slice(equals + 1))
}

/** Words as systemd prints them: those with blanks in double quotes, with C escapes. */
function words (text: string): string[] {
  const found: string[] = []
  for (const [, quoted, single, plain] of text.matchAll(/\$?"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^\s"'\\]|\\.|(?<=\S)["'])+)/g)) {
    found.push(single ?? unescape(quoted ?? plain ?? ''))
  }
  return found
}

const controls: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', s: ' ' }
const unescape = (text: string): string => text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_, hex?: string, char?: string) =>
  hex === undefined ? controls[char ?? ''] ?? char ?? '' : String.fromCharCode(parseInt(hex, 16)))

/** As Go's flag package reads them: one dash or two, with an equals sign or a word; a flag alone is true. */
function flagsOf (args: readonly string[]): Array<readonly [flag: string, value: string]> {
  const flags: Array<readonly [string, string]> = []
  for (let at = 0; at < args.length; at++) {
    const [, flag, value] = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(args[at] ?? '') ?? []
    if (flag === undefined) continue
    const next = args[at + 1]
    if (value !== undefined || next === undefined || next.startsWith('-') || flag === 'web-ssl') flags.push([flag, value ?? 'true'])
    else {
      flags.push([flag, next])
      at++
    }
  }
  return flags
}

// A command of docker, podman, nerdctl or rkt, taken apart: the arguments and variables of the program that it starts inside, and where
// on the host the folders of the container are. By docker-run(1), podman-run(1) and the manual of rkt run.

export interface ContainerCommand {
  /** The arguments of the program in the image. */
  readonly args: readonly string[]
  /** Its variables; undefined for one that has the value it has outside. */
  readonly variables: ReadonlyMap<string, string | undefined>
  /** Files of variables, as these programs read them: no quotes. */
  readonly variableFiles: readonly string[]
  /** Whether it has all variables that its unit has. */
  readonly inheritsVariables: boolean
  /** Folders or names of volumes, and where they are inside. */
  readonly mounts: ReadonlyArray<readonly [outside: string, inside: string]>
  /** The address outside by the port inside. */
  readonly published: ReadonlyMap<string, string>
}

const programs: ReadonlySet<string> = new Set(['docker', 'podman', 'nerdctl', 'rkt'])

/** Whether a program's name is that of one that starts containers. */
export const startsContainers = (name: string): boolean => programs.has(name)

/** Options of theirs that take no value, and so tell nothing of the word behind them. */
const alone: ReadonlySet<string> = new Set([
  'd', 'detach', 'rm', 'init', 'privileged', 'i', 'interactive', 't', 'tty', 'it', 'ti', 'dit', 'read-only', 'no-healthcheck', 'oom-kill-disable', 'P', 'publish-all',
  'sig-proxy', 'disable-content-trust', 'q', 'quiet', 'replace', 'tls-verify', 'no-hosts', 'no-hostname', 'env-host', 'http-proxy', 'rmi', 'rootfs', 'read-only-tmpfs',
  'inherit-env', 'trust-keys-from-https', 'no-overlay', 'private-users', 'dns-opt', 'no-store', 'store-only', 'debug', 'D'
])

/** `words`: the command, its program's name first; undefined where it starts no new container (`docker start`). */
export function containerCommand ([program = '', ...words]: readonly string[]): ContainerCommand | undefined {
  const run = words.findIndex((word, at) => word === 'run' || (word === 'create' && words[at - 1] === 'container'))
  if (run < 0) return undefined
  const options: Array<readonly [name: string, value: string]> = []
  let at = run + 1
  for (; at < words.length && (words[at] ?? '').startsWith('-'); at++) {
    const [, name = '', joined] = /^--?([^=]*)(?:=(.*))?$/s.exec(words[at] ?? '') ?? []
    // -e NAME=VALUE, and -eNAME=VALUE
    const [, letter, glued] = /^-([evpw])([^-=].*)$/s.exec(words[at] ?? '') ?? []
    if (letter !== undefined && glued !== undefined) options.push([letter, glued])
    else if (joined !== undefined || alone.has(name)) options.push([name, joined ?? 'true'])
    else options.push([name, words[++at] ?? ''])
  }
  // What is at `at` is the image.
  const rest = words.slice(at + 1)
  const all = (...names: readonly string[]): readonly string[] => options.filter(([name]) => names.includes(name)).map(([, value]) => value)
  const ofRkt = program === 'rkt'
  return {
    args: ofRkt ? (rest.includes('--') ? rest.slice(rest.indexOf('--') + 1) : []) : rest,
    variables: new Map(all('e', 'env', 'set-env').map(text => [text.split('=', 1)[0] ?? '', text.includes('=') ? text.slice(text.indexOf('=') + 1) : undefined])),
    variableFiles: all('env-file', 'set-env-file'),
    inheritsVariables: options.some(([name]) => name === 'inherit-env' || name === 'env-host'),
    mounts: ofRkt ? mountsOfRkt(all('volume'), all('mount')) : mountsOf(all('v', 'volume'), all('mount')),
    published: all('net', 'network').includes('host') ? new Map() : new Map(all('p', 'publish').map(portOf))
  }
}

const mountsOf = (volumes: readonly string[], mounts: readonly string[]): ReadonlyArray<readonly [string, string]> => [
  ...volumes.map((text): readonly [string, string] => [text.split(':')[0] ?? '', text.split(':')[1] ?? '']),
  ...mounts.map(fieldsOf).map((fields): readonly [string, string] => [fields.get('source') ?? fields.get('src') ?? '', fields.get('target') ?? fields.get('dst') ?? fields.get('destination') ?? ''])
].filter(([, inside]) => inside !== '')

/** --volume data,kind=host,source=/var/lib/matchbox --mount volume=data,target=/var/lib/matchbox */
function mountsOfRkt (volumes: readonly string[], mounts: readonly string[]): ReadonlyArray<readonly [string, string]> {
  const sources = new Map(volumes.map(text => [text.split(',', 1)[0] ?? '', fieldsOf(text).get('source') ?? '']))
  return mounts.map(fieldsOf).map(fields => [sources.get(fields.get('volume') ?? '') ?? '', fields.get('target') ?? ''])
}

const fieldsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(text.split(',').map(field => [field.split('=', 1)[0] ?? '', field.slice(field.indexOf('=') + 1)]))

/** `[[IP:]OUTSIDE:]INSIDE[/tcp]` */
function portOf (text: string): readonly [inside: string, outside: string] {
  const [, ip = '', outside, inside = ''] = /^(?:(?:(.*):)?(\d*):)?(\d+)(?:\/\w+)?$/.exec(text) ?? []
  return [inside, `${ip === '' ? '0.0.0.0' : ip}:${outside === undefined || outside === '' ? inside : outside}`]
}

// A network namespace of the test's own, with bridges, and client namespaces wired to them by veth pairs. There is no way
// out of it. Needs root and iproute2.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'

/** Without the hooks that tap gives each child that runs Node.js: they load modules in their own way, and are slow. */
const plainly = ['env', '-u', 'NODE_OPTIONS'] as const

const ip = (...args: readonly string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/**
 * Of the nth port. A bridge has the lowest address of its ports, and where that changes since a lower one came nobody reaches it for ten
 * seconds. One that was given an address of its own has no carrier as long as it has no port.
 */
function portAddress (n: number): string {
  const last = n.toString(16).padStart(4, '0')
  return `fe:00:00:00:${last.slice(0, 2)}:${last.slice(2)}`
}

/** Why namespaces can't be made here, undefined when they can. */
export function namespaceProblem (): string | undefined {
  const name = `cp-${randomBytes(4).toString('hex')}`
  try {
    ip('netns', 'add', name)
    ip('netns', 'delete', name)
    return undefined
  } catch (error) {
    return `no network namespaces here: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`
  }
}

/** A process inside a namespace, with what it printed so far. */
export interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  /** Exit status, or the signal's name. */
  readonly ended: Promise<number | string>
  /** Fulfilled with the first line of output, old or new, that `pattern` matches; rejected when none came before its end or in time (30 s). */
  readonly line: (pattern: RegExp, milliseconds?: number) => Promise<string>
  /** Fulfilled when it has printed something more; rejected like `line`. */
  readonly next: (milliseconds?: number) => Promise<void>
}

export class NetworkNamespace {
  readonly name: string
  readonly #children: Running[] = []
  readonly #clients: NetworkNamespace[] = []
  /** The bridge's side of each client's link. */
  readonly #ports = new Map<NetworkNamespace, string>()
  #links = 0

  constructor (name = `cp-${randomBytes(4).toString('hex')}`) {
    this.name = name
    ip('netns', 'add', name)
    this.ip('link', 'set', 'lo', 'up')
  }

  ip (...args: readonly string[]): string { return ip('-n', this.name, ...args) }

  /** Adds a bridge that is up and has `address` (`172.30.0.1/24`), if one is given. */
  bridge (bridge: string, address?: string): void {
    this.ip('link', 'add', bridge, 'type', 'bridge')
    if (address !== undefined) this.ip('address', 'add', address, 'dev', bridge)
    this.ip('link', 'set', bridge, 'up')
  }

  /** A namespace of its own with one interface, `eth0`, on the bridge. */
  client (bridge: string, mac?: string): NetworkNamespace {
    const client = new NetworkNamespace(`${this.name}-${this.#links}`)
    this.#clients.push(client)
    this.connect(client, bridge, 'eth0', mac)
    return client
  }

  /** Gives another namespace an interface on the bridge. */
  connect (client: NetworkNamespace, bridge: string, interfaceName: string, mac?: string): void {
    const port = `port${this.#links++}`
    this.#ports.set(client, port)
    this.ip('link', 'add', port, 'type', 'veth', 'peer', 'name', interfaceName, 'netns', client.name)
    if (mac !== undefined) client.ip('link', 'set', interfaceName, 'address', mac)
    this.ip('link', 'set', port, 'address', portAddress(this.#links))
    this.ip('link', 'set', port, 'master', bridge, 'up')
    client.ip('link', 'set', interfaceName, 'up')
  }

  /** Has every frame from and to a client vanish at its link, of which neither side is told; or no more. Needs nft. */
  cut (client: NetworkNamespace, isCut: boolean): void {
    for (const [space, device] of [[this, this.#ports.get(client) ?? ''], [client, 'eth0']] as const) {
      const table = `cut-${device}`
      if (isCut) space.exec('nft', `add table netdev ${table}; add chain netdev ${table} in { type filter hook ingress device ${device} priority 0; policy drop; }`)
      else space.exec('nft', `delete table netdev ${table}`)
    }
  }

  /** Gives the network of a process an interface on the bridge, which it has to set up. */
  connectProcess (pid: string, bridge: string, interfaceName: string): void {
    const port = `port${this.#links++}`
    this.ip('link', 'add', port, 'type', 'veth', 'peer', 'name', interfaceName, 'netns', pid)
    this.ip('link', 'set', port, 'master', bridge, 'up')
  }

  /** Runs a command to its end and gives what it printed; throws when it fails. */
  exec (command: string, ...args: readonly string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, ...plainly, command, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** Starts a command and lets it run; `close` ends it. */
  spawn (command: string, ...args: readonly string[]): Running {
    const child = spawn('ip', ['netns', 'exec', this.name, ...plainly, command, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    const running = watch(child)
    this.#children.push(running)
    return running
  }

  /** Starts a command that has only its network from here: `spawn` also hides the machine's /sys, and with it the control groups. */
  join (command: string, ...args: readonly string[]): Running {
    const running = watch(spawn('nsenter', [`--net=/run/netns/${this.name}`, command, ...args], { stdio: ['pipe', 'pipe', 'pipe'] }))
    this.#children.push(running)
    return running
  }

  /** Ends what still runs in it and removes it with everything in it. */
  async close (): Promise<void> {
    // Daemons fork: everything inside goes, and nothing else can be inside.
    for (const pid of ip('netns', 'pids', this.name).split('\n').filter(line => line !== '')) {
      try { process.kill(Number(pid), 'SIGKILL') } catch { /* it ended by itself */ }
    }
    await Promise.all(this.#children.map(async ({ ended }) => await ended))
    for (const client of this.#clients) await client.close()
    ip('netns', 'delete', this.name)
  }
}

/** The output of a process, as lines to wait for. */
export function watch (child: ChildProcess): Running {
  let output = ''
  const heard = new Set<() => void>()
  const hear = (chunk: Buffer): void => {
    output += chunk.toString()
    for (const listener of heard) listener()
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  const ended = new Promise<number | string>(resolve => {
    child.on('error', error => { output += error.message; resolve(-1) })
    child.on('close', (code, signal) => { resolve(code ?? signal ?? -1) })
  })
  const until = async <T>(what: string, milliseconds: number, look: () => T | undefined): Promise<T> => await new Promise((resolve, reject) => {
    const listener = (): void => {
      const found = look()
      if (found !== undefined) end(() => { resolve(found) })
    }
    const fail = (why: string): void => { end(() => { reject(new Error(`${why} before ${what}:\n${output}`)) }) }
    const late = setTimeout(() => { fail(`${milliseconds / 1000} s passed`) }, milliseconds)
    const end = (settle: () => void): void => {
      heard.delete(listener)
      clearTimeout(late)
      settle()
    }
    heard.add(listener)
    void ended.then(status => { fail(`ended with ${status}`) })
    listener()
  })
  const line = async (pattern: RegExp, milliseconds = 300_000): Promise<string> =>
    await until(`a line matched ${pattern}`, milliseconds, () => output.split('\n').find(text => pattern.test(text)))
  const next = async (milliseconds = 300_000): Promise<void> => {
    const { length } = output
    await until('it printed more', milliseconds, () => output.length > length ? true : undefined)
  }
  return { child, output: () => output, ended, line, next }
}

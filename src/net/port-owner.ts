// Which programs have a port, as Linux tells it: /proc/net/{udp,tcp} give the sockets' inodes, /proc/<pid>/fd who holds them.
import { readdir, readFile, readlink } from 'node:fs/promises'

export interface PortOwner {
  readonly pid: number
  /** The program's name, whole where it can be found out. */
  readonly name: string
}

export interface PortSocket {
  /** The address that it listens on; undefined for all of them. */
  readonly address: string | undefined
  /** Who holds it: a socket that systemd opened is held by it and by the service. None when we may not look at their descriptors. */
  readonly holders: readonly PortOwner[]
}

/** Listening, in /proc/net/tcp's `st` column; a bound UDP socket is 07. */
const states = { tcp: '0A', udp: '07' } as const

/** Every socket that listens on the port: more than one where programs share it (SO_REUSEADDR) or take an address each. */
export async function portSockets (transport: 'tcp' | 'udp', port: number): Promise<readonly PortSocket[]> {
  const addresses = new Map<string, string | undefined>()
  for (const table of [transport, `${transport}6`]) {
    for (const { inode, address } of rowsOf(await readFile(`/proc/net/${table}`, 'utf8').catch(() => ''), port, states[transport])) addresses.set(inode, address)
  }
  const holders = await holdersOf(new Set(addresses.keys()))
  return [...addresses].map(([inode, address]) => ({ address, holders: holders.get(inode) ?? [] }))
}

/** Who listens on a Unix socket. */
export async function socketHolders (path: string): Promise<readonly PortOwner[]> {
  // Num RefCount Protocol Flags Type St Inode Path: 00010000 is __SO_ACCEPTCON.
  const inodes = (await readFile('/proc/net/unix', 'utf8').catch(() => '')).split('\n').map(line => line.trim().split(/\s+/))
    .flatMap(([, , , flags, , , inode = '', ...rest]) => flags === '00010000' && rest.join(' ') === path ? [inode] : [])
  return [...(await holdersOf(new Set(inodes))).values()].flat()
}

async function holdersOf (inodes: ReadonlySet<string>): Promise<ReadonlyMap<string, readonly PortOwner[]>> {
  const found = new Map<string, PortOwner[]>()
  if (inodes.size === 0) return found
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue
    const held = new Set<string>()
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
      if (inode !== undefined && inodes.has(inode)) held.add(inode)
    }
    if (held.size === 0) continue
    const owner = { pid: Number(pid), name: await nameOf(pid) }
    for (const inode of held) found.set(inode, [...found.get(inode) ?? [], owner])
  }
  return found
}

/** Octets that the kernel keeps of a name (TASK_COMM_LEN, one of which ends it). */
const keptOfName = 15

async function nameOf (pid: string): Promise<string> {
  const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?')).trim()
  if (Buffer.byteLength(name) < keptOfName) return name
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  return wholeName(name, [await readlink(`/proc/${pid}/exe`).catch(() => ''), ...words])
}

/** A name that was cut, by the paths of the program and of its arguments: of an interpreter's script, or of the folder that it is in. */
export function wholeName (name: string, paths: readonly string[]): string {
  const parts = paths.map(path => path.split('/').reverse())
  return [...parts.map(([last = '']) => last), ...parts.flat()].find(part => part.startsWith(name)) ?? name
}

interface TableRow { readonly inode: string, readonly address: string | undefined }

/** `  0: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 24242 ...`: local address, state, inode. */
export function rowsOf (table: string, port: number, state: string): readonly TableRow[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table.split('\n').flatMap(line => {
    const [, local = '', , found, , , , , , inode] = line.trim().split(/\s+/)
    const isIt = local.endsWith(suffix) && found === state && inode !== undefined
    return isIt ? [{ inode, address: addressOf(local.slice(0, -suffix.length)) }] : []
  })
}

/** Words in the machine's order, which is that of the PC on all that this runs on. */
function addressOf (digits: string): string | undefined {
  if (/^0+$/.test(digits)) return undefined
  const bytes = Buffer.from(digits, 'hex')
  if (bytes.length % 4 !== 0) return digits
  bytes.swap32()
  if (bytes.length === 4) return bytes.join('.')
  return `[${Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':')}]`
}

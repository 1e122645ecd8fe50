// Which program has a port, as Linux tells it: /proc/net/{udp,tcp} give the socket's inode, /proc/<pid>/fd who holds it.
import { readdir, readFile, readlink } from 'node:fs/promises'

export interface PortOwner {
  readonly pid: number
  /** The program's name, as `ps` shows it. */
  readonly name: string
}

/** Listening, in /proc/net/tcp's `st` column; a bound UDP socket is 07. */
const states = { tcp: '0A', udp: '07' } as const

/**
 * Who listens on the port, on whatever address; 'unknown' when somebody does whose descriptors we may not look at, and
 * undefined when nobody does.
 */
export async function portOwner (transport: 'tcp' | 'udp', port: number): Promise<PortOwner | 'unknown' | undefined> {
  const inodes = new Set<string>()
  for (const table of [transport, `${transport}6`]) {
    for (const inode of inodesOf(await readFile(`/proc/net/${table}`, 'utf8').catch(() => ''), port, states[transport])) inodes.add(inode)
  }
  if (inodes.size === 0) return undefined
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
      if (inode === undefined || !inodes.has(inode)) continue
      return { pid: Number(pid), name: (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?')).trim() }
    }
  }
  return 'unknown'
}

/** `  0: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 24242 ...`: local address, state, inode. */
export function inodesOf (table: string, port: number, state: string): readonly string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table.split('\n').flatMap(line => {
    const fields = line.trim().split(/\s+/)
    return fields[1]?.endsWith(suffix) === true && fields[3] === state && fields[9] !== undefined ? [fields[9]] : []
  })
}

// Network devices in the network namespace that this process runs in. A caller enters a namespace of its own first
// (`unshare --net node ...`): it holds nothing but a loopback that is down, so there is no way out of it, and the kernel
// takes it away, bridges and taps included, when its last process has ended, however that came about.
import { execFileSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

interface Link { readonly ifindex: number, readonly ifname: string }

const ip = (...words: string[]): string => {
  try {
    return execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error)
    throw new Error(`ip ${words.join(' ')}: ${said}`, { cause: error })
  }
}

/** @throws Error when this process shares a network with the machine: then nothing may be made or listened on here */
export function requireOwnNamespace (): void {
  const links = JSON.parse(ip('-json', 'link', 'show')) as readonly Link[]
  const others = links.map(link => link.ifname).filter(name => name !== 'lo')
  if (others.length > 0) {
    throw new Error(`this needs a network namespace of its own, but finds ${others.join(', ')}: start it through scripts/sandbox or unshare --net`)
  }
  ip('link', 'set', 'lo', 'up')
}

/**
 * @param address with prefix, e.g. 172.30.0.1/24
 * @returns the index of the interface
 */
export function createBridge (name: string, address: string): number {
  ip('link', 'add', name, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0', 'mcast_snooping', '0')
  ip('address', 'add', address, 'dev', name)
  ip('link', 'set', name, 'up')
  const [link] = JSON.parse(ip('-json', 'link', 'show', name)) as readonly Link[]
  return link?.ifindex ?? 0
}

let ports = 0

/**
 * Makes a device a port of a bridge. A bridge has the lowest address of its ports, and where that changes since a lower one came no machine
 * reaches it for ten seconds: each port has a higher one than those before.
 */
function addPort (name: string, bridge: string): void {
  const last = (++ports).toString(16).padStart(4, '0')
  ip('link', 'set', name, 'address', `fe:00:00:00:${last.slice(0, 2)}:${last.slice(2)}`)
  ip('link', 'set', name, 'master', bridge, 'up')
}

/** A tap of QEMU's on the bridge. */
export function createTap (name: string, bridge: string): void {
  ip('tuntap', 'add', 'dev', name, 'mode', 'tap')
  addPort(name, bridge)
}

/** Gives a process that enters a namespace of its own an interface on the bridge, whose port there is called so. */
export async function addToBridge (bridge: string, pid: number, address: string, port = 'stranger'): Promise<void> {
  const own = readlinkSync('/proc/self/ns/net')
  for (let tries = 0; tries < 200 && readlinkSync(`/proc/${pid}/ns/net`) === own; tries++) await delay(20)
  ip('link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid))
  addPort(port, bridge)
  for (const words of [['link', 'set', 'lo', 'up'], ['address', 'add', address, 'dev', 'eth0'], ['link', 'set', 'eth0', 'up']]) {
    execFileSync('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...words], { stdio: 'ignore' })
  }
}

/** A port that is always up: without one, a bridge whose machines are all off has no carrier. */
export function holdCarrier (bridge: string): void {
  ip('link', 'add', 'held', 'type', 'veth', 'peer', 'name', 'holder')
  ip('link', 'set', 'holder', 'up')
  addPort('held', bridge)
}

// The whole program in a network namespace under mutated DHCP messages: what arrived, what came of it, and what memory it took.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Mac } from '../../src/net/mac.js'
import { mac } from './dhcp.js'
import { NetworkNamespace } from './netns.js'
import { bundledProgram } from './built.js'
import { typescript } from './typescript.js'

export interface Hostile {
  readonly sent: number
  /** What the server counted of it: messages it took, and those it dropped, by reason. */
  readonly arrived: number
  readonly received: Readonly<Record<string, number>>
  readonly answered: Readonly<Record<string, number>>
  readonly dropped: Readonly<Record<string, number>>
  /** What the kernel dropped of it. */
  readonly unread: number
  /** Good machines, of one after each hundred, that got no answer. */
  readonly missed: number
  /** MiB of resident memory each time the flood told how far it is. */
  readonly memory: readonly number[]
  readonly seconds: number
}

export interface HostileOptions {
  readonly mode: 'server' | 'proxy'
  readonly count: number
  readonly seed: number
  /** An empty folder; its path is short, since a Unix socket goes there. */
  readonly folder: string
  /** Good machines that may wait for an answer before the flood goes on; one without it. */
  readonly waiting?: number
  /** Where the flood goes; 67 without it. At 4011 it comes from an address, to which answers go back. */
  readonly port?: 67 | 4011
  readonly onProgress?: (line: string, memory: number) => void
}

/** More than the limit of five a second for each needs. */
export const goodMachines = 4096
export const goodMachine = (n: number): Mac => mac(`02:aa:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`)

const configuration = (folder: string, mode: string): string => `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${folder}/c
log_level: debug
rpc: { address: "" }
tftp: { address: "" }
dhcp:
  mode: ${mode}
  interface: br0
  unknown_clients: allow
  subnets: [{ subnet: 172.30.0.0/16, range: 172.30.128.0-172.30.255.250 }]
`

export async function sendMutated ({ mode, count, seed, folder, waiting = 1, port = 67, onProgress }: HostileOptions): Promise<Hostile> {
  mkdirSync(join(folder, 'state/hosts.d'), { recursive: true })
  mkdirSync(join(folder, 'data/groups'), { recursive: true })
  // A proxy, which reserves no addresses, knows machines by the groups that name them.
  const macs = Array.from({ length: goodMachines }, (_, n) => goodMachine(n)).join(',')
  writeFileSync(join(folder, 'data/groups/good.json'), JSON.stringify({ id: 'good', profile: 'none', selector: { mac: macs } }))
  writeFileSync(join(folder, 'config.yaml'), configuration(folder, mode))
  const reservation = (n: number): string => `- { mac: "${goodMachine(n)}", ip: 172.30.${16 + (n >> 8)}.${n & 255} }\n`
  writeFileSync(join(folder, 'state/hosts.d/good.yaml'), Array.from({ length: goodMachines }, (_, n) => reservation(n)).join(''))
  const space = new NetworkNamespace()
  try {
    space.bridge('br0', '172.30.0.1/16')
    const client = space.client('br0')
    if (port === 4011) client.ip('address', 'add', '172.30.250.1/16', 'dev', 'eth0')
    // At debug every message is described too; nobody keeps the gigabytes that it says.
    const program = `exec "$0" ${bundledProgram()} serve --config ${folder}/config.yaml > /dev/null`
    const appliance = space.spawn('sh', '-c', program, process.execPath)
    await ready(space, appliance.ended)
    const flooding = client.spawn(process.execPath, typescript, fileURLToPath(new URL('./dhcp-flood.ts', import.meta.url)), 'eth0', String(count), String(seed), String(waiting), String(port))
    const started = performance.now()
    const memory: number[] = []
    for (let line = ''; !line.startsWith(`sent ${count} `);) {
      await flooding.next(300_000)
      const last = flooding.output().trimEnd().split('\n').at(-1) ?? ''
      if (!last.startsWith('sent ') || last === line) continue
      line = last
      memory.push(residentMemory(appliance.child.pid ?? 0))
      onProgress?.(line, memory.at(-1) ?? 0)
    }
    const seconds = (performance.now() - started) / 1000
    if (await flooding.ended !== 0) throw new Error(flooding.output())
    // Good machines were answered before strangers, of whose messages the last may wait still, here or in the kernel.
    let metrics = ''
    for (let before = '-', tries = 0; before !== told(metrics) && tries < 1000; tries++) {
      before = told(metrics)
      metrics = space.exec('curl', '-s', '--fail', 'http://172.30.0.1:8080/metrics')
    }
    const counts = (name: string): Record<string, number> => Object.fromEntries(
      [...metrics.matchAll(new RegExp(`^${name}\\{\\w+="([^"]+)"\\} (\\d+)$`, 'gm'))].map(([, label = '', n]) => [label, Number(n)]))
    const [received, answered, dropped] = [counts('dhcp_received_total'), counts('dhcp_sent_total'), counts('dhcp_dropped_total')]
    const good = Math.ceil(count / 100)
    const arrived = sum(Object.values(received)) + (dropped['malformed'] ?? 0) + (dropped['rate_limited'] ?? 0) + (dropped['overload'] ?? 0) - good
    const unread = counts('udp_receive_dropped_total')[port] ?? NaN
    return { sent: count, arrived, unread, received, answered, dropped, missed: Number(/missed (\d+)$/.exec(flooding.output().trimEnd())?.[1]), memory, seconds }
  } finally {
    await space.close()
  }
}

/** What the metrics say of messages that came. */
const told = (metrics: string): string => (metrics.match(/^dhcp_(?:received|dropped)_total.*$|^dhcp_messages_waiting.*$/gm) ?? []).join('\n')

/** Waits until the program says over HTTP that it is ready; its log goes nowhere. */
async function ready (space: NetworkNamespace, ended: Promise<unknown>): Promise<void> {
  const asking = space.spawn('curl', '-s', '--fail', '--retry', '60', '--retry-delay', '1', '--retry-all-errors', 'http://172.30.0.1:8080/readyz')
  const status = await Promise.race([asking.ended, ended])
  if (status !== 0) throw new Error(`the program is not ready: ${asking.output()}`)
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

/** MiB. */
function residentMemory (pid: number): number {
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)
}

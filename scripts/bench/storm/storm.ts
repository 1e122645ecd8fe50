// Machines that are switched on together, each with its own hardware address, address, connections and config: DHCP as a ROM, the loader
// by TFTP, DHCP as iPXE, the script, kernel and initrd over one connection, and the Ignition config over another. Runs in the network
// namespace of this process, which the caller has given a route to the servers; the machines' addresses become its own as they get them.
import { setTimeout as pause } from 'node:timers/promises'
import { quantile } from '../../lib/bench-process.js'
import { DhcpMachines } from './dhcp-machines.js'
import { HttpMachine } from './http-machine.js'
import { openLocalRoutes } from './local-route.js'
import { loadByTftp } from './tftp-loader.js'

export const stormStages = ['offer', 'ack', 'loader', 'offer to iPXE', 'ack to iPXE', 'connect', 'boot.ipxe', 'ipxe', 'kernel', 'initrd', 'connect again', 'ignition', 'whole'] as const
export type StormStage = typeof stormStages[number]

export interface StormOptions {
  readonly machines: number
  /** Of the nth machine, counted from 0. */
  readonly macOf: (n: number) => string
  /** What the nth machine's Ignition config has to hold; '' for anything. */
  readonly expected?: (n: number) => string
  /** Milliseconds over which they are switched on; 0 for all at once. */
  readonly over?: number
  /** Part of UDP's datagrams that get lost. */
  readonly loss?: number
  /** Ends it, with those that did not arrive, after so many milliseconds. */
  readonly limit?: number
  /** How often a machine whose boot broke off is switched on anew. */
  readonly again?: number
}

export interface StageTimes { readonly p50: number, readonly p99: number, readonly max: number }

export interface StormResult {
  readonly machines: number
  readonly arrived: number
  /** Milliseconds from the first machine's start to the last one's end. */
  readonly milliseconds: number
  readonly bytes: number
  readonly repeats: { readonly dhcp: number, readonly tftp: number }
  /** Boots that broke off, and began anew. */
  readonly begunAnew: number
  /** Milliseconds. */
  readonly stages: Readonly<Record<StormStage, StageTimes>>
  /** Why machines did not arrive, and how many. */
  readonly failures: Readonly<Record<string, number>>
  /** What may never be, in words. */
  readonly broken: readonly string[]
}

interface World {
  readonly dhcp: DhcpMachines
  readonly addRoute: (ip: number) => void
  readonly times: Readonly<Record<StormStage, number[]>>
  readonly counts: { dhcp: number, tftp: number, bytes: number }
  readonly loss: number
}

const numberOf = (ip: string): number => ip.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)

export async function storm (options: StormOptions): Promise<StormResult> {
  const { machines, over = 0, loss = 0, limit = 120_000, again = 0 } = options
  // Who may begin anew is not to wait for a server that died until its last try.
  const dhcp = await DhcpMachines.open({ loss, ...again > 0 && { requestTries: 2 } })
  const routes = openLocalRoutes()
  const times = Object.fromEntries(stormStages.map(stage => [stage, []])) as unknown as Record<StormStage, number[]>
  const world: World = { dhcp, addRoute: routes.add, times, counts: { dhcp: 0, tftp: 0, bytes: 0 }, loss }
  const failures: Record<string, number> = {}
  let [arrived, begunAnew] = [0, 0]
  const began = performance.now()
  let ended = began
  const all: Array<Promise<void>> = []
  for (let n = 0; n < machines; n++) {
    const due = began + over * n / machines
    if (due - performance.now() > 1) await pause(due - performance.now())
    const bootOnce = async (left: number): Promise<void> => {
      await boot(n, options, world).catch(async (error: unknown) => {
        if (left === 0) throw error
        begunAnew++
        await pause(1000)
        await bootOnce(left - 1)
      })
    }
    all.push(bootOnce(again).then(() => {
      arrived++
      ended = performance.now()
    }, (error: unknown) => {
      // The same trouble of many machines is one line.
      const reason = String(error instanceof Error ? error.message : error).replace(/\b(?:[\da-f]{2}:){5}[\da-f]{2}\b|\b\d{1,3}(?:\.\d{1,3}){3}\b/g, '*')
      failures[reason] = (failures[reason] ?? 0) + 1
    }))
  }
  const waiting = new AbortController()
  await Promise.race([Promise.all(all), pause(limit, undefined, { signal: waiting.signal }).catch(() => {})])
  waiting.abort()
  dhcp.close()
  routes.close()
  const unfinished = machines - arrived - Object.values(failures).reduce((sum, count) => sum + count, 0)
  if (unfinished > 0) failures['not at its end'] = unfinished
  return {
    machines,
    arrived,
    milliseconds: ended - began,
    bytes: world.counts.bytes,
    repeats: { dhcp: world.counts.dhcp, tftp: world.counts.tftp },
    begunAnew,
    stages: Object.fromEntries(stormStages.map(stage => [stage, timesOf(times[stage])])) as Record<StormStage, StageTimes>,
    failures,
    broken: dhcp.invariants.broken
  }
}

const timesOf = (values: readonly number[]): StageTimes =>
  ({ p50: quantile(values, 0.5), p99: quantile(values, 0.99), max: quantile(values, 1) })

async function boot (n: number, { macOf, expected }: StormOptions, { dhcp, addRoute, times, counts, loss }: World): Promise<void> {
  const mac = macOf(n)
  const began = performance.now()
  const timed = async <T>(stage: StormStage, work: () => Promise<T>): Promise<T> => {
    const start = performance.now()
    const result = await work()
    times[stage].push(performance.now() - start)
    return result
  }
  const rom = await dhcp.lease(mac, 'rom')
  times.offer.push(rom.offer)
  times.ack.push(rom.ack)
  addRoute(numberOf(rom.ip))
  const loaded = await timed('loader', () => loadByTftp({ server: rom.server, file: rom.bootFile, address: rom.ip, loss }))
  const ipxe = await dhcp.lease(mac, 'ipxe')
  times['offer to iPXE'].push(ipxe.offer)
  times['ack to iPXE'].push(ipxe.ack)
  counts.dhcp += rom.repeats + ipxe.repeats
  counts.tftp += loaded.repeats
  if (ipxe.ip !== rom.ip) addRoute(numberOf(ipxe.ip))
  const { hostname, port, pathname } = new URL(ipxe.bootFile)
  const get = async (http: HttpMachine, target: string): Promise<string> => {
    const { status, length, text } = await http.get(target)
    if (status !== 200) throw new Error(`${target.replace(/[?].*/, '')}: ${status}`)
    counts.bytes += length
    return text
  }
  const http = await timed('connect', () => HttpMachine.open(hostname, Number(port), ipxe.ip))
  try {
    await timed('boot.ipxe', () => get(http, pathname))
    const script = await timed('ipxe', () => get(http, `/ipxe?uuid=&mac=${mac.replaceAll(':', '-')}&domain=&hostname=&serial=`))
    for (const stage of ['kernel', 'initrd'] as const) {
      const [, file = ''] = new RegExp(`^${stage} (?:--\\S+ \\S+ |--\\S+ )*(\\S+)`, 'm').exec(script) ?? []
      if (file === '') throw new Error(`the script has no ${stage}`)
      await timed(stage, () => get(http, new URL(file, ipxe.bootFile).pathname))
    }
  } finally {
    http.close()
  }
  const system = await timed('connect again', () => HttpMachine.open(hostname, Number(port), ipxe.ip))
  try {
    const config = await timed('ignition', () => get(system, `/ignition?mac=${mac.replaceAll(':', '-')}`))
    if (!config.includes(expected?.(n) ?? '')) throw new Error('the Ignition config is not its own')
  } finally {
    system.close()
  }
  counts.bytes += loaded.bytes
  times.whole.push(performance.now() - began)
}

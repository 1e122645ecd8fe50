// The DHCP server on a real interface, for tests that start it inside a network namespace:
// node --import=tsx test/helpers/dhcp-program.ts '{"interface":"br0","leases":"/tmp/x/leases.jsonl",...}'
// Prints `ready`, then one JSON line for each event with addresses as text; SIGTERM closes it.
import { createInterface } from 'node:readline'
import { type Clock, systemClock } from '../../src/base/clock.js'
import type { BootConfig } from '../../src/dhcp/boot-file.js'
import type { DhcpEvent } from '../../src/dhcp/dhcp-event.js'
import type { LookForOthers } from '../../src/dhcp/other-servers.js'
import { startDhcpServer } from '../../src/dhcp/dhcp-server.js'
import { LeaseFile } from '../../src/dhcp/lease-file.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { startProxyServer } from '../../src/dhcp/proxy-server.js'
import { buildReservations } from '../../src/dhcp/reservation-table.js'
import { createLog } from '../../src/base/log.js'
import { type ConflictProbe, createConflictProbe } from '../../src/net/conflict-probe.js'
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { addressesOf } from '../../src/net/interfaces.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { parseMac } from '../../src/net/mac.js'
import { type BindOptions, kernelUdp } from '../../src/net/udp.js'
import { ip, subnet } from './dhcp.js'
import { FakeClock } from './fake-clock.js'

/** What the program is told on its command line. */
export interface ProgramOptions {
  readonly interface: string
  readonly leases: string
  readonly port?: number
  /** `first-last`; without it only reservations are answered. */
  readonly range?: string
  readonly subnet?: string
  readonly leaseTime?: number
  /** MAC to address. */
  readonly reservations?: Readonly<Record<string, string>>
  readonly unknownClients?: 'deny' | 'allow'
  readonly scriptUrl?: string
  readonly quiet?: boolean
  readonly mode?: 'server' | 'proxy'
  /** MACs that are to ask the boot server on port 4011. */
  readonly binl?: readonly string[]
  /** Looks for other DHCP servers first, and starts beside one or not; without it they are not looked for. */
  readonly allowOthers?: boolean
  /** Whether addresses are asked for before they are offered; true without it. */
  readonly probe?: boolean
  /** Time stands still but for so many milliseconds as each line of standard input says, and what the network is asked is printed. */
  readonly byHand?: boolean
}

const options = JSON.parse(process.argv[2] ?? '{}') as ProgramOptions
const own = addressesOf(options.interface)[0]!
const port = options.port ?? 67
const log = createLog({ level: options.quiet === true ? 'error' : 'info', pretty: false, destination: process.stderr })
const boot: BootConfig = {
  loaders: { bios: 'undionly.kpxe', 'efi-x64': 'snponly.efi', 'efi-arm64': 'snponly-arm64.efi' },
  scriptUrl: options.scriptUrl ?? `http://${formatIpv4(own.ip)}:8080/boot.ipxe`,
  loaderBaseUrl: `http://${formatIpv4(own.ip)}:8080/boot/`,
  overrides: (options.binl ?? []).map(text => ({ mac: parseMac(text)!, uefiStyle: 'binl' }))
}
const device = (port: number): BindOptions =>
  ({ address: formatIpv4(own.ip), port, fd: openDeviceSocket(options.interface, port), broadcast: true, receiveBuffer: 4 << 20 })
const print = (line: object): void => { if (options.quiet !== true) process.stdout.write(`${JSON.stringify(line)}\n`) }
const onEvent = (event: DhcpEvent): void => {
  const { packet, ...rest } = { packet: undefined, ...event }
  print('ip' in rest ? { ...rest, ip: formatIpv4(rest.ip) } : rest)
}
const common = { network: kernelUdp, bind: device(port), server: own.ip, clock: options.byHand === true ? clockByHand() : systemClock, log, onEvent }

// What machines ask for by TFTP is printed, nothing is sent.
const tftp = await kernelUdp.bind(device(69), (data, { address }) => {
  print({ kind: 'tftp', file: data.toString('latin1', 2, data.indexOf(0, 2)), from: address })
})
const close = options.mode === 'proxy' ? await startProxy() : await startServer()
process.on('SIGTERM', () => { void Promise.all([close(), tftp.close()]) })
process.stdout.write('ready\n')

async function startProxy (): Promise<() => Promise<void>> {
  const server = await startProxyServer({ ...common, bootServerBind: device(4011), boot, isKnown: () => false })
  return async () => { await server.close() }
}

function clockByHand (): Clock {
  const clock = new FakeClock()
  createInterface({ input: process.stdin }).on('line', line => { clock.advance(Number(line)) })
  return clock
}

function printing (probe: ConflictProbe): ConflictProbe {
  return {
    ask: async (address, mac) => {
      print({ kind: 'asked', ip: formatIpv4(address) })
      const answer = await probe.ask(address, mac)
      print({ kind: 'heard', ip: formatIpv4(address), ...answer })
      return answer
    }
  }
}

function lookForOthers (): { others?: LookForOthers } {
  if (options.allowOthers === undefined || own.mac === undefined) return {}
  return { others: { interfaceName: options.interface, bind: device(68), mac: own.mac, allowed: options.allowOthers } }
}

async function startServer (): Promise<() => Promise<void>> {
  const table = new LeaseTable()
  const store = new LeaseFile({ path: options.leases, log, current: () => table.values() })
  for (const lease of await store.load(common.clock.now())) table.set(lease)
  const network = options.subnet ?? `${formatIpv4(own.subnet.network)}/${own.subnet.prefix}`
  const subnets = [subnet(network, options.range, { leaseTime: options.leaseTime ?? 3600 })]
  const entries = Object.entries(options.reservations ?? {}).map(([mac, address]) => ({
    macs: [parseMac(mac)!], ip: ip(address), hostName: undefined, source: 'command line'
  }))
  const settings = { subnets, reservations: buildReservations(entries, subnets, own.ip), unknownClients: options.unknownClients ?? 'deny', boot }
  const probe = options.probe === false ? undefined : createConflictProbe()
  const asking = probe !== undefined && options.byHand === true ? printing(probe) : probe
  const server = await startDhcpServer({ ...common, settings, table, store, ...asking !== undefined && { probe: asking }, ...lookForOthers() })
  return async () => {
    await server.close()
    probe?.close()
    await store.close()
  }
}

// Machines that are switched on together, and how long they wait: `npm run bench -- storm [options]`, as root. Real packets between two
// network namespaces: DHCP twice, a 72 KiB loader by TFTP in lock step, scripts, kernel, initrd, and an Ignition config made of a CLC
// template, each with its machine's name in it. Of the generator: scripts/bench/storm/storm.ts.
//
//   --machines N (1000)   --over SECONDS (0)   --loss PER CENT (0), of UDP's datagrams
//   --kernel MIB (1)      --initrd MIB (1)     --rewrite N (0): so many other groups rewritten through gRPC meanwhile, again and again
//   --limit SECONDS (120) --idle SECONDS (0): the server stands so long before they come    --no-peers    --json
//
// Machines and server share the cores, and one hop lies between them, so that the kernel knows one neighbour and not ten thousand. Beside
// it, where both are there: dnsmasq (Debian's) with Matchbox (MATCHBOX_BIN).
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { builtProgram } from '../../test/helpers/built.js'
import { NetworkNamespace } from '../../test/helpers/netns.js'
import { cpuOf, memoryOf, programEnvironment } from '../lib/bench-process.js'
import { layOutSite, type Site } from '../lib/bench-site.js'
import { numberOf } from '../lib/number-arguments.js'
import { profiled } from '../lib/profile.js'
import { formatTable } from '../lib/table.js'
import { type StormResult, stormStages } from './storm/storm.js'

const own = '10.64.0.1'
const hop = '10.127.255.254'
const range = { first: '10.65.0.1', last: '10.127.255.250' }
const loaderSize = 72 * 1024
const loader = 'undionly.kpxe'

type Asked = Readonly<Record<'machines' | 'over' | 'loss' | 'limit' | 'rewrite' | 'idle', number>>
interface Served {
  readonly name: string
  readonly processes: readonly ChildProcess[]
  readonly metrics: boolean
  readonly certificates?: string
}
interface Measured extends StormResult {
  readonly server: string
  readonly generatorCpu: number
  /** Milliseconds of the server's CPU for each machine. */
  readonly serverCpuEach: number
  /** MiB at the highest. */
  readonly serverMemory: number
  /** Milliseconds; undefined of a server that does not tell. */
  readonly eventLoop: { readonly p99: number, readonly max: number } | undefined
  readonly rewritten: number
}

class Network {
  readonly server = new NetworkNamespace()
  readonly client = new NetworkNamespace()

  constructor () {
    this.server.ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.client.name)
    // The machines are behind one hop.
    this.server.ip('address', 'add', `${own}/10`, 'dev', 'eth0', 'noprefixroute')
    this.client.ip('address', 'add', `${hop}/10`, 'dev', 'eth0')
    for (const space of [this.server, this.client]) space.ip('link', 'set', 'eth0', 'up')
    this.server.ip('route', 'add', hop, 'dev', 'eth0', 'src', own)
    this.server.ip('route', 'add', '10.64.0.0/10', 'via', hop, 'src', own)
  }

  spawn (space: NetworkNamespace, command: readonly string[], output: 'pipe' | number, env: NodeJS.ProcessEnv = process.env): ChildProcess {
    return spawn('nsenter', [`--net=/run/netns/${space.name}`, ...command], { stdio: ['ignore', output, output === 'pipe' ? 'inherit' : output], env })
  }

  async close (): Promise<void> {
    await this.server.close()
    await this.client.close()
  }
}

async function ours (network: Network, site: Site, program: string, groups: boolean): Promise<Served> {
  const certificates = join(site.folder, 'certificates')
  if (groups) execFileSync(process.execPath, [program, 'certs', 'init', '--dir', certificates, '--san', `IP:${own}`], { stdio: 'ignore', env: programEnvironment })
  const config = join(site.folder, 'config.yaml')
  writeFileSync(config, JSON.stringify({
    data_path: site.data,
    assets_path: site.assets,
    state_path: site.state,
    control_socket: join(site.folder, 'control.sock'),
    dhcp: { mode: 'server', interface: 'eth0', allow_other_servers: true, unknown_clients: 'allow', subnets: [{ subnet: '10.64.0.0/10', range: `${range.first}-${range.last}` }] },
    rpc: groups ? { address: '0.0.0.0:8081', ca_file: `${certificates}/ca.crt`, cert_file: `${certificates}/server.crt`, key_file: `${certificates}/server.key` } : { address: '' },
    tftp: { root: join(site.folder, 'tftp') }
  }))
  const log = join(site.folder, 'log')
  const child = network.spawn(network.server, [process.execPath, ...profiled('serve'), program, 'serve', '--config', config], openSync(log, 'w'), programEnvironment)
  await until(child, () => readFileSync(log, 'latin1').includes('"appliance.ready"'), log)
  return { name: 'core-provisioner', processes: [child], metrics: true, certificates }
}

async function peers (network: Network, site: Site, matchbox: string): Promise<Served> {
  const log = join(site.folder, 'log')
  const to = openSync(log, 'w')
  const url = `http://${own}:8080`
  const http = network.spawn(network.server, [matchbox, '-address=0.0.0.0:8080', `-data-path=${site.data}`, `-assets-path=${site.assets}`, '-rpc-address=', '-log-level=error'], to)
  const dhcp = network.spawn(network.server, [
    'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--interface=eth0', '--bind-interfaces', '--user=root', '--no-ping', '--pid-file=',
    `--dhcp-range=${range.first},10.65.255.250,255.192.0.0,1h`, '--dhcp-lease-max=70000', '--dhcp-authoritative', `--dhcp-leasefile=${join(site.folder, 'leases')}`,
    '--enable-tftp', `--tftp-root=${join(site.folder, 'tftp')}`, '--tftp-max=20000', '--dhcp-userclass=set:ipxe,iPXE',
    `--dhcp-boot=tag:ipxe,${url}/boot.ipxe`, `--dhcp-boot=tag:!ipxe,${loader}`, '--log-facility=/dev/null'
  ], to)
  await pause(2000)
  if (http.exitCode !== null || dhcp.exitCode !== null) throw new Error(`dnsmasq or Matchbox ended: ${readFileSync(log, 'utf8').slice(-1000)}`)
  return { name: 'dnsmasq and Matchbox', processes: [http, dhcp], metrics: false }
}

/** Has it end, in ten seconds at most: what lives in a namespace ends with that. */
async function ended (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const over = new Promise(resolve => { child.once('exit', resolve) })
  child.kill('SIGTERM')
  await Promise.race([over, pause(10_000)])
}

async function until (child: ChildProcess, done: () => boolean, log: string): Promise<void> {
  for (let tries = 0; !done(); tries++) {
    if (child.exitCode !== null || tries > 1200) throw new Error(`it does not start: ${readFileSync(log, 'utf8').slice(-2000)}`)
    await pause(50)
  }
}

const script = (name: string): string => fileURLToPath(new URL(`./storm/${name}.ts`, import.meta.url))
const typescript = [process.execPath, `--import=${new URL('../lib/typescript.js', import.meta.url).href}`]

async function measure (network: Network, { name, processes, metrics, certificates }: Served, asked: Asked): Promise<Measured> {
  const pids = processes.map(({ pid }) => pid!)
  const cpu = (): number => pids.reduce((sum, pid) => sum + cpuOf(pid), 0)
  const rewriting = asked.rewrite === 0 || certificates === undefined
    ? undefined
    : network.spawn(network.client, [...typescript, script('rewrite-groups'), `${own}:8081`, certificates, String(asked.machines), String(asked.rewrite)], 'pipe')
  const puts = rewriting === undefined ? undefined : output(rewriting)
  if (rewriting !== undefined) await pause(3000)
  await pause(asked.idle)
  const before = cpu()
  const looksBefore = metrics ? looks(network) : undefined
  const result = JSON.parse(await output(network.spawn(network.client, [...typescript, script('generate'), JSON.stringify(asked)], 'pipe'))) as StormResult & { generatorCpu: number }
  const used = cpu() - before
  rewriting?.kill('SIGTERM')
  return {
    ...result,
    server: name,
    serverCpuEach: used / Math.max(1, result.arrived),
    serverMemory: pids.reduce((sum, pid) => sum + memoryOf(pid).highest, 0),
    eventLoop: looksBefore === undefined ? undefined : delays(looksBefore, looks(network)),
    rewritten: Number(await puts ?? 0)
  }
}

async function output (child: ChildProcess): Promise<string> {
  let text = ''
  for await (const piece of child.stdout!) text += String(piece)
  return text
}

/** How many looks at the event loop were late by at most so many seconds, and the longest. */
function looks (network: Network): { readonly buckets: ReadonlyMap<number, number>, readonly max: number } {
  const text = network.client.exec('curl', '-sS', `http://${own}:8080/metrics`)
  const buckets = [...text.matchAll(/^event_loop_delay_seconds_bucket\{le="([^"]+)"\} (\d+)/gm)].map(([, le, count]) => [le === '+Inf' ? Infinity : Number(le), Number(count)] as const)
  return { buckets: new Map(buckets), max: Number(/^event_loop_delay_max_seconds (\S+)/m.exec(text)?.[1] ?? NaN) }
}

function delays (before: ReturnType<typeof looks>, after: ReturnType<typeof looks>): { readonly p99: number, readonly max: number } {
  const counts = [...after.buckets].map(([le, count]) => [le, count - (before.buckets.get(le) ?? 0)] as const)
  const all = counts.at(-1)?.[1] ?? 0
  return { p99: (counts.find(([, count]) => count >= all * 0.99)?.[0] ?? NaN) * 1000, max: after.max * 1000 }
}

function told (measured: Measured): string {
  const { server, machines, arrived, milliseconds, bytes, repeats, stages, failures, broken } = measured
  const { serverCpuEach, serverMemory, eventLoop, generatorCpu, rewritten } = measured
  const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0)
  return [
    `${server}: ${arrived} of ${machines} machines in ${(milliseconds / 1000).toFixed(1)} s, ${(bytes / 2 ** 20 / milliseconds * 1000).toFixed(0)} MiB/s; repeated: ${repeats.dhcp} of DHCP, ${repeats.tftp} of TFTP`,
    `  server: ${serverCpuEach.toFixed(1)} ms of CPU a machine, ${serverMemory.toFixed(0)} MiB at the highest${eventLoop === undefined ? '' : `, event loop late by p99 ${ms(eventLoop.p99)} ms, max ${ms(eventLoop.max)} ms`}; generator: ${(generatorCpu / machines).toFixed(1)} ms of CPU a machine${rewritten > 0 ? `; ${rewritten} groups rewritten` : ''}`,
    formatTable([['  stage, in ms', 'p50', 'p99', 'max'], ...stormStages.map(stage => [`  ${stage}`, ...(['p50', 'p99', 'max'] as const).map(key => ms(stages[stage][key]))])]),
    ...Object.entries(failures).map(([reason, count]) => `  ${count} did not arrive: ${reason}`),
    ...broken.slice(0, 10).map(text => `  MAY NEVER BE: ${text}`)
  ].join('\n')
}

const options = {
  machines: { type: 'string', default: '1000' },
  over: { type: 'string', default: '0' },
  loss: { type: 'string', default: '0' },
  kernel: { type: 'string', default: '1' },
  initrd: { type: 'string', default: '1' },
  rewrite: { type: 'string', default: '0' },
  idle: { type: 'string', default: '0' },
  limit: { type: 'string', default: '120' },
  'no-peers': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false }
} as const

export async function run (args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options })
  const asked: Asked = {
    machines: numberOf('--machines', values.machines),
    over: numberOf('--over', values.over, { least: 0, hasParts: true }) * 1000,
    loss: numberOf('--loss', values.loss, { least: 0, most: 100, hasParts: true }) / 100,
    limit: numberOf('--limit', values.limit, { hasParts: true }) * 1000,
    rewrite: numberOf('--rewrite', values.rewrite, { least: 0 }),
    idle: numberOf('--idle', values.idle, { least: 0, hasParts: true }) * 1000
  }
  const images = (['kernel', 'initrd'] as const).map(name => ({ name, size: numberOf(`--${name}`, values[name]) * 2 ** 20 }))
  const program = builtProgram()
  const matchbox = process.env['MATCHBOX_BIN'] ?? ''
  const withPeers = !values['no-peers'] && existsSync(matchbox) && spawnSync('dnsmasq', ['--version']).error === undefined
  for (const which of ['ours', ...withPeers ? ['peers'] as const : []] as const) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-storm-'))
    const network = new Network()
    let served: Served | undefined
    try {
      const site = layOutSite(folder, { groups: asked.machines + asked.rewrite })
      mkdirSync(join(folder, 'tftp'))
      writeFileSync(join(folder, 'tftp', loader), randomBytes(loaderSize))
      for (const { name, size } of images) writeFileSync(join(site.assets, name), randomBytes(size))
      served = which === 'ours' ? await ours(network, site, program, asked.rewrite > 0) : await peers(network, site, matchbox)
      const measured = await measure(network, served, asked)
      console.log(values.json ? JSON.stringify(measured) : told(measured))
      if (measured.broken.length > 0) process.exitCode = 1
    } finally {
      await Promise.all((served?.processes ?? []).map(ended))
      await network.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
  if (!withPeers && !values['no-peers'] && !values.json) console.log('dnsmasq with Matchbox: not measured (MATCHBOX_BIN, and dnsmasq installed)')
}

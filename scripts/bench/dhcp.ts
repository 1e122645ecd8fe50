// How many four-way exchanges a second the DHCP server does, beside dnsmasq and Kea where those are installed:
// `npm run bench -- dhcp [SECONDS] [RATE ...]`, as root. Each server runs on a veth pair between two network namespaces, its
// leases on the disk of the temporary folder, and perfdhcp (Debian's kea-admin) offers each rate for SECONDS (default 10)
// from 60,000 made-up machines, after three seconds of less to warm up. Of each: exchanges offered and answered a second, what
// was lost, and how long an OFFER took, of half of them and of all but one in a hundred. A rate is held when less than 0.1 %
// of the exchanges are lost.
import { execFileSync, type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { numberOf } from '../lib/number-arguments.js'
import { profiled } from '../lib/profile.js'

/** As the service is built: tsx gives each function its name when it is made, which costs a tenth of all. */
const typescript = `--import=${new URL('../lib/typescript.js', import.meta.url).href}`

const serverSpace = `bench-dhcp-s-${process.pid}`
const clientSpace = `bench-dhcp-c-${process.pid}`
const serverAddress = '10.77.0.1'
const range = { first: '10.77.1.0', last: '10.77.255.254' }

interface Contender { readonly name: string, readonly start: (folder: string) => Promise<ChildProcess> }
interface Result {
  readonly rate: number
  /** A second. */
  readonly answered: number
  /** Of one. */
  readonly lost: number
  /** Milliseconds until the OFFER. */
  readonly p50: number
  readonly p99: number
}

const ip = (...args: readonly string[]): void => { execFileSync('ip', args, { stdio: 'pipe' }) }
const inServerSpace = (folder: string, command: string, ...args: readonly string[]): ChildProcess => {
  const log = openSync(join(folder, 'log'), 'w')
  try {
    return spawn('ip', ['netns', 'exec', serverSpace, command, ...args], { stdio: ['ignore', command === process.execPath ? 'pipe' : log, log], cwd: folder })
  } finally {
    closeSync(log)
  }
}
const pause = async (milliseconds: number): Promise<void> => { await new Promise(resolve => { setTimeout(resolve, milliseconds) }) }
const installed = (command: string): boolean => spawnSync('which', [command], { env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } }).status === 0

async function ours (folder: string): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('./dhcp/serve.ts', import.meta.url))
  const child = inServerSpace(folder, process.execPath, ...profiled('serve'), typescript, program, 'eth0', `${range.first}-${range.last}`, join(folder, 'leases.jsonl'))
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => { resolve() })
    child.once('exit', code => { reject(new Error(`the server ended with ${code}; its log is in ${folder}`)) })
  })
  child.stdout?.on('data', (data: Buffer) => { process.stdout.write(`  ${data.toString()}`) })
  return child
}

async function dnsmasq (folder: string): Promise<ChildProcess> {
  const child = inServerSpace(folder, 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--interface=eth0', '--user=root', '--no-ping',
    `--dhcp-range=${range.first},${range.last},255.255.0.0,1h`, '--dhcp-lease-max=70000', '--dhcp-authoritative', `--dhcp-leasefile=${join(folder, 'leases')}`, '--log-facility=-')
  await pause(1500)
  return child
}

async function kea (folder: string): Promise<ChildProcess> {
  mkdirSync(join(folder, 'run'), { recursive: true })
  writeFileSync(join(folder, 'kea.json'), JSON.stringify({
    Dhcp4: {
      'interfaces-config': { interfaces: ['eth0'], 'dhcp-socket-type': 'raw' },
      'lease-database': { type: 'memfile', persist: true, name: join(folder, 'leases.csv'), 'lfc-interval': 0 },
      'valid-lifetime': 3600,
      'multi-threading': { 'enable-multi-threading': true, 'thread-pool-size': 2 },
      subnet4: [{ id: 1, subnet: '10.77.0.0/16', pools: [{ pool: `${range.first}-${range.last}` }] }],
      loggers: [{ name: 'kea-dhcp4', severity: 'INFO', output_options: [{ output: 'stderr' }] }]
    }
  }))
  process.env['KEA_LOCKFILE_DIR'] = process.env['KEA_PIDFILE_DIR'] = join(folder, 'run')
  const child = inServerSpace(folder, 'kea-dhcp4', '-c', join(folder, 'kea.json'))
  await pause(2500)
  return child
}

const contenders: ReadonlyArray<Contender & { readonly needs?: string }> = [
  { name: 'core-provisioner', start: ours },
  { name: 'kea', start: kea, needs: 'kea-dhcp4' },
  { name: 'dnsmasq', start: dnsmasq, needs: 'dnsmasq' }
]

function offer (rate: number, seconds: number): Result {
  const { stdout } = spawnSync('ip', ['netns', 'exec', clientSpace, 'perfdhcp', '-4', '-r', String(rate), '-p', String(seconds), '-R', '60000', '-x', 't', '-l', 'eth0'],
    { encoding: 'utf8', maxBuffer: 1 << 28 })
  const counts = (label: string): number[] => [...stdout.matchAll(new RegExp(`${label}: (\\d+)`, 'g'))].map(found => Number(found[1]))
  const sent = counts('sent packets')
  const received = counts('received packets')
  const done = received[1] ?? 0
  const delays = offerDelays(stdout)
  const at = (share: number): number => delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? NaN
  const lost = sent[0] === undefined || sent[0] === 0 ? 1 : 1 - done / sent[0]
  return { rate, answered: done / seconds, lost, p50: at(0.5), p99: at(0.99) }
}

/** What `-x t` prints of each OFFER: seconds at which its DISCOVER was sent and it was received. Milliseconds, the shortest first. */
function offerDelays (printed: string): readonly number[] {
  const [, offers = ''] = /Timestamps for packets: DISCOVER-OFFER\*\*\*\n([^*]*)/.exec(printed) ?? []
  return [...offers.matchAll(/received: ([\d.]+) \/ ([\d.]+)/g)].map(([, sent, received]) => (Number(received) - Number(sent)) * 1000).sort((a, b) => a - b)
}

export async function run (args: readonly string[]): Promise<void> {
  const [secondsText = '10', ...others] = args
  const seconds = numberOf('SECONDS', secondsText)
  const given = others.map(rate => numberOf('RATE', rate))
  const rates = given.length > 0 ? given : [2000, 5000, 10_000, 20_000]
  if (!installed('perfdhcp')) throw new Error('perfdhcp is not installed (Debian: apt-get install kea-admin)')
  ip('netns', 'add', serverSpace)
  ip('netns', 'add', clientSpace)
  try {
    ip('-n', serverSpace, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', clientSpace)
    ip('-n', serverSpace, 'address', 'add', `${serverAddress}/16`, 'dev', 'eth0')
    ip('-n', clientSpace, 'address', 'add', '10.77.0.2/16', 'dev', 'eth0')
    for (const space of [serverSpace, clientSpace]) {
      ip('-n', space, 'link', 'set', 'lo', 'up')
      ip('-n', space, 'link', 'set', 'eth0', 'up')
    }
    for (const { name, start, needs } of contenders) {
      if (needs !== undefined && !installed(needs)) {
        process.stdout.write(`${name}: not installed\n`)
        continue
      }
      for (const rate of rates) {
        const folder = mkdtempSync(join(tmpdir(), 'bench-dhcp-'))
        const server = await start(folder)
        // A service has been running for days when a data centre powers on: the first seconds measure the compiler.
        offer(Math.min(rate, 2000), 3)
        const result = offer(rate, seconds)
        const ended = new Promise(resolve => { server.once('exit', resolve) })
        server.kill('SIGTERM')
        await ended
        rmSync(folder, { recursive: true })
        const { answered, lost, p50, p99 } = result
        const wide = (figure: number, digits: number): string => figure.toFixed(digits).padStart(6)
        process.stdout.write(`${name.padEnd(18)} offered ${wide(rate, 0)}/s  answered ${wide(answered, 0)}/s  lost ${wide(lost * 100, 2)} %  OFFER p50 ${wide(p50, 1)} ms  p99 ${wide(p99, 1)} ms\n`)
      }
    }
  } finally {
    ip('netns', 'delete', serverSpace)
    ip('netns', 'delete', clientSpace)
  }
}

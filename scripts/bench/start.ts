// What starting costs, and what stands idle afterwards: `npm run bench -- start [--size N] [--rounds N] [--bundled]`, as root. Of the
// program as it is built, a file for each source, or with --bundled as it is installed, in pieces. CPU and memory of `--version`; then
// the service with nothing and with N (10,000) groups and machines, first with what every network needs (HTTP, TFTP, DHCP, control
// socket), then with gRPC as well: from the start of the process until it says that it is ready, and what it holds ten seconds later.
// In a network namespace of its own; each figure is the median of its rounds.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { builtProgram } from '../../test/helpers/built.js'
import { NetworkNamespace } from '../../test/helpers/netns.js'
import { bundleProgram } from '../lib/bundle-program.js'
import { layOutSite, type Site } from '../lib/bench-site.js'
import { cpuOf, memoryOf, median, programEnvironment } from '../lib/bench-process.js'
import { numberOf } from '../lib/number-arguments.js'
import { profiled } from '../lib/profile.js'
import { formatTable } from '../lib/table.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Until what is left of the start has been collected, in milliseconds. */
const idle = 10_000

interface Started { readonly readyMs: number, readonly startCpu: number, readonly idleMiB: number, readonly idleCpu: number }

function writeConfig (site: Site, certificates: string | undefined): string {
  const file = join(site.folder, 'config.yaml')
  writeFileSync(file, JSON.stringify({
    data_path: site.data,
    assets_path: site.assets,
    state_path: site.state,
    control_socket: join(site.folder, 'control.sock'),
    dhcp: { mode: 'server', interface: 'eth0', subnets: [{ subnet: '10.64.0.0/10', range: '10.64.0.10-10.127.255.250' }] },
    rpc: certificates === undefined ? { address: '' } : { address: '0.0.0.0:8081', ca_file: `${certificates}/ca.crt`, cert_file: `${certificates}/server.crt`, key_file: `${certificates}/server.key` }
  }))
  return file
}

async function start (space: NetworkNamespace, program: string, config: string): Promise<Started> {
  const began = performance.now()
  // `exec` of nsenter: the process that is measured is the child.
  const child = spawn('nsenter', [`--net=/run/netns/${space.name}`, process.execPath, ...profiled('serve'), program, 'serve', '--config', config],
    { stdio: ['ignore', 'pipe', 'inherit'], env: programEnvironment })
  try {
    await ready(child)
    const readyMs = performance.now() - began
    const startCpu = cpuOf(child.pid!)
    await pause(idle)
    return { readyMs, startCpu, idleMiB: memoryOf(child.pid!).resident, idleCpu: (cpuOf(child.pid!) - startCpu) / (idle / 1000) }
  } finally {
    const ended = new Promise(resolve => { child.once('exit', resolve) })
    child.kill()
    await ended
  }
}

const ready = (child: ChildProcess): Promise<void> => new Promise((resolve, reject) => {
  let log = ''
  child.stdout?.on('data', (data: Buffer) => {
    log += data.toString()
    if (log.includes('"appliance.ready"')) resolve()
  })
  child.once('exit', code => { reject(new Error(`it ended with ${code}: ${log.slice(-2000)}`)) })
})

/** Milliseconds of CPU, and MiB at the highest. */
function runToEnd (...command: readonly string[]): { readonly cpu: number, readonly mib: number } {
  const folder = mkdtempSync(join(tmpdir(), 'bench-start-'))
  try {
    execFileSync('/usr/bin/time', ['-f', '%U %S %M', '-o', join(folder, 'time'), process.execPath, ...command], { stdio: 'ignore', env: programEnvironment })
    const [user = 0, system = 0, kib = 0] = readFileSync(join(folder, 'time'), 'utf8').split(' ').map(Number)
    return { cpu: (user + system) * 1000, mib: kib / 1024 }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** By this Node.js, and without the libraries that an installation brings. */
async function bundledProgram (folder: string): Promise<string> {
  await bundleProgram(folder)
  cpSync(join(root, 'assets'), join(folder, 'assets'), { recursive: true })
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'))
  return join(folder, 'app/main.js')
}

export async function run (args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { size: { type: 'string', default: '10000' }, rounds: { type: 'string', default: '3' }, bundled: { type: 'boolean', default: false } } })
  const size = numberOf('--size', values.size)
  const rounds = numberOf('--rounds', values.rounds)
  const folder = mkdtempSync(join(tmpdir(), 'bench-start-'))
  const program = values.bundled ? await bundledProgram(folder) : builtProgram()
  for (const [name, ...command] of [['node', '--eval', '0'], ['--version', program, '--version'], ['help', program, 'help'], ['machines --help', program, 'machines', '--help']] as const) {
    const results = Array.from({ length: 3 * rounds }, () => runToEnd(...command))
    console.log(`${name.padEnd(16)} ${median(results.map(({ cpu }) => cpu)).toFixed(0).padStart(5)} ms of CPU  ${median(results.map(({ mib }) => mib)).toFixed(0).padStart(4)} MiB`)
  }
  const space = new NetworkNamespace()
  try {
    space.bridge('eth0', '10.64.0.1/10')
    const certificates = join(folder, 'certificates')
    execFileSync(process.execPath, [program, 'certs', 'init', '--dir', certificates, '--san', 'IP:10.64.0.1'], { stdio: 'ignore', env: programEnvironment })
    const rows = [['groups and machines', 'gRPC', 'ms to ready', 'ms of CPU', 'MiB idle', 'ms of CPU a second idle']]
    for (const groups of [0, size]) {
      const site = layOutSite(join(folder, String(groups)), { groups, machines: groups, leases: groups })
      for (const withGrpc of [false, true]) {
        const config = writeConfig(site, withGrpc ? certificates : undefined)
        const results: Started[] = []
        for (let round = 0; round < rounds; round++) results.push(await start(space, program, config))
        rows.push([String(groups), withGrpc ? 'on' : 'off', ...(['readyMs', 'startCpu', 'idleMiB', 'idleCpu'] as const).map(key => median(results.map(result => result[key])).toFixed(0))])
      }
    }
    console.log(formatTable(rows))
  } finally {
    await space.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

// How fast files leave the TFTP server, beside dnsmasq's where that is installed (it needs port 69, so root):
// `npm run bench -- tftp [SECONDS [ROUNDS]]`. 50 and 500 clients read a 72 KiB and an 850 KiB file with blksize 1468, in lock
// step and with a window of 8 (dnsmasq before 2.92 knows no windows and answers in lock step). Server and clients are
// processes of their own and share what cores there are; the servers take turns, and each cell is the median of its rounds.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assertAtMost, numberOf } from '../lib/number-arguments.js'
import { profiled } from '../lib/profile.js'

/** As the service is built: tsx gives each function its name when it is made, which costs a tenth of all. */
const typescript = `--import=${new URL('../lib/typescript.js', import.meta.url).href}`

interface Result {
  readonly mibPerSecond: number
  readonly reads: number
  readonly repeats: number
  readonly errors: Readonly<Record<string, number>>
  /** Per cent of one core, of the server and of the clients: at 100 that side is the limit. */
  readonly serverCpu: number
  readonly clientCpu: number
  readonly serverMicrosPerMib: number
}

interface Target { readonly name: string, readonly address: string, readonly port: number, readonly process: ChildProcess }

const files = [{ name: '72k', size: 72 * 1024 }, { name: '850k', size: 850 * 1024 }] as const
const script = (name: string): string => fileURLToPath(new URL(`./tftp/${name}.ts`, import.meta.url))

async function output (child: ChildProcess): Promise<string> {
  let text = ''
  for await (const piece of child.stdout!) text += String(piece)
  return text
}

async function ours (root: string): Promise<Target> {
  const address = '127.0.0.41'
  const child = spawn(process.execPath, [...profiled('serve'), typescript, script('serve'), address, root], { stdio: ['ignore', 'pipe', 'ignore'] })
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => { resolve(Number(line.toString())) })
    child.once('exit', code => { reject(new Error(`the server ended with ${code}`)) })
  })
  return { name: 'core-provisioner', address, port, process: child }
}

async function dnsmasq (root: string): Promise<Target | undefined> {
  if (spawnSync('dnsmasq', ['--version']).status !== 0) return undefined
  const address = '127.0.0.42'
  const child = spawn('dnsmasq', [
    '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--user=root', '--pid-file=', '--bind-interfaces', `--listen-address=${address}`,
    '--enable-tftp', `--tftp-root=${root}`, '--tftp-max=2000', '--log-facility=/dev/null'
  ], { stdio: 'ignore' })
  const running = await Promise.race([
    new Promise<boolean>(resolve => { child.once('exit', () => { resolve(false) }) }),
    new Promise<boolean>(resolve => { setTimeout(() => { resolve(true) }, 1000) })
  ])
  return running ? { name: 'dnsmasq', address, port: 69, process: child } : undefined
}

/**
 * Runs so far. The clients of each have an address of their own. A transfer whose client ended before it had an answer is sent again for
 * seconds; dnsmasq goes on with it when another client asks for something else from that port, which then read 73,728 octets of 870,400.
 */
let runs = 0

async function measure (target: Target, file: typeof files[number], clients: number, window: number, seconds: number): Promise<Result> {
  const args = [typescript, script('load'), target.address, target.port, `127.0.1.${++runs % 255}`, file.name, file.size, clients, window, seconds, target.process.pid].map(String)
  return JSON.parse(await output(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }))) as Result
}

function line (cells: readonly string[]): void {
  process.stdout.write(cells.map((cell, i) => i < 3 ? cell.padEnd(8) : cell.padStart(i === cells.length - 1 && i > 4 ? 8 : 48)).join('') + '\n')
}

const median = (results: Result[]): Result =>
  results.sort((a, b) => a.mibPerSecond - b.mibPerSecond)[Math.floor(results.length / 2)]!

function cell ({ mibPerSecond, repeats, errors, serverCpu, clientCpu, serverMicrosPerMib }: Result): string {
  const failed = Object.values(errors).reduce((sum, count) => sum + count, 0)
  const cpu = `${(serverMicrosPerMib / 1000).toFixed(1)} ms/MiB ${serverCpu.toFixed(0)}+${clientCpu.toFixed(0)} %`
  return `${mibPerSecond.toFixed(1)} MiB/s ${cpu}${repeats + failed > 0 ? ` (${repeats}r ${failed}e)` : ''}`
}

export async function run (words: readonly string[]): Promise<void> {
  const [secondsText = '2', roundsText = '3'] = words
  const [seconds, rounds] = [numberOf('SECONDS', secondsText, { least: 0.1, hasParts: true }), numberOf('ROUNDS', roundsText)]
  assertAtMost(words, 2)
  const root = mkdtempSync(join(tmpdir(), 'bench-tftp-'))
  chmodSync(root, 0o755)
  for (const { name, size } of files) writeFileSync(join(root, name), randomBytes(size))
  const targets: Target[] = []
  try {
    targets.push(await ours(root))
    const other = await dnsmasq(root)
    if (other === undefined) process.stdout.write('dnsmasq is not installed, or may not have port 69: measured without it\n')
    else targets.push(other)
    line(['file', 'clients', 'window', ...targets.map(target => target.name), ...other === undefined ? [] : ['ratio']])
    for (const file of files) {
      for (const clients of [50, 500]) {
        for (const window of [1, 8]) {
          const measured = targets.map((): Result[] => [])
          for (let round = 0; round < rounds; round++) {
            for (const [i, target] of targets.entries()) measured[i]?.push(await measure(target, file, clients, window, seconds))
          }
          const results = measured.map(median)
          const [mine, theirs] = results
          const ratio = mine === undefined || theirs === undefined ? [] : [(mine.mibPerSecond / theirs.mibPerSecond).toFixed(2)]
          line([file.name, String(clients), String(window), ...results.map(cell), ...ratio])
        }
      }
    }
    process.stdout.write('r: packets sent again by clients after a second of silence, e: error packets; ms/MiB: CPU time of the server, and its and the clients\' share of a core\n')
  } finally {
    for (const target of targets) target.process.kill()
    rmSync(root, { recursive: true, force: true })
  }
}

// MiB/s at which a 400 MiB image leaves /assets/ to 1, 4 and 50 clients, from memory and (with a memory that it does not fit)
// from disk, beside nginx with sendfile where that is installed: `npm run bench -- assets [--rounds N] [--clients N,N,...]`.
// Clients are curl processes that throw away what they get. The servers take turns, and each figure is the median of its
// rounds (for 50 clients, one round). The last columns are the server's memory at its highest while it served.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { numberOf, numbersOf } from '../lib/number-arguments.js'
import { profiled } from '../lib/profile.js'
import { formatTable } from '../lib/table.js'

const imageMiB = 400
const image = 'image.bin'
const memories = { cached: 512, 'from disk': 64 } as const

interface Server { readonly name: string, readonly port: number, readonly process: ChildProcess }
interface Result { readonly mibPerSecond: number, readonly residentMiB: number }

function makeImage (path: string): void {
  const file = openSync(path, 'w')
  for (let i = 0; i < imageMiB; i++) writeSync(file, randomBytes(1024 * 1024))
  closeSync(file)
  // As what the mirror publishes.
  chmodSync(path, 0o444)
}

function ours (folder: string, port: number, name: keyof typeof memories): Server {
  const script = join(import.meta.dirname, '../lib/bench-server.ts')
  const args = [...profiled('serve'), '--import=tsx', script, join(folder, 'data'), port, join(folder, 'assets'), memories[name] * 1024 * 1024].map(String)
  return { name, port, process: spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] }) }
}

function nginx (folder: string, port: number): Server | undefined {
  if (spawnSync('nginx', ['-v']).error !== undefined) return undefined
  const config = join(folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder}/${kind};`).join(' ')
  writeFileSync(config, `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit; events {}
http { access_log off; sendfile on; tcp_nopush on; ${temporary}
server { listen 127.0.0.1:${port}; location /assets/ { root ${folder}; } } }
`)
  return { name: 'nginx', port, process: spawn('nginx', ['-p', folder, '-c', config, '-e', 'stderr'], { stdio: ['ignore', 'ignore', 'inherit'] }) }
}

const urlOf = ({ port }: Server): string => `http://127.0.0.1:${port}/assets/${image}`

async function waitFor (server: Server): Promise<void> {
  for (let tries = 0; !await fetch(urlOf(server), { method: 'HEAD' }).then(answer => answer.ok, () => false); tries++) {
    if (server.process.exitCode !== null || tries > 300) throw new Error(`${server.name} does not answer`)
    await delay(100)
  }
}

/** One client that fetches the image `times` times over one connection. */
async function fetchImage (server: Server, times: number): Promise<void> {
  const args = Array.from({ length: times }, () => ['-o', '/dev/null', urlOf(server)]).flat()
  const child = spawn('curl', ['-sS', '--fail', '-w', '%{size_download}\n', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (data: Buffer) => { text += data.toString() })
  await new Promise(resolve => { child.on('close', resolve) })
  if (text !== `${imageMiB * 1024 * 1024}\n`.repeat(times)) throw new Error(`${server.name} sent ${text}`)
}

/** The processes that serve: nginx has a worker of its own. */
function pidsOf ({ pid }: ChildProcess): readonly number[] {
  return [pid!, ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(text => text !== '').map(Number)]
}

async function measure (server: Server, clients: number, times: number): Promise<Result> {
  const pids = pidsOf(server.process)
  // Forgets the highest value so far (proc(5), clear_refs).
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, '5')
  const start = performance.now()
  await Promise.all(Array.from({ length: clients }, () => fetchImage(server, times)))
  const seconds = (performance.now() - start) / 1000
  const highest = pids.map(pid => Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024)
  return { mibPerSecond: imageMiB * clients * times / seconds, residentMiB: Math.max(...highest) }
}

const median = (results: readonly Result[]): number =>
  results.map(result => result.mibPerSecond).sort((a, b) => a - b)[Math.floor(results.length / 2)]!

export async function run (args: readonly string[]): Promise<void> {
  const options = { rounds: { type: 'string', default: '3' }, clients: { type: 'string', default: '1,4,50' } } as const
  const { values } = parseArgs({ args: [...args], options })
  const rounds = numberOf('--rounds', values.rounds)
  const numbers = numbersOf('--clients', values.clients)
  if (spawnSync('curl', ['-V']).error !== undefined) throw new Error('curl is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'bench-assets-'))
  const servers: Server[] = []
  try {
    // nginx started by root works as somebody else.
    chmodSync(folder, 0o755)
    for (const name of ['data', 'assets']) mkdirSync(join(folder, name))
    makeImage(join(folder, 'assets', image))
    servers.push(ours(folder, 18_601, 'cached'), ours(folder, 18_602, 'from disk'))
    const other = nginx(folder, 18_603)
    if (other === undefined) console.log('nginx is not installed: measured without it')
    else servers.push(other)
    for (const server of servers) {
      await waitFor(server)
      await fetchImage(server, 1)
    }
    const rows: string[][] = [['clients', ...servers.map(({ name }) => `${name} MiB/s`),
      ...other === undefined ? [] : ['cached/nginx', 'disk/nginx'], ...servers.map(({ name }) => `${name} RSS MiB`)]]
    for (const clients of numbers) {
      const measured = servers.map((): Result[] => [])
      for (let round = 0; round < (clients >= 50 ? 1 : rounds); round++) {
        for (const [i, server] of servers.entries()) measured[i]!.push(await measure(server, clients, clients === 1 ? 4 : 1))
      }
      const rates = measured.map(median)
      const [cached = 0, disk = 0, theirs] = rates
      rows.push([String(clients), ...rates.map(rate => rate.toFixed(0)),
        ...theirs === undefined ? [] : [(cached / theirs).toFixed(2), (disk / theirs).toFixed(2)],
        ...measured.map(results => Math.max(...results.map(result => result.residentMiB)).toFixed(0))])
    }
    console.log(formatTable(rows))
  } finally {
    for (const server of servers) server.process.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

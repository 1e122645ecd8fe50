// Requests a second that /ipxe?mac= and /ignition?mac= answer with 10, 1,000 and 10,000 groups, each machine asked for in
// turn over 16 connections, after each was asked for once (the figure in brackets is that first round, in which every
// machine's template is translated) and after a warm-up. It is the program as `serve` runs it, built and with its log and
// its record of machines; what it logs is thrown away. With MATCHBOX_BIN, the same of that program, without the first round.
// Uses wrk where it is installed, else a client of its own, which asks for less than wrk can. The CPU time is the server's
// and tells more on a busy machine. Options: --seconds N (5), --warm-up N (2), --groups N,N,...
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ignition, macOf } from '../lib/bench-site.js'
import { load } from '../lib/http-load.js'
import { numberOf, numbersOf } from '../lib/number-arguments.js'
import { profiled } from '../lib/profile.js'

const matchbox = process.env['MATCHBOX_BIN']
const root = join(import.meta.dirname, '../..')
const paths = ['/ipxe', '/ignition']

function layOut (folder: string, groups: number): void {
  for (const kind of ['groups', 'profiles', 'ignition']) mkdirSync(join(folder, kind), { recursive: true })
  writeFileSync(join(folder, 'ignition/node.yaml'), ignition)
  writeFileSync(join(folder, 'profiles/node.json'), JSON.stringify({
    id: 'node',
    ignition_id: 'node.yaml',
    boot: { kernel: '/assets/vmlinuz', initrd: ['/assets/initrd.img'], args: ['ignition.config.url=http://10.0.0.1:8080/ignition?mac=${mac:hexhyp}'] } // eslint-disable-line no-template-curly-in-string
  }))
  for (let i = 0; i < groups; i++) {
    const metadata = { hostname: `node-${i}`, key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIexample core' }
    writeFileSync(join(folder, `groups/node-${i}.json`), JSON.stringify({ id: `node-${i}`, profile: 'node', selector: { mac: macOf(i) }, metadata }))
  }
}

const status = (port: number, path: string): Promise<number> => new Promise(resolve => {
  get({ host: '127.0.0.1', port, path, agent: false }, response => {
    response.resume()
    resolve(response.statusCode ?? 0)
  }).on('error', () => { resolve(0) })
})

/** Milliseconds of CPU time that a process has used; the kernel counts in hundredths of a second. */
function cpuOf ({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Starts a server and waits until it answers. */
async function start (command: string, args: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  for (let tries = 0; await status(port, '/') !== 200; tries++) {
    if (child.exitCode !== null || tries > 300) throw new Error(`${command} does not answer on port ${port}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return child
}

const servers = [
  {
    name: 'core-provisioner',
    start: (data: string, port: number) => {
      const config = join(data, 'config.yaml')
      const [state, off] = [join(data, 'state'), { address: '' }]
      writeFileSync(config, JSON.stringify({
        data_path: data, assets_path: '', state_path: state, control_socket: join(state, 'control.sock'), advertise: '127.0.0.1', http: { address: `127.0.0.1:${port}` }, rpc: off, tftp: off
      }))
      return start(process.execPath, [...profiled('serve'), join(root, 'bin/core-provisioner'), 'serve', '--config', config], port)
    }
  },
  ...matchbox === undefined
    ? []
    : [{
        name: 'matchbox',
        start: (data: string, port: number) =>
          start(matchbox, [`-address=127.0.0.1:${port}`, `-data-path=${data}`, '-assets-path=', '-rpc-address=', '-log-level=error'], port)
      }]
]

export async function run (args: readonly string[]): Promise<void> {
  const options = { seconds: { type: 'string', default: '5' }, 'warm-up': { type: 'string', default: '2' }, groups: { type: 'string', default: '10,1000,10000' } } as const
  const { values } = parseArgs({ args: [...args], options })
  const seconds = numberOf('--seconds', values.seconds, { least: 0.1, hasParts: true })
  const sizes = numbersOf('--groups', values.groups)
  const warmUp = numberOf('--warm-up', values['warm-up'], { least: 0, hasParts: true })
  const { status: built } = spawnSync('npm', ['run', 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (built !== 0) throw new Error('npm run build failed')
  const hasWrk = spawnSync('wrk', ['-v']).error === undefined
  console.log(`${hasWrk ? 'wrk' : 'own client'}, 16 connections, ${seconds} s each`)
  const folder = mkdtempSync(join(tmpdir(), 'bench-http-'))
  try {
    let port = 18_500
    for (const groups of sizes) {
      const data = join(folder, String(groups))
      layOut(data, groups)
      for (const server of servers) {
        const child = await server.start(data, ++port)
        try {
          for (const path of paths) {
            const answer = await status(port, `${path}?mac=${macOf(groups - 1)}`)
            if (answer !== 200) throw new Error(`${server.name} answers ${answer} to ${path}`)
            const targets = Array.from({ length: groups }, (_, i) => `${path}?mac=${macOf(i)}`)
            const options = { port, targets, connections: 16, folder }
            const first = server.name === 'matchbox' ? undefined : await load({ ...options, times: 1 })
            await load({ ...options, seconds: warmUp, wrk: hasWrk })
            const before = cpuOf(child)
            const { perSecond, answered, failed } = await load({ ...options, seconds, wrk: hasWrk })
            const cpu = (cpuOf(child) - before) * 1000 / answered
            console.log(`${server.name.padEnd(16)} ${path.padEnd(10)} ${String(groups).padStart(6)} groups ${Math.round(perSecond).toLocaleString('en').padStart(9)} requests/s ` +
              `${cpu.toFixed(0).padStart(7)} µs CPU each${first === undefined ? '' : ` (${Math.round(first.perSecond).toLocaleString('en')})`}` +
              `${failed > 0 ? `, ${failed} failed` : ''}`)
          }
        } finally {
          child.kill()
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

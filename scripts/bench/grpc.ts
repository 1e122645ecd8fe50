// The gRPC API over TLS: puts of 1,000 groups by 8 clients, each fsynced before it is acknowledged, beside what the disk
// does with the same writes bare; lists of 10,000 groups by one client; and the memory of a program that holds 10,000
// groups and 10,000 templates. With MATCHBOX_BIN, the same of that program. Options: --groups N (10000), --puts N (1000).
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writeFileAtomic } from '../../src/disk/atomic-file.js'
import { type RawClient, rawClient, tlsCredentials } from '../../test/helpers/grpc-appliance.js'
import { numberOf } from '../lib/number-arguments.js'
import { profiled } from '../lib/profile.js'
import { layOutProgram } from '../../test/helpers/grpc-program.js'
import { makePki } from '../../test/helpers/pki.js'

const pki = makePki()
const clients = 8
const limits = { listMs: 300, rssMiB: 250 }

const macOf = (i: number): string => `52:54:00:${[i >> 16, i >> 8, i].map(n => (n & 255).toString(16).padStart(2, '0')).join(':')}`
const metadataOf = (i: number): object => ({ hostname: `node-${i}`, ip: `10.${i >> 16}.${i >> 8 & 255}.${i & 255}`, key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIexample' })
const template = (i: number): string =>
  `# node-${i}\n${'systemd:\n  units:\n    - name: a.service\n      contents: |\n        [Service]\n        ExecStart=/bin/true {{.hostname}}\n'.repeat(10)}`

function layOut (data: string, groups: number): void {
  for (const kind of ['groups', 'profiles', 'ignition']) mkdirSync(join(data, kind), { recursive: true })
  for (let i = 0; i < groups; i++) {
    writeFileSync(join(data, `groups/g${i}.json`), JSON.stringify({ id: `g${i}`, profile: 'p', selector: { mac: macOf(i) }, metadata: metadataOf(i) }))
    writeFileSync(join(data, `ignition/g${i}.yaml.tmpl`), template(i))
  }
}

async function freePort (): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  await new Promise(resolve => listener.close(resolve))
  return port
}

async function answers (port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; child.exitCode === null && tries < 600; tries++) {
    const socket = connect(port, '127.0.0.1')
    const open = await new Promise<boolean>(resolve => socket.once('connect', () => { resolve(true) }).once('error', () => { resolve(false) }))
    socket.destroy()
    if (open) return
    await sleep(50)
  }
  throw new Error('the program does not listen')
}

const rssMiB = ({ pid }: ChildProcess): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024

async function putGroups (open: () => RawClient, puts: number): Promise<number> {
  const all = Array.from({ length: clients }, open)
  await Promise.all(all.map(client => client.call('ProfileList', {})))
  let next = 0
  const start = performance.now()
  await Promise.all(all.map(async client => {
    while (next < puts) {
      const i = next++
      const group = { id: `new${i}`, profile: 'p', selector: { name: `new${i}` }, metadata: Buffer.from(JSON.stringify(metadataOf(i))) }
      const answer = await client.call('GroupPut', { group })
      if ('error' in answer) throw new Error(answer.error.message)
    }
  }))
  const seconds = (performance.now() - start) / 1000
  for (const client of all) client.close()
  return puts / seconds
}

/** Puts a second that the disk allows: the same files written the same way, eight at a time, by nobody's request. */
async function bareDisk (folder: string, puts: number): Promise<number> {
  let next = 0
  const start = performance.now()
  await Promise.all(Array.from({ length: clients }, async () => {
    while (next < puts) {
      const i = next++
      await writeFileAtomic(join(folder, `bare/${i}.json`), JSON.stringify(metadataOf(i)))
    }
  }))
  return puts / ((performance.now() - start) / 1000)
}

async function listGroups (client: RawClient, groups: number): Promise<number[]> {
  const times: number[] = []
  for (let round = 0; round < 7; round++) {
    const start = performance.now()
    const answer = await client.call('GroupList', {})
    times.push(performance.now() - start)
    const listed = 'response' in answer ? (answer.response as { groups: object[] }).groups.length : 0
    if (listed < groups) throw new Error(`${listed} groups were listed: ${JSON.stringify(answer).slice(0, 300)}`)
  }
  return times.sort((a, b) => a - b)
}

interface Candidate {
  readonly name: string
  readonly command: string
  readonly args: (port: number) => readonly string[]
}

/** Whether the program kept the limits. */
async function measure ({ name, command, args }: Candidate, folder: string, groups: number, puts: number): Promise<boolean> {
  const port = await freePort()
  const started = performance.now()
  const child = spawn(command, args(port), { stdio: ['ignore', 'ignore', 'inherit'] })
  try {
    await answers(port, child)
    const startMs = performance.now() - started
    const open = (): RawClient => rawClient(`127.0.0.1:${port}`, tlsCredentials(pki, pki.client), { 'grpc.max_receive_message_length': -1 })
    const client = open()
    const rss = rssMiB(child)
    const times = await listGroups(client, groups)
    const median = times[times.length >> 1]!
    const perSecond = await putGroups(open, puts)
    const after = rssMiB(child)
    client.close()
    console.log(`${name}: listens after ${startMs.toFixed(0)} ms; ${rss.toFixed(0)} MiB resident, ${after.toFixed(0)} MiB after all calls`)
    console.log(`  list of ${groups} groups: median ${median.toFixed(0)} ms, first to last ${times[0]!.toFixed(0)} to ${times.at(-1)!.toFixed(0)} ms`)
    console.log(`  puts by ${clients} clients: ${perSecond.toFixed(0)} a second`)
    return median <= limits.listMs && Math.max(rss, after) < limits.rssMiB
  } finally {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
    rmSync(join(folder, 'data/groups'), { recursive: true, force: true })
  }
}

export async function run (args: readonly string[]): Promise<void> {
  const options = { groups: { type: 'string', default: '10000' }, puts: { type: 'string', default: '1000' } } as const
  const { values } = parseArgs({ args: [...args], options })
  const [groups, puts] = [numberOf('--groups', values.groups), numberOf('--puts', values.puts)]
  const folder = mkdtempSync(join(tmpdir(), 'bench-grpc-'))
  try {
    const config = layOutProgram(folder, pki)
    const data = join(folder, 'data')
    console.log(`bare disk: ${(await bareDisk(folder, puts)).toFixed(0)} files a second, written, synced and renamed ${clients} at a time`)
    layOut(data, groups)
    const own = [fileURLToPath(new URL('../../bin/core-provisioner', import.meta.url)), 'serve', '--config', config]
    const good = await measure({
      name: 'core-provisioner',
      command: process.execPath,
      args: port => [...profiled('serve'), ...own, '--set', `rpc.address=127.0.0.1:${port}`]
    }, folder, groups, puts)
    console.log(`  limits: list ${limits.listMs} ms, memory ${limits.rssMiB} MiB: ${good ? 'kept' : 'MISSED'}`)
    if (!good) process.exitCode = 1
    const matchbox = process.env['MATCHBOX_BIN']
    if (matchbox !== undefined) {
      layOut(data, groups)
      const http = await freePort()
      await measure({
        name: 'matchbox',
        command: matchbox,
        args: port => [
          '-address', `127.0.0.1:${http}`, '-rpc-address', `127.0.0.1:${port}`, '-data-path', data, '-assets-path', '',
          '-ca-file', join(folder, 'ca.crt'), '-cert-file', join(folder, 'server.crt'), '-key-file', join(folder, 'server.key')
        ]
      }, folder, groups, puts)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// `scripts/sandbox --provisioners 3`: three etcd, provisioners that share them, each in a network namespace of its own, and a machine whose
// boot outlives the one that began it.
import { type ChildProcess, execFile } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'
import { type StageChange, untilReady, watchStages } from './appliance-process.js'
import type { Children } from './children.js'
import { addToBridge } from './namespace.js'
import type { SandboxStore } from './sandbox-store.js'
import type { Teller } from './sandbox-stories.js'

const run = promisify(execFile)

export interface FleetOptions extends SandboxStore {
  readonly root: string
  readonly folder: string
  readonly bridge: string
  /** Unpacked packages; etcd is among them where it is not installed. */
  readonly packages: string
  readonly count: number
  readonly children: Children
  readonly stop: AbortSignal
  /** Hears of what machines do, from whichever provisioner. */
  readonly hear: (change: StageChange) => void
  readonly print: (line: string) => void
}

export interface FleetProvisioner {
  readonly name: string
  readonly url: string
  /** All that it has logged. */
  readonly log: () => string
  /** At once, as by a power cut. */
  readonly kill: () => void
}

export interface Fleet {
  readonly provisioners: readonly FleetProvisioner[]
  /** Resolves when a machine has come so far. */
  readonly stage: (name: string) => Promise<void>
}

const members = [1, 2, 3]

/** Three on the bridge's own address. */
function startEtcd ({ children, folder, packages, url }: FleetOptions): readonly string[] {
  const { hostname } = new URL(url)
  const initial = members.map(n => `m${n}=http://127.0.0.1:${n}2380`).join(',')
  return members.map(n => {
    const [client, peer] = [`http://${hostname}:${n}2379`, `http://127.0.0.1:${n}2380`]
    const log = openSync(join(folder, `etcd-${n}.log`), 'w')
    children.start('env', [`PATH=${process.env['PATH'] ?? ''}:${join(packages, 'etcd-server/usr/bin')}`, 'etcd', '--name', `m${n}`, '--data-dir', join(folder, `etcd-${n}`),
      '--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer,
      '--initial-cluster', initial, '--logger', 'zap', '--log-level', 'error'], ['ignore', log, log])
    closeSync(log)
    return client
  })
}

/** As the one of the store, with an address of its own and nothing in its folder. */
function writeConfig ({ folder, configFile }: FleetOptions, name: string, endpoints: readonly string[]): string {
  const own = join(folder, name)
  mkdirSync(join(own, 'data'), { recursive: true })
  const config = parse(readFileSync(configFile, 'utf8')) as { readonly dhcp: object }
  const path = join(folder, `${name}.yaml`)
  writeFileSync(path, stringify({
    ...config,
    data_path: join(own, 'data'),
    state_path: join(own, 'state'),
    control_socket: join(own, 'control.sock'),
    dhcp: { ...config.dhcp, interface: 'eth0' },
    cluster: { name, etcd: { endpoints } }
  }))
  return path
}

/** All of them see all. */
export async function startFleet (options: FleetOptions): Promise<Fleet> {
  const { root, folder, bridge, count, children, stop, hear, print, gateway, url, dataPath } = options
  print('starting three etcd')
  const endpoints = startEtcd(options)
  const program = join(root, 'bin/core-provisioner')
  const waiting = new Map<string, () => void>()
  const start = async (n: number): Promise<FleetProvisioner> => {
    const [bridgeAddress = '', prefix = ''] = gateway.split('/')
    const [name, address] = [`p${n}`, [...bridgeAddress.split('.').slice(0, 3), n + 1].join('.')]
    const own = url.replace(new URL(url).hostname, address)
    const [configFile, logFile] = [writeConfig(options, name, endpoints), join(folder, `${name}.log`)]
    if (n === 1) await run(process.execPath, [program, 'store', 'import', dataPath, '--config', configFile])
    const log = openSync(logFile, 'w')
    const words = ['--net', '--', 'sh', '-c', 'read -r go && exec "$@"', 'sh', process.execPath, program, 'serve', '--config', configFile]
    const child: ChildProcess = children.start('unshare', words, ['pipe', log, log])
    closeSync(log)
    await addToBridge(bridge, child.pid ?? 0, `${address}/${prefix}`, name)
    child.stdin?.end('\n')
    await untilReady(child, own)
    const watched = new AbortController()
    await watchStages(own, AbortSignal.any([stop, watched.signal]), change => {
      hear(change)
      waiting.get(change.stage)?.()
    })
    print(`${name} is there: ${own}`)
    return {
      name,
      url: own,
      log: () => readFileSync(logFile, 'utf8'),
      kill: () => {
        watched.abort()
        child.kill('SIGKILL')
      }
    }
  }
  const provisioners: FleetProvisioner[] = []
  for (let n = 1; n <= count; n++) provisioners.push(await start(n))
  for (const one of provisioners) await untilItSeesAll(one, count)
  print(`each of the ${count} sees the others`)
  return { provisioners, stage: name => new Promise(resolve => { waiting.set(name, resolve) }) }
}

async function untilItSeesAll ({ name, url }: FleetProvisioner, count: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const metrics = await fetch(`${url}/metrics`).then(answer => answer.text(), () => '')
    if (new RegExp(String.raw`^cluster_present(?:\{.*\})? ${count}$`, 'm').test(metrics)) return
    await delay(100)
  }
  throw new Error(`${name} does not see the others`)
}

/** The provisioner that gave the first machine its script is killed before the kernel is there. */
export async function fleet ({ fleet: several, machines, boot, print }: Teller): Promise<readonly string[]> {
  if (several === undefined) return ['there is no fleet']
  const problems: string[] = []
  const expectOf = (what: string, holds: boolean): void => {
    print(`${holds ? 'as it should be' : 'FAILED'}: ${what}`)
    if (!holds) problems.push(what)
  }
  const { provisioners } = several
  const killed = several.stage('script').then(() => {
    const first = provisioners.find(one => one.log().includes('"msg":"http.ipxe"'))
    first?.kill()
    print(`${first?.name ?? 'nobody'} gave the script, and is killed`)
    return first
  })
  const ends = await Promise.all(machines.map(async machine => ({ machine, ...await boot(machine, {}) })))
  const first = await killed
  const others = provisioners.filter(one => one !== first)
  for (const { machine, problem } of ends) {
    expectOf(`${machine.name} boots and applies its config${problem}`, problem === '')
    const knowing = await Promise.all(others.map(({ url }) => knows(url, machine.mac)))
    expectOf(`${others.map(({ name }) => name).join(' and ')} know that it is installed`, knowing.every(Boolean))
  }
  expectOf(`another than ${first?.name ?? ''} gave the config`, others.some(one => one.log().includes('"msg":"http.ignition"')))
  return problems
}

/** Whether a provisioner knows within a few seconds that a machine is installed. */
async function knows (url: string, mac: string): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    const said = await fetch(`${url}/v1/machines/${mac}`).then(answer => answer.json(), () => undefined) as { readonly stage?: string } | undefined
    if (said?.stage === 'installed') return true
    await delay(100)
  }
  return false
}

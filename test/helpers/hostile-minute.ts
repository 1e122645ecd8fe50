// The built program in a namespace, with 256 descriptors, under hostile traffic on all its sockets at once; then a machine boots.
import { fileURLToPath } from 'node:url'
import { layOutSite, memoryOf, numbersIn, victim } from './hostile-site.js'
import { NetworkNamespace } from './netns.js'
import { typescript } from './typescript.js'
import { unitEnvironment } from './unit-environment.js'

export interface HostileMinuteOptions {
  /** Of TCP and TFTP traffic, some 450 connections and 250 datagrams each; in about two seconds on a quiet machine. */
  readonly rounds: number
  /** Mutated DHCP messages meanwhile. */
  readonly messages: number
  readonly seed: number
  /** An empty folder; its path is short, since a Unix socket goes there. */
  readonly folder: string
  readonly onRound?: (line: string, memory: number) => void
}

export interface HostileMinute {
  /** What the machine got that booted afterwards. */
  readonly boot: Readonly<Record<string, unknown>>
  /** Of every hundred DHCP messages a good machine's followed that was to be answered: how often it was not. */
  readonly missed: number
  /** Connections and datagrams of each kind. */
  readonly sent: Readonly<Record<string, number>>
  readonly exit: number | string
  /** Lines of its log and standard error that tell of an error of ours. */
  readonly errors: readonly string[]
  /** The most resident memory it ever had, in MiB. */
  readonly memory: number
  /** Descriptors when all was over. */
  readonly descriptors: number
  /** Numbers of /metrics by name and labels. */
  readonly metrics: Readonly<Record<string, number>>
  readonly seconds: number
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const helper = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url))

export async function hostileMinute ({ rounds, messages, seed, folder, onRound }: HostileMinuteOptions): Promise<HostileMinute> {
  layOutSite(folder)
  const space = new NetworkNamespace()
  try {
    space.bridge('br0', '172.30.0.1/16')
    const stranger = space.client('br0')
    for (let i = 1; i <= 8; i++) stranger.ip('address', 'add', `172.30.250.${i}/16`, 'dev', 'eth0')
    const flooder = space.client('br0')
    const machine = space.client('br0', victim)
    // The test runner has its children load what it likes; the built program is to run as it is.
    const command = `unset NODE_OPTIONS; ${unitEnvironment()}ulimit -n 256; cd ${root}; exec "$0" bin/core-provisioner serve --config ${folder}/config.yaml`
    const appliance = space.spawn('sh', '-c', command, process.execPath)
    await appliance.line(/"msg":"appliance\.ready"/)
    const pid = appliance.child.pid ?? 0
    const started = performance.now()
    const traffic = stranger.spawn(process.execPath, typescript, helper('hostile-traffic'), '172.30.0.1', String(rounds), String(seed), victim)
    const flood = flooder.spawn(process.execPath, typescript, helper('dhcp-flood'), 'eth0', String(messages), String(seed))
    for (let line = ''; !line.startsWith('sent ');) {
      await traffic.next()
      line = traffic.output().trimEnd().split('\n').at(-1) ?? ''
      onRound?.(line.slice(0, 80), memoryOf(pid, 'VmRSS'))
    }
    const sent = JSON.parse(/^sent (.*)$/m.exec(traffic.output())?.[1] ?? '{}') as Record<string, number>
    if (await flood.ended !== 0) throw new Error(flood.output())
    const missed = Number(/missed (\d+)$/.exec(flood.output().trimEnd())?.[1])
    const seconds = (performance.now() - started) / 1000

    const booting = machine.spawn(process.execPath, typescript, helper('boot-machine'), 'eth0', victim)
    if (await booting.ended !== 0) throw new Error(`the machine does not boot: ${booting.output()}`)
    const boot = JSON.parse(booting.output().trimEnd().split('\n').at(-1) ?? '{}') as Record<string, unknown>
    const metrics = numbersIn(machine.exec('curl', '-s', '--fail', 'http://172.30.0.1:8080/metrics'))
    const memory = memoryOf(pid, 'VmHWM')
    const descriptors = Number(space.exec('sh', '-c', `ls /proc/${pid}/fd | wc -l`))
    process.kill(pid, 'SIGTERM')
    const exit = await appliance.ended
    const errors = appliance.output().split('\n').filter(line => line !== '' && (!line.startsWith('{') || /"level":"(?:error|fatal)"/.test(line)))
    return { boot, missed, sent, exit, errors, memory, descriptors, metrics, seconds }
  } finally {
    await space.close()
  }
}

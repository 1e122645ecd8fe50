// The built program in a namespace, and connections from many addresses that come at once, ask for much and read nothing; meanwhile machines
// that it knows ask for their addresses, and one of them boots.
import { execFileSync } from 'node:child_process'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { builtProgram } from './built.js'
import { layOutSite, memoryOf, numbersIn, victim } from './hostile-site.js'
import { NetworkNamespace } from './netns.js'
import { rushAddress, rushImage, type RushKind } from './rush-kinds.js'
import { typescript } from './typescript.js'
import { unitEnvironment } from './unit-environment.js'

export interface RushOptions {
  readonly connections: number
  /** That the program may have, and the other side; fewer where there is no right to so many. */
  readonly descriptors: number
  /** `rushAddresses` at most. */
  readonly addresses: number
  /** Milliseconds in which they come. */
  readonly over: number
  /** Milliseconds that they stay afterwards, at least. */
  readonly hold: number
  /** DHCP messages beside them, mutated: after each hundred a known machine asks. */
  readonly messages: number
  readonly seed: number
  readonly kind: RushKind
  /** An empty folder; its path is short, since a Unix socket goes there. */
  readonly folder: string
  /** Told each second what the program has of the system, in MiB. */
  readonly onLook?: (memory: number) => void
}

export interface Rush {
  /** Milliseconds in which they really came. */
  readonly came: number
  /** What the machine got that booted meanwhile. */
  readonly boot: Readonly<Record<string, unknown>>
  /** Of the known machines that asked meanwhile, how many were not answered. */
  readonly missed: number
  /** Resident memory in MiB: before they came, the most, and when they had been there for as long as they were to. */
  readonly memory: { readonly before: number, readonly most: number, readonly held: number }
  /** That the program could have. */
  readonly descriptors: number
  /** Numbers of /metrics by name and labels, before the connections go. */
  readonly metrics: Readonly<Record<string, number>>
  readonly exit: number | string
  /** Lines of its log and standard error that tell of an error of ours. */
  readonly errors: readonly string[]
}

/** Who has no right to so many descriptors has what there is. */
const raised = (descriptors: number): string => `ulimit -n ${descriptors} 2> /dev/null || ulimit -n $(ulimit -H -n);`
const helper = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url))

/** Why so many connections can't be made here, undefined when they can: some descriptors are the loader's and the log's. */
export function rushProblem ({ connections, descriptors }: Pick<RushOptions, 'connections' | 'descriptors'>): string | undefined {
  const most = Number(execFileSync('sh', ['-c', `${raised(descriptors)} ulimit -n`], { encoding: 'utf8' }))
  return most > connections + 100 ? undefined : `${most} descriptors are too few for ${connections} connections`
}

export async function connectionRush ({ connections, descriptors, addresses, over, hold, messages, seed, kind, folder, onLook }: RushOptions): Promise<Rush> {
  layOutSite(folder)
  const image = join(folder, rushImage)
  writeFileSync(image, '')
  truncateSync(image, 600 * 2 ** 20)
  const program = builtProgram()
  const space = new NetworkNamespace()
  let looking: NodeJS.Timeout | undefined
  try {
    space.bridge('br0', '172.30.0.1/16')
    const strangers = space.client('br0')
    for (let n = 0; n < addresses; n++) strangers.ip('address', 'add', `${rushAddress(n)}/16`, 'dev', 'eth0')
    const known = space.client('br0')
    const machine = space.client('br0', victim)
    const appliance = space.spawn('sh', '-c', `unset NODE_OPTIONS; ${unitEnvironment()}${raised(descriptors)} exec "$0" "$@"`, process.execPath, program, 'serve', '--config', `${folder}/config.yaml`)
    await appliance.line(/"msg":"appliance\.ready"/)
    const pid = appliance.child.pid ?? 0
    const before = memoryOf(pid, 'VmRSS')
    looking = setInterval(() => { onLook?.(memoryOf(pid, 'VmRSS')) }, 1000)

    const traffic = strangers.spawn('sh', '-c', `${raised(descriptors)} exec "$0" "$@"`, process.execPath, typescript, helper('rush-traffic'),
      '172.30.0.1', String(connections), String(addresses), String(over), kind)
    const flood = known.spawn(process.execPath, typescript, helper('dhcp-flood'), 'eth0', String(messages), String(seed))
    const came = Number((await traffic.line(/^come /)).slice('come '.length))
    const held = pause(hold)
    const booting = machine.spawn(process.execPath, typescript, helper('boot-machine'), 'eth0', victim)
    if (await booting.ended !== 0) throw new Error(`the machine does not boot: ${booting.output()}`)
    if (await flood.ended !== 0) throw new Error(flood.output())
    await held
    const metrics = numbersIn(machine.exec('curl', '-s', '--fail', 'http://172.30.0.1:8080/metrics'))
    const memory = { before, most: memoryOf(pid, 'VmHWM'), held: memoryOf(pid, 'VmRSS') }
    const had = Number(/^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1])
    process.kill(pid, 'SIGTERM')
    return {
      came,
      boot: JSON.parse(booting.output().trimEnd().split('\n').at(-1) ?? '{}') as Record<string, unknown>,
      missed: Number(/missed (\d+)$/.exec(flood.output().trimEnd())?.[1]),
      memory,
      descriptors: had,
      metrics,
      exit: await appliance.ended,
      errors: appliance.output().split('\n').filter(line => line !== '' && (!line.startsWith('{') || /"level":"(?:error|fatal)"/.test(line)))
    }
  } finally {
    clearInterval(looking)
    await space.close()
  }
}

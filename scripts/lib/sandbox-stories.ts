// What the sandbox shows beyond a first boot: a machine that is installed once, machines that nobody knew, and a provisioner that dies.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { diskSays } from './boot-sector.js'
import { readMachineLog } from './machine-log.js'
import { addToBridge } from './namespace.js'
import { type Fleet, fleet } from './sandbox-fleet.js'
import type { SandboxMachine } from './sandbox-store.js'
import { pxeCoreos, tectonic } from './sandbox-walks.js'

export const stories = ['install', 'enrol', 'tectonic', 'pxe-coreos', 'fleet'] as const
export type Story = typeof stories[number]

/** How a boot of the story ends well: by itself with its config applied, at a stage, or when the machine says something. */
export interface Ending { readonly until?: string, readonly expect?: RegExp, readonly keepDisk?: boolean }

export interface Teller {
  /** The repository, and where everything of this run is. */
  readonly root: string
  readonly folder: string
  readonly configFile: string
  readonly store: string
  readonly url: string
  readonly bridge: string
  readonly machines: readonly SandboxMachine[]
  /** Boots a machine; '' when it ended as it should, else what was wrong. `serialLog` is where it speaks. */
  readonly boot: (machine: SandboxMachine, ending: Ending) => Promise<{ readonly problem: string, readonly serialLog: string }>
  /** In the place of one appliance. */
  readonly fleet: Fleet | undefined
  /** Ends the appliance and starts it again. */
  readonly restart: () => Promise<void>
  readonly print: (line: string) => void
}

/** Tells the story; gives what went otherwise, nothing when all was as it should be. */
export const tellStory = async (story: Story, teller: Teller): Promise<readonly string[]> =>
  await tellers[story](teller)

const tellers: Readonly<Record<Story, (teller: Teller) => Promise<readonly string[]>>> = { install, enrol, tectonic, 'pxe-coreos': pxeCoreos, fleet }

interface GroupFile {
  readonly id: string
  readonly profile: string
  readonly selector: Record<string, string>
  readonly metadata: Record<string, string>
}
const readGroup = (path: string): GroupFile => JSON.parse(readFileSync(path, 'utf8')) as GroupFile

async function install ({ store, url, bridge, machines: [machine], boot, print }: Teller): Promise<readonly string[]> {
  if (machine === undefined) return ['there is no machine']
  const group = join(store, 'groups', `${machine.name}.json`)
  const script = async (): Promise<string> => await (await fetch(`${url}/ipxe?mac=${machine.mac}`)).text()
  const problems: string[] = []
  const expectOf = (what: string, holds: boolean): void => {
    print(`${holds ? 'as it should be' : 'FAILED'}: ${what}`)
    if (!holds) problems.push(what)
  }
  const first = await boot(machine, {})
  expectOf(`a blank machine installs itself${first.problem}`, first.problem === '')
  const stranger = await asStranger(bridge, `${url}/ignition?mac=${machine.mac}`)
  expectOf(`its config is refused to a stranger (${stranger})`, stranger === '403')
  const second = await boot(machine, { keepDisk: true, expect: new RegExp(diskSays) })
  const fromDisk = second.problem === '' && !readFileSync(second.serialLog, 'latin1').includes('machine: kernel')
  expectOf(`the second boot is from its disk${second.problem}`, fromDisk)
  const before = readGroup(group)
  writeFileSync(group, JSON.stringify({ ...before, metadata: { ...before.metadata, reinstall: 'again' } }))
  for (let tries = 0; tries < 100 && !(await script()).includes('kernel'); tries++) await delay(100)
  const third = await boot(machine, { keepDisk: true })
  expectOf(`another value of reinstall installs it again${third.problem}`, third.problem === '' && readMachineLog(third.serialLog).applied)
  const fourth = await boot(machine, { keepDisk: true, expect: new RegExp(diskSays) })
  expectOf(`and the boot after that is from its disk${fourth.problem}`, fourth.problem === '')
  return problems
}

async function enrol ({ store, machines, boot, restart, print }: Teller): Promise<readonly string[]> {
  const groups = (): readonly GroupFile[] => readdirSync(join(store, 'groups')).sort().map(name => readGroup(join(store, 'groups', name)))
  const problems: string[] = []
  const expectOf = (what: string, holds: boolean): void => {
    print(`${holds ? 'as it should be' : 'FAILED'}: ${what}`)
    if (!holds) problems.push(what)
  }
  const ended = await Promise.all(machines.map(async machine => ({ machine, ...await boot(machine, {}) })))
  for (const { machine, problem, serialLog } of ended) {
    const group = groups().find(({ metadata, selector }) => metadata['enrolled_mac'] === machine.mac || selector['mac'] === machine.mac)
    const address = readMachineLog(serialLog).address
    expectOf(`${machine.mac} is ${group?.id ?? 'nobody'}, ${group?.profile ?? ''}, and runs with ${address ?? 'no address'}${problem}`,
      problem === '' && group !== undefined && address === group.metadata['ip'])
  }
  const profiles = groups().map(({ profile }) => profile).sort()
  expectOf(`profiles: ${profiles.join(', ')}`, profiles.join() === 'core,core,core,default')
  const before = JSON.stringify(groups())
  await restart()
  const again = await Promise.all(machines.map(machine => boot(machine, { until: 'kernel' })))
  const wrong = again.map(({ problem }) => problem).join('')
  expectOf(`all boot again after a restart of the appliance${wrong}`, wrong === '')
  expectOf('and are who they were', JSON.stringify(groups()) === before)
  return problems
}

/** The status that somebody on the same network gets, who is not the machine. */
async function asStranger (bridge: string, url: string): Promise<string> {
  const asks = `process.stdin.once('data', () => fetch('${url}').then(({ status }) => { console.log(status); process.exit() }))`
  const child = spawn('unshare', ['--net', process.execPath, '-e', asks], { stdio: ['pipe', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => { said += chunk.toString() })
  const ended = new Promise(resolve => { child.once('close', resolve) })
  try {
    await addToBridge(bridge, child.pid ?? 0, '172.30.0.250/24')
    child.stdin.write('\n')
    await Promise.race([ended, delay(20_000)])
  } finally {
    child.kill('SIGKILL')
  }
  return said.trim()
}

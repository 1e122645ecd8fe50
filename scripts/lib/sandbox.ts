// The sandbox: the appliance and blank machines in one network namespace, from firmware to an applied Ignition config.
// scripts/sandbox installs what this needs and starts it inside `unshare --net`.
import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type StageChange, stagesReached, startAppliance, watchStages } from './appliance-process.js'
import { Children } from './children.js'
import { readMachineLog, readSerial, tailOf } from './machine-log.js'
import { createBridge, createTap, holdCarrier, requireOwnNamespace } from './namespace.js'
import { openDoor } from './page-door.js'
import { type Firmware, firmwares, isFirmware, prepareMachine } from './qemu.js'
import { advertiseNothing } from './router-advertisement.js'
import { startFleet } from './sandbox-fleet.js'
import { type SandboxMachine, createStore, pagePort } from './sandbox-store.js'
import { type Story, tellStory } from './sandbox-stories.js'
import { formatTable } from './table.js'

interface Options {
  readonly machines: number
  readonly firmware: Firmware
  readonly timeout: number
  /** The stage at which a machine has done enough and is switched off; undefined to have it apply its config. */
  readonly until: Stage | undefined
  /** What a machine says on its serial port when it has done enough. */
  readonly expect: RegExp | undefined
  readonly tampered: boolean
  readonly story: Story | undefined
  /** More than one share an etcd. */
  readonly provisioners: number
  readonly packages: string
  readonly kernel: string
  readonly accelerator: 'tcg' | 'kvm'
  readonly keep: boolean
  /** Stays after the last machine until it is interrupted, so that the page can be looked at. */
  readonly hold: boolean
  /** Descriptor of a listening socket outside, at which the page is to be had; undefined for none. */
  readonly page: number | undefined
  readonly verbose: boolean
  readonly json: boolean
}

/** One machine's way, as it is seen from here. */
interface Run {
  readonly machine: SandboxMachine
  readonly serialLog: string
  /** Stage -> seconds since the machine was switched on; in the order in which they came. */
  readonly stages: Map<string, number>
  /** The loader that was fetched last. */
  loader?: string
  readonly started: number
  /** '' when all went well; undefined while it runs. */
  problem?: string
  onStage?: (stage: string) => void
}

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const bridge = 'br0'
const stageNames = ['discover', 'offer', 'ack', 'loader', 'script', 'kernel', 'initrd', 'ignition', 'installed'] as const

type Stage = typeof stageNames[number]
const isStage = (text: string): text is Stage => stageNames.some(name => name === text)

const secondsSince = (start: number): number => (performance.now() - start) / 1000
const timeOf = ({ started }: { readonly started: number }): string => `${secondsSince(started).toFixed(1).padStart(6)}s`
const print = (line: string): void => { process.stderr.write(`${line}\n`) }

function readOptions (): Options {
  const { values } = parseArgs({
    options: {
      machines: { type: 'string', default: '1' },
      firmware: { type: 'string', default: 'bios' },
      timeout: { type: 'string', default: '300' },
      until: { type: 'string' },
      expect: { type: 'string' },
      tampered: { type: 'boolean', default: false },
      install: { type: 'boolean', default: false },
      enrol: { type: 'boolean', default: false },
      walk: { type: 'string' },
      provisioners: { type: 'string', default: '1' },
      packages: { type: 'string', default: join(root, '.cache/packages') },
      kernel: { type: 'string', default: '' },
      accel: { type: 'string', default: 'tcg' },
      keep: { type: 'boolean', default: false },
      hold: { type: 'boolean', default: false },
      page: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false }
    }
  })
  if (!isFirmware(values.firmware)) throw new Error(`--firmware is one of ${firmwares.join(', ')}, not ${values.firmware}`)
  const { until } = values
  if (until !== undefined && !isStage(until)) throw new Error(`--until is one of ${stageNames.join(', ')}, not ${until}`)
  if (values.accel !== 'tcg' && values.accel !== 'kvm') throw new Error(`--accel is tcg or kvm, not ${values.accel}`)
  const { firmware, tampered, packages, kernel, keep, hold, verbose, json, accel } = values
  const expect = values.expect === undefined ? undefined : new RegExp(values.expect)
  const [machines, timeout] = [Number(values.machines), Number(values.timeout)]
  const { walk } = values
  if (walk !== undefined && walk !== 'tectonic' && walk !== 'pxe-coreos') throw new Error(`--walk is tectonic or pxe-coreos, not ${walk}`)
  const provisioners = Number(values.provisioners)
  const story = values.install ? 'install' : values.enrol ? 'enrol' : provisioners > 1 ? 'fleet' : walk
  const page = values.page === undefined ? undefined : Number(values.page)
  return {
    machines,
    firmware,
    timeout,
    until,
    expect,
    tampered,
    story,
    provisioners,
    packages,
    kernel,
    accelerator: accel,
    keep,
    hold,
    page,
    verbose,
    json
  }
}

/** What is wrong with a machine that has ended, or undefined when it did all it had to. */
function problemOf ({ machine, serialLog, stages }: Run): string | undefined {
  const log = readMachineLog(serialLog)
  if (log.failure !== undefined) return log.failure
  if (!log.applied) return 'it gave up before its Ignition config was applied'
  for (const [path, sha256] of machine.files) {
    if (log.files.get(path) !== sha256) return `${path} in its new root is not what its Ignition config says`
  }
  if (machine.address !== '' && log.address !== machine.address) return `it ran with the address ${log.address ?? 'none'}, not with its reservation ${machine.address}`
  if (!stages.has('installed')) return 'the appliance did not take its report that it is installed'
  return undefined
}

/** Waits until `condition` holds, at most `milliseconds`. */
async function until (condition: () => boolean, milliseconds: number): Promise<void> {
  for (const end = performance.now() + milliseconds; !condition() && performance.now() < end;) await delay(50)
}

/** Resolves when the serial log has it; looked at until `signal`. */
async function heard (serialLog: string, expected: RegExp, signal: AbortSignal): Promise<'enough'> {
  for (;;) {
    await delay(200, undefined, { signal })
    if (expected.test(readSerial(serialLog))) return 'enough'
  }
}

/** What a machine said last it may have said after the last look. */
const unsaid = ({ serialLog }: Run, expected: RegExp): string | undefined =>
  expected.test(readSerial(serialLog)) ? undefined : `it switched itself off and did not say ${String(expected)}`

const doneText = ({ until: lastStage, expect }: Options): string => expect !== undefined
  ? `said ${String(expect)}`
  : lastStage === undefined ? 'applied its Ignition config' : `reached the stage ${lastStage}`

interface Place {
  readonly children: Children
  /** Where the appliance answers. */
  readonly url: string
  readonly folder: string
  readonly tap: string
  readonly stop: AbortSignal
  readonly keepDisk?: boolean
}

/** Switches a machine on and waits until it has switched itself off, or for `timeout` seconds. */
async function bootMachine (run: Run, options: Options, { children, url, folder, tap, stop, keepDisk = false }: Place): Promise<void> {
  const { name, mac } = run.machine
  const { firmware, accelerator, until: lastStage } = options
  const { program, words } = prepareMachine({ name, mac, tap, folder, firmware, accelerator, packages: options.packages, keepDisk, loaderFolder: join(root, 'assets/boot') })
  const child: ChildProcess = children.start(program, words, ['ignore', 'inherit', 'inherit'])
  const off = once(child, 'exit').then(([status]: unknown[]) => status)
  const timer = new AbortController()
  const late = delay(options.timeout * 1000, 'late' as const, { signal: timer.signal })
  const enough = new Promise<'enough'>(resolve => { run.onStage = stage => { if (stage === lastStage) resolve('enough') } })
  const said = options.expect === undefined ? new Promise<never>(() => {}) : heard(run.serialLog, options.expect, timer.signal)
  const end = await Promise.race([off, late, enough, said])
  timer.abort()
  // Firmware that refuses its loader says so a moment after it has it, and what /v1/events tells of it comes later then.
  if (options.expect !== undefined && end === 'enough') {
    const reached = await stagesReached(url, mac)
    await until(() => reached.every(stage => run.stages.has(stage)), 10_000)
  }
  await children.stop(child)
  if (stop.aborted) return
  // Its last report may still be on its way through /v1/events.
  if (end === 0 && lastStage === undefined) await until(() => run.stages.has('installed'), 2000)
  const problem: string | undefined = end === 'enough'
    ? undefined
    : end === 'late'
      ? `it was not done after ${options.timeout} s`
      : end !== 0
        ? `QEMU ended with status ${String(end)}`
        : options.expect !== undefined ? unsaid(run, options.expect) : lastStage === undefined ? problemOf(run) : `it switched itself off before the stage ${lastStage}`
  run.problem = problem ?? ''
  print(`${timeOf(run)}  ${name}  ${mac}  ${problem === undefined ? doneText(options) : `FAILED: ${problem}`}`)
}

function explain ({ machine, serialLog, stages, problem = '' }: Run, applianceLog: string): void {
  print(`\n${machine.name} (${machine.mac}) is stuck after the stage ${[...stages.keys()].at(-1) ?? 'none'}: ${problem}`)
  print('  the end of its serial log:')
  for (const line of tailOf(serialLog, 15)) print(`    ${line}`)
  const seen = tailOf(applianceLog, 500).filter(line => line.includes(machine.mac)).slice(-5)
  print(seen.length === 0 ? '  the appliance has not heard of it' : '  the appliance on it:')
  for (const line of seen) print(`    ${line}`)
}

function summary (runs: readonly Run[], { until, expect }: Options): string {
  return formatTable([
    ['machine', 'mac', 'address', ...stageNames, 'result'],
    ...runs.map(({ machine, stages, problem }) => [
      machine.name, machine.mac, machine.address,
      ...stageNames.map(stage => stages.get(stage)?.toFixed(1) ?? '-'),
      problem !== '' ? 'FAILED' : until === undefined && expect === undefined ? 'applied' : 'ok'
    ])
  ])
}

const document = (options: Options, runs: readonly Run[]): unknown => ({
  firmware: options.firmware,
  ok: runs.every(run => run.problem === ''),
  machines: runs.map(({ machine, stages, problem, loader }) => ({
    name: machine.name,
    mac: machine.mac,
    address: machine.address,
    ...loader !== undefined && { loader },
    ok: problem === '',
    ...problem === '' ? {} : { problem },
    stages: Object.fromEntries([...stages].map(([stage, seconds]) => [stage, Math.round(seconds * 10) / 10]))
  }))
})

/** Resolves to the exit status. */
async function sandbox (options: Options, folder: string, children: Children, stop: AbortSignal): Promise<number> {
  requireOwnNamespace()
  print('building the initramfs')
  const { packages, kernel, machines, firmware, tampered, story } = options
  const store = createStore({ root, folder, bridge, packages, kernel, machines, firmware, tampered, story })
  const stopAdvertising = advertiseNothing(createBridge(bridge, store.gateway))
  stop.addEventListener('abort', stopAdvertising, { once: true })
  const applianceLog = join(folder, 'appliance.log')
  const startOne = async (): Promise<ChildProcess> => {
    print('starting the appliance')
    return await startAppliance(children, { root, configFile: store.configFile, logFile: applianceLog, url: store.url })
      .catch((error: unknown) => {
        for (const line of tailOf(applianceLog, 10)) print(`  ${line}`)
        throw error
      })
  }
  if (options.page !== undefined && story !== 'fleet') {
    const door = await openDoor(options.page, pagePort)
    print(`the page: http://127.0.0.1:${door.port}/ui/`)
  }

  const machineFolder = join(folder, 'machines')
  mkdirSync(machineFolder, { recursive: true })
  const runs = new Map(store.machines.map(machine => [machine.mac, {
    machine, serialLog: join(machineFolder, `${machine.name}.log`), stages: new Map(), started: performance.now()
  } as Run]))
  const hear = ({ mac, stage, detail, failed }: StageChange): void => {
    const run = runs.get(mac)
    if (run === undefined || (failed === '' && run.stages.has(stage))) return
    if (failed === '') run.stages.set(stage, secondsSince(run.started))
    if (stage === 'loader') run.loader = detail.split(' ').at(-1) ?? ''
    if (failed === '') run.onStage?.(stage)
    print(`${timeOf(run)}  ${run.machine.name}  ${mac}  ${stage.padEnd(9)}  ${failed === '' ? detail : `FAILED: ${failed}`}`.trimEnd())
  }
  const watch = (): Promise<void> => watchStages(store.url, stop, hear)
  const several = story !== 'fleet' ? undefined : await startFleet({ ...store, root, folder, bridge, packages, count: options.provisioners, children, stop, hear, print })
  const appliance = several === undefined ? await startOne() : undefined
  if (appliance !== undefined) await watch()
  // Its machines are off when somebody looks at the page.
  if (story !== undefined || options.hold) holdCarrier(bridge)
  if (story !== undefined) {
    let running = appliance
    for (const index of store.machines.keys()) createTap(`tap${index}`, bridge)
    const problems = await tellStory(story, {
      ...store,
      root,
      folder,
      store: store.dataPath,
      bridge,
      print,
      fleet: several,
      boot: async (machine, { until: stage, expect, keepDisk = false }) => {
        const index = store.machines.indexOf(machine)
        const run: Run = { machine, serialLog: join(machineFolder, `${machine.name}.log`), stages: new Map(), started: performance.now() }
        runs.set(machine.mac, run)
        const ending = { ...options, expect, until: stage !== undefined && isStage(stage) ? stage : undefined }
        await bootMachine(run, ending, { children, url: store.url, folder: machineFolder, tap: `tap${index}`, stop, keepDisk })
        if (run.problem !== '' && !stop.aborted) explain(run, applianceLog)
        return { problem: run.problem === '' ? '' : `: ${run.problem ?? 'interrupted'}`, serialLog: run.serialLog }
      },
      restart: async () => {
        if (running !== undefined) await children.stop(running)
        running = await startAppliance(children, { root, configFile: store.configFile, logFile: applianceLog, url: store.url })
        await watch()
      }
    })
    if (options.json) process.stdout.write(`${JSON.stringify({ story, ok: problems.length === 0, problems }, null, 2)}\n`)
    return stop.aborted ? 130 : problems.length === 0 ? 0 : 1
  }
  print(`booting ${runs.size} blank ${options.firmware} machine${runs.size === 1 ? '' : 's'}`)
  await Promise.race([
    Promise.all([...runs.values()].map(async (run, index) => {
      createTap(`tap${index}`, bridge)
      await bootMachine(run, options, { children, url: store.url, folder: machineFolder, tap: `tap${index}`, stop })
    })),
    once(appliance!, 'exit').then(([status, signal]: unknown[]) => {
      throw new Error(`the appliance ended while machines were booting (${String(status ?? signal)}): ${tailOf(applianceLog, 1).join('')}`)
    })
  ])

  if (stop.aborted) return 130

  const all = [...runs.values()]
  const failed = all.filter(run => run.problem !== '')
  for (const run of failed) explain(run, applianceLog)
  if (options.verbose) for await (const chunk of createReadStream(applianceLog)) process.stderr.write(chunk as Buffer)
  print(`\n${summary(all, options)}`)
  if (options.json) process.stdout.write(`${JSON.stringify(document(options, all), null, 2)}\n`)
  return failed.length === 0 ? 0 : 1
}

async function main (): Promise<number> {
  let options: Options
  try {
    options = readOptions()
  } catch (error) {
    print(`sandbox: ${error instanceof Error ? error.message : String(error)}`)
    return 2
  }
  const folder = mkdtempSync(join(tmpdir(), 'core-provisioner-sandbox-'))
  const children = new Children()
  const stop = new AbortController()
  const interrupted = new Promise<number>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => { print(options.hold ? 'sandbox: the end' : 'sandbox: interrupted'); resolve(130) })
  })
  try {
    const status = await Promise.race([sandbox(options, folder, children, stop.signal), interrupted])
    if (options.hold && status !== 130) {
      print('held for you to look at the page: Ctrl-C ends it')
      await interrupted
    }
    return status
  } catch (error) {
    print(`sandbox: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  } finally {
    stop.abort()
    await children.stopAll()
    if (options.keep) print(`the work folder is ${folder}`)
    else rmSync(folder, { recursive: true, force: true })
  }
}

process.exit(await main())

// What the servers see of machines, recorded in their timelines, and what follows from it: which stage of a boot a file or a request
// is, whose word counts for a machine, whether its loader leads it nowhere, whether it installs itself again and again.
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Metrics } from '../base/metrics.js'
import type { Mac } from '../net/mac.js'
import { BootCounts } from './boot-counts.js'
import { LoaderWatch } from './loader-watch.js'
import type { Machine, Observation, Stage } from './machine.js'
import type { MachineRegistry } from './registry.js'
import { fromDisk, kernelBootsSince } from './timeline.js'

/** A file that is a machine's kernel or initrd, and why. */
export interface BootFileSent { readonly kind: 'kernel' | 'initrd', readonly group: string | undefined, readonly profile: string | undefined }

/** What was decided for a machine whose loader asks for a file that says what to boot. */
export interface LoaderDecision {
  readonly file: string
  readonly group: string | undefined
  readonly profile: string | undefined
  /** Why it starts from its disk; undefined: from the network. */
  readonly fromDisk: string | undefined
  /** Why that will hardly be what was meant. */
  readonly problem: string | undefined
}

/** A request over HTTP that was answered. */
export interface HttpObservation {
  /** As RequestKind of the HTTP API has it. */
  readonly kind: string
  readonly path: string
  /** Whose it is by its own words. */
  readonly mac: Mac | undefined
  readonly ip: string
  readonly labels: Pick<ReadonlyMap<string, string>, 'get'>
  readonly group: string | undefined
  readonly profile: string | undefined
  readonly status: number
  /** Of the body, that were sent. */
  readonly bytes: number
  readonly finished: boolean
  readonly problem: string | undefined
  /** Of the error behind it. */
  readonly code?: string | undefined
  readonly warning?: string | undefined
  readonly fromDisk: boolean
  readonly bootedAs: string | undefined
}

export interface MachineObserverOptions {
  readonly registry: MachineRegistry
  readonly metrics: Pick<Metrics, 'boots' | 'bootStageSeconds' | 'stages' | 'installLoops'>
  readonly clock: Clock
  readonly log: Logger
  /** Which machine has an address for certain. */
  readonly macOf: (address: string) => Mac | undefined
  readonly isAddressOf: (mac: Mac, address: string) => boolean
  /** Whether a person chose the machine's loader: then it is not given the other one. */
  readonly loaderChosen: (mac: Mac) => boolean
  /** What this provisioner is called among those that share what they see. */
  readonly seenBy?: string | undefined
  /** Stands for what the machine would boot now, where its group installs once. */
  readonly bootsAs: (mac: Mac) => string | undefined
  /** What a file (`assets/...`, or below a board's serial number) is to the machine now. */
  readonly bootFileOf: (mac: Mac, file: string) => BootFileSent | undefined
  /** Whether a file is one of those that a board asks for below its serial number. */
  readonly isBoardFile: (file: string) => boolean
}

/** What GRUB finds its machine's kernel by: GRUB works then. */
const grubScript = /(?:^|\/)grub\.cfg(?:-01(?:-[0-9a-f]{2}){6})?$/i

/** The one of a board's dozen files that is its loader; it has no other. */
const boardLoader = /\/start\w*\.elf$/

const requestStages: Readonly<Partial<Record<string, Stage>>> = { script: 'script', kernel: 'kernel', initrd: 'initrd', ignition: 'ignition' }

/** Between its script and its system: what an installed machine downloads is no boot. */
const loads: ReadonlySet<Stage> = new Set(['script', 'kernel', 'initrd'])

/** So many boots that load a kernel from here, within so many milliseconds, are a loop. */
const loopBoots = 3
const loopWindow = 3_600_000

export class MachineObserver {
  readonly #options: MachineObserverOptions
  readonly #loaders: LoaderWatch
  readonly #fileListeners: Array<(mac: Mac) => void> = []
  readonly boots: BootCounts

  constructor (options: MachineObserverOptions) {
    this.#options = options
    this.boots = new BootCounts(options.metrics)
    this.#loaders = new LoaderWatch({ ...options, record: seen => { this.record(seen) } })
  }

  record (seen: Observation): Machine {
    const { registry, metrics, seenBy } = this.#options
    const { exchange, ...alone } = seen
    const observation: Observation = seenBy === undefined ? alone : { ...seen, seenBy }
    const before = registry.get(observation.mac)
    const machine = registry.record(observation)
    const result = observation.failed !== undefined ? 'failed' : observation.warning !== undefined ? 'warned' : 'ok'
    metrics.stages.inc({ stage: observation.stage, result })
    this.boots.count(before, machine)
    return machine
  }

  /** Has `listener` told of each machine that asks for a boot file or a script. */
  whenFileAsked (listener: (mac: Mac) => void): void { this.#fileListeners.push(listener) }

  fileAsked (mac: Mac): void { for (const listener of this.#fileListeners) listener(mac) }

  /** Groups changed: a person may have chosen loaders, of any machine or of these. */
  loadersChosen (machines?: Iterable<Mac>): void { this.#loaders.forgetChosen(machines) }

  /** `address`: undefined when a person says it, not the machine. */
  installed (mac: Mac, address?: string): void {
    const { registry, clock, bootsAs } = this.#options
    // A script that was fetched before this program started is not remembered: what the machine would boot now stands for it.
    const bootedAs = registry.get(mac)?.bootedAs ?? bootsAs(mac)
    this.record({ mac, stage: 'installed', at: clock.now(), ...address === undefined ? { detail: 'set by hand' } : { address }, ...bootedAs !== undefined && { bootedAs } })
  }

  /** The machine at `address` does what its loader's file says: no script tells of it. */
  decided (mac: Mac | undefined, address: string, { file, group, profile, fromDisk: why, problem }: LoaderDecision): void {
    const { clock, log } = this.#options
    if (why === undefined && problem === undefined) return
    const about = { ...group !== undefined && { group }, ...profile !== undefined && { profile } }
    const told = { mac, ip: address, file, ...about, ...why !== undefined && { fromDisk: why } }
    if (problem === undefined) log.info(told, 'boot.decided')
    else log.warn({ ...told, problem }, 'boot.decided')
    if (mac === undefined) return
    this.#loaders.scriptFetched(mac)
    this.record({
      mac, stage: 'script', at: clock.now(), address, detail: why === undefined ? file : fromDisk, ...about, ...problem !== undefined && { failed: problem }
    })
  }

  /** The whole of a file went out to the machine at `address`, other than over HTTP. */
  fileSent (mac: Mac, address: string, file: string): void {
    const { clock, bootFileOf, isBoardFile } = this.#options
    const isAsset = file.startsWith('assets/')
    if (grubScript.test(file)) {
      this.#grubScriptSent(mac, address, file)
      return
    }
    if (!isAsset && !isBoardFile(file)) {
      this.#loaders.sent(mac, address, file)
      return
    }
    const sent = bootFileOf(mac, file)
    if (sent === undefined) {
      if (boardLoader.test(file)) this.record({ mac, stage: 'loader', at: clock.now(), address, detail: file })
      return
    }
    const { kind, group, profile } = sent
    const why = { ...group !== undefined && { group }, ...profile !== undefined && { profile } }
    const machine = this.record({ mac, stage: kind, at: clock.now(), address, detail: isAsset ? `/${file}` : file, ...why })
    if (kind === 'kernel') this.#kernelLoaded(machine)
  }

  #grubScriptSent (mac: Mac, address: string, file: string): void {
    const { registry, clock } = this.#options
    this.#loaders.scriptFetched(mac)
    // What it says was written down when it was made.
    const last = registry.get(mac)?.timeline.at(-1)
    if (last?.stage === 'script' && (last.detail === fromDisk || last.failed !== undefined)) return
    this.record({ mac, stage: 'script', at: clock.now(), address, detail: file })
  }

  answered (request: HttpObservation): void {
    const { registry, clock, macOf, isAddressOf } = this.#options
    const { kind, status, ip: address, mac: claimed } = request
    const mac = claimed ?? macOf(address)
    if (mac === undefined) return
    const itself = claimed === undefined || isAddressOf(claimed, address)
    if (itself && (kind === 'boot' || kind === 'script')) {
      this.#loaders.scriptFetched(mac)
      this.fileAsked(mac)
    }
    if (itself && kind === 'loader') {
      this.fileAsked(mac)
      if (status === 200 && request.finished) {
        if (grubScript.test(request.path)) this.#grubScriptSent(mac, address, request.path)
        else this.#loaders.sent(mac, address, request.path)
      }
    }
    const asset = claimed === undefined ? this.#assetOf(mac, request) : undefined
    const stage = asset?.kind ?? requestStages[kind]
    const { group = request.group, profile = request.profile } = asset ?? {}
    if (stage === undefined) return
    // Whose address is known speaks from there; what another says in its name is not even written down.
    const known = registry.get(mac)
    if (!itself && known?.address !== undefined && isAddressOf(mac, known.address)) return
    const failed = status >= 400 ? request.problem ?? `answered ${status}` : request.problem
    const machine = this.record({
      mac,
      stage,
      at: clock.now(),
      address,
      detail: request.fromDisk ? fromDisk : request.path,
      ...stage === 'script' && saidOfItself(request.labels, known),
      ...itself && request.bootedAs !== undefined && { bootedAs: request.bootedAs },
      ...group !== undefined && { group },
      ...profile !== undefined && { profile },
      ...failed !== undefined && request.code !== undefined && { code: request.code },
      ...failed !== undefined ? { failed } : request.warning !== undefined && { warning: request.warning }
    })
    if (failed !== undefined || !itself) return
    if (stage === 'kernel') this.#kernelLoaded(machine)
    // Matchbox's two-stage installs: the installer fetches the config of the system that it is about to write.
    if (stage === 'ignition' && request.labels.get('os') === 'installed') this.installed(mac, address)
  }

  /** Of an asset that no script from here named to this address: GRUB had it by TFTP, or another provisioner gave it. */
  #assetOf (mac: Mac, { kind, path, status, bytes, finished }: HttpObservation): BootFileSent | undefined {
    const { registry, bootFileOf } = this.#options
    const { stage } = registry.get(mac) ?? {}
    if (kind !== 'asset' || status !== 200 || bytes === 0 || !finished || stage === undefined || !loads.has(stage)) return undefined
    return bootFileOf(mac, path.slice(1))
  }

  #kernelLoaded (machine: Machine): void {
    const { clock, log, metrics } = this.#options
    const { mac, group, profile, boots } = machine
    const times = kernelBootsSince(machine, clock.now() - loopWindow)
    if (times < loopBoots || machine.timeline.at(-1)?.times !== undefined) return
    metrics.installLoops.inc()
    log.warn({ mac, group, profile, boots, times, hint: 'install_once in the metadata of its group installs it once' }, 'boot.install_loop')
  }
}

/** What iPXE fills into the address of its script; a name that the machine has already is not worth less than this one. */
function saidOfItself (labels: HttpObservation['labels'], known: Machine | undefined): Pick<Observation, 'uuid' | 'serial' | 'name'> {
  const [uuid, serial, name] = [labels.get('uuid'), labels.get('serial'), labels.get('hostname')]
  return {
    ...isSaid(uuid) && { uuid },
    ...isSaid(serial) && { serial },
    ...isSaid(name) && known?.name === undefined && { name }
  }
}

export const isSaid = (text: string | undefined): text is string => text !== undefined && text !== ''

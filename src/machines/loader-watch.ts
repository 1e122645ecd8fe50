// What the loaders that a machine is sent tell of it: its stage, and whether its first loader leads it nowhere (loader-loop).
// Where a person chose its loader, nothing that is found out here changes it.
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Mac } from '../net/mac.js'
import { LoaderLoop } from './loader-loop.js'
import type { MachineRegistry } from './registry.js'
import type { Observation } from './machine.js'

/** What a loader fetches for itself once it runs: modules, configuration, scripts, iPXE as PXELINUX's kernel. */
const loadersOwn = /\.(?:c32|cfg|ipxe|lkrn)$|(?:^|\/)(?:pxelinux\.cfg\/|grub\.cfg-)/

/** What shim looks for beside itself (shim.c: second stage, MokManager, fallback, revocations, certificates): no second boot. */
const shimsOwn = /(?:^|\/)(?:(?:grub|mm|fb)(?:x64|aa64|ia32|arm)|revocations\w*|shim_certificate\w*)\.efi$/

export interface LoaderWatchOptions {
  readonly registry: MachineRegistry
  readonly clock: Clock
  readonly log: Logger
  /** Whether a person chose the machine's loader: then it is not given the other one. */
  readonly loaderChosen: (mac: Mac) => boolean
  readonly record: (observation: Observation) => void
}

export class LoaderWatch {
  readonly #options: LoaderWatchOptions
  readonly #loop = new LoaderLoop()

  constructor (options: LoaderWatchOptions) { this.#options = options }

  /** The whole of `file` went out to the machine at `ip`. */
  sent (mac: Mac, ip: string, file: string): void {
    if (loadersOwn.test(file)) return
    const { registry, clock, log, loaderChosen, record } = this.#options
    const loader: Observation = { mac, stage: 'loader', at: clock.now(), address: ip, detail: file }
    if (shimsOwn.test(file) || !this.#loop.loaderSent(mac, clock.now())) {
      record(loader)
      return
    }
    const chosen = loaderChosen(mac)
    const otherLoader = !chosen && registry.get(mac)?.otherLoader !== true
    log.warn({ mac, ip, file, next: chosen ? 'the same, which was chosen for it' : otherLoader ? 'the other loader' : 'the first loader' }, 'boot.loader_loop')
    record({ ...loader, otherLoader })
  }

  /** The machine fetched a script: its loader works. */
  scriptFetched (mac: Mac): void { this.#loop.scriptFetched(mac) }

  /** Forgets what was found out of machines whose loader a person has chosen since: of all, or of these. */
  forgetChosen (machines: Iterable<Mac> = [...this.#options.registry.values()].map(({ mac }) => mac)): void {
    const { registry, loaderChosen } = this.#options
    for (const mac of machines) {
      if (registry.get(mac)?.otherLoader === true && loaderChosen(mac)) registry.forgetOtherLoader(mac)
    }
  }
}

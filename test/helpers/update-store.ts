// A store of updates in memory that a test can make fail, and the service over it on a clock that stands still.
import { AppError } from '../../src/base/errors.js'
import type { Mac } from '../../src/net/mac.js'
import type { OmahaApp } from '../../src/updates/omaha-request.js'
import type { AppAnswer } from '../../src/updates/omaha-response.js'
import type { UpdateGroup } from '../../src/updates/policy.js'
import type { UpdateChange, UpdateState, UpdateStore } from '../../src/updates/update-store.js'
import { type MirroredUpdates, type UpdateEvent, Updates } from '../../src/updates/updates.js'
import { compareVersions } from '../../src/base/version.js'
import { FakeClock } from './fake-clock.js'

export class MemoryUpdateStore implements UpdateStore {
  readonly changes: UpdateChange[] = []
  isFull = false

  load = async (): Promise<UpdateState> => ({ instances: new Map(), groups: new Map(), holders: new Map() })
  close = async (): Promise<void> => {}
  put = async (change: UpdateChange): Promise<boolean> => {
    if (this.isFull) throw new AppError('disk_full', 'no space left')
    this.changes.push(change)
    return true
  }

  /** What a process that starts now would load. */
  get state (): UpdateState {
    const state = { instances: new Map(), groups: new Map(), holders: new Map() }
    for (const change of this.changes) {
      if (change.kind === 'group') state.groups.set(change.group.name, change.group)
      else if (change.kind === 'holders') state.holders.set(change.group, change.holders)
      else if (change.instance === null) state.instances.delete(change.key)
      else state.instances.set(change.key, change.instance)
    }
    return state
  }
}

export const group = (more: Partial<UpdateGroup> = {}): UpdateGroup => ({
  name: 'workers', os: 'flatcar', channel: 'stable', version: undefined, maxPerPeriod: 1, period: 900_000, timeout: 3_600_000, window: undefined, safeMode: false, approval: false, floors: [], ...more
})

/** A store that others write to as well, and what it held. */
interface SharedUpdates { readonly store: UpdateStore, readonly before: UpdateState }

/** The service over releases of flatcar stable, amd64. */
export class UpdateBench {
  readonly clock = new FakeClock(Date.parse('2026-11-27T10:00:00Z'))
  readonly store = new MemoryUpdateStore()
  readonly events: UpdateEvent[] = []
  readonly macs = new Map<string, Mac>()
  releases: string[]
  updates: Updates

  constructor (groups: readonly UpdateGroup[], releases: string[], mirrored: Partial<MirroredUpdates> = {}, shared?: SharedUpdates) {
    this.releases = releases
    this.#make = () => new Updates({
      groups,
      store: shared?.store ?? this.store,
      before: shared?.before ?? this.store.state,
      macOf: address => this.macs.get(address),
      clock: this.clock,
      onEvent: event => { this.events.push(event) },
      mirrored: {
        look: async () => {},
        newest: () => this.releases.toSorted(compareVersions).at(-1),
        find: (_, version) => this.releases.includes(version)
          ? { version, path: `/assets/flatcar/${version}/`, packages: [{ name: 'flatcar_production_update.gz', bytes: 1, sha1: 'x', sha256: 'y' }] }
          : undefined,
        fedora: () => undefined,
        ...mirrored
      }
    })
    this.updates = this.#make()
  }

  readonly #make: () => Updates

  /** A process that died, and the next one. */
  restart (): void {
    this.updates.close()
    this.updates = this.#make()
  }

  async ask (machineId: string, version: string, more: Partial<OmahaApp> = {}, address = '192.168.100.9'): Promise<AppAnswer> {
    const app: OmahaApp = {
      appId: '{e96281a6-d1af-4bde-9a0a-97b76e56dc57}', version, track: 'workers', board: 'amd64-usr', machineId, machineAlias: '', oem: '', firstVersion: '', ping: true, updateCheck: true, events: [], ...more
    }
    return await this.updates.answerApp(app, address, 'http://192.168.100.2:8080')
  }

  /** The version that it is offered, `noupdate`, or what it is told instead. */
  async offered (...args: Parameters<UpdateBench['ask']>): Promise<string> {
    const { updateCheck, status } = await this.ask(...args)
    return typeof updateCheck === 'object' ? updateCheck.version : updateCheck === 'noupdate' ? updateCheck : status
  }

  async say (machineId: string, version: string, type: number, result: number, more: { errorCode?: number, previousVersion?: string } = {}, address?: string): Promise<void> {
    await this.ask(machineId, version, { updateCheck: false, ping: false, events: [{ type, result, errorCode: 0, previousVersion: '', ...more }] }, address)
  }
}

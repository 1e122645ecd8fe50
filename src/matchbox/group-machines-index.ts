// What groups say of single machines, kept as they change: brought up to date when it is asked, by those that changed, however many
// there are.
import type { Mac } from '../net/mac.js'
import type { Group } from './group.js'
import { type GroupLoaders, groupLoaders, reservedFor } from './group-machines.js'
import type { StoreChange } from './store.js'

/** So many changes at once are taken at once: whoever asks next is not to wait for all that came together. */
const many = 100

export class GroupMachines {
  readonly #groups: () => ReadonlyMap<string, Group>
  readonly #isFileName: (name: string) => boolean
  /** Of each group that names machines: which. */
  readonly #machines = new Map<string, readonly Mac[]>()
  /** How many groups name a machine. */
  readonly #named = new Map<Mac, number>()
  /** Of each group that chooses a loader: for whom, or why it cannot. */
  readonly #chosen = new Map<string, GroupLoaders>()
  #loaders: ReturnType<typeof together> | undefined
  /** Groups that changed since it was asked; undefined until it first was. */
  #changed: Set<string> | undefined
  #read = 0

  /** `isFileName` says which names of loaders there can be. */
  constructor (groups: () => ReadonlyMap<string, Group>, isFileName: (name: string) => boolean) {
    this.#groups = groups
    this.#isFileName = isFileName
  }

  /** Groups read so far: what keeping it has cost. */
  get read (): number { return this.#read }

  /** What the store tells of. */
  changed (changes: readonly StoreChange[]): void {
    for (const { kind, name } of changes) {
      if (kind === 'group') this.#changed?.add(name)
    }
    if ((this.#changed?.size ?? 0) >= many) this.#sync()
  }

  /** Whether a group names the machine by its hardware address. */
  has (mac: Mac): boolean {
    this.#sync()
    return this.#named.has(mac)
  }

  /** The loaders that groups choose, in the order of the groups' names; the same object until one of them changes. */
  get loaders (): GroupLoaders { return this.#loadersNow().all }

  /** Whether a group chooses the machine's loader. */
  hasLoader (mac: Mac): boolean { return this.#loadersNow().machines.has(mac) }

  #loadersNow (): ReturnType<typeof together> {
    this.#sync()
    this.#loaders ??= together([...this.#chosen].sort(([a], [b]) => a < b ? -1 : 1).map(([, chosen]) => chosen))
    return this.#loaders
  }

  #sync (): void {
    const groups = this.#groups()
    const changed = this.#changed ?? new Set([...this.#machines.keys(), ...this.#chosen.keys(), ...groups.keys()])
    for (const id of changed) this.#take(id, groups.get(id))
    this.#changed ??= new Set()
    this.#changed.clear()
  }

  #take (id: string, group: Group | undefined): void {
    this.#read++
    for (const mac of this.#machines.get(id) ?? []) {
      const others = (this.#named.get(mac) ?? 1) - 1
      if (others === 0) this.#named.delete(mac)
      else this.#named.set(mac, others)
    }
    const machines = group === undefined ? [] : reservedFor(group)
    for (const mac of machines) this.#named.set(mac, (this.#named.get(mac) ?? 0) + 1)
    if (machines.length === 0) this.#machines.delete(id)
    else this.#machines.set(id, machines)

    const chosen = group?.metadata?.has('boot_file') === true ? groupLoaders([group], this.#isFileName) : undefined
    if (chosen === undefined && !this.#chosen.has(id)) return
    this.#loaders = undefined
    if (chosen === undefined) this.#chosen.delete(id)
    else this.#chosen.set(id, chosen)
  }
}

function together (chosen: readonly GroupLoaders[]): { readonly all: GroupLoaders, readonly machines: ReadonlySet<Mac> } {
  const loaders = chosen.flatMap(({ loaders }) => loaders)
  return { all: { loaders, problems: chosen.flatMap(({ problems }) => problems) }, machines: new Set(loaders.map(({ mac }) => mac)) }
}

// Where it is kept what was granted and who may reboot: a file of one provisioner, or a store that several share. What `put`
// has taken survives a power cut, and is kept before a machine is answered.
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from '../base/log.js'
import { JsonLines } from '../disk/json-lines.js'
import { lineFormats } from '../disk/state-formats.js'
import type { Instance } from './instance.js'
import type { GroupState } from './policy.js'
import type { RebootHolder } from './reboot-slots.js'

export interface UpdateState {
  readonly instances: ReadonlyMap<string, Instance>
  readonly groups: ReadonlyMap<string, GroupState>
  /** By the name of their group. */
  readonly holders: ReadonlyMap<string, readonly RebootHolder[]>
}

/** One thing as it is now. `instance: null` is one that is forgotten. */
export type UpdateChange =
  | { readonly kind: 'instance', readonly key: string, readonly instance: Instance | null }
  | { readonly kind: 'group', readonly group: GroupState }
  | { readonly kind: 'holders', readonly group: string, readonly holders: readonly RebootHolder[] }

export interface UpdateStore {
  readonly load: () => Promise<UpdateState>
  /**
   * Rejected with AppError when the change can't be kept. false, of a store that others write to as well: another provisioner was first
   * with a grant of the group, its state or its holders, which `onChange` has told; it has to be decided again, and nothing was kept.
   */
  readonly put: (change: UpdateChange) => Promise<boolean>
  /** Fulfilled when what others changed of a group's holders was told; rejected with AppError when that can't be found out. */
  readonly settle?: (group: string) => Promise<void>
  /** Has `listener` told of what others changed. */
  readonly onChange?: (listener: (change: UpdateChange) => void) => void
  readonly close: () => Promise<void>
}

export interface UpdateFileOptions {
  readonly path: string
  readonly log: Logger
  /** What counts now: for the file that is written anew. */
  readonly current: () => UpdateState
}

export class UpdateFile implements UpdateStore {
  readonly #file: JsonLines<UpdateChange>

  constructor ({ path, log, current }: UpdateFileOptions) {
    this.#file = new JsonLines({
      path, log, kind: 'update', version: lineFormats.update.version, format: change => JSON.stringify(change), parse: parseChange, current: () => changesIn(current())
    })
  }

  async load (): Promise<UpdateState> {
    const instances = new Map<string, Instance>()
    const groups = new Map<string, GroupState>()
    const holders = new Map<string, readonly RebootHolder[]>()
    for (const change of await this.#file.load()) {
      if (change.kind === 'group') groups.set(change.group.name, change.group)
      else if (change.kind === 'holders') holders.set(change.group, change.holders)
      else if (change.instance === null) instances.delete(change.key)
      else instances.set(change.key, change.instance)
    }
    return { instances, groups, holders }
  }

  async put (change: UpdateChange): Promise<boolean> {
    await this.#file.append(change)
    return true
  }

  close (): Promise<void> { return this.#file.close() }
}

function * changesIn ({ instances, groups, holders }: UpdateState): Generator<UpdateChange> {
  for (const [key, instance] of instances) yield { kind: 'instance', key, instance }
  for (const group of groups.values()) yield { kind: 'group', group }
  for (const [group, held] of holders) yield { kind: 'holders', group, holders: held }
}

function parseChange (line: string): UpdateChange | undefined {
  try {
    return changeIn(JSON.parse(line))
  } catch {
    return undefined
  }
}

/** undefined for a value that is no change. */
export function changeIn (value: unknown): UpdateChange | undefined {
  const change = Object(value) as Record<string, unknown>
  const isWhole = (change['kind'] === 'instance' && typeof change['key'] === 'string' && (change['instance'] === null || hasTexts(change['instance'], ['id', 'group', 'version', 'status']))) ||
    (change['kind'] === 'group' && hasTexts(change['group'], ['name']) && Array.isArray((change['group'] as GroupState).approved)) ||
    (change['kind'] === 'holders' && typeof change['group'] === 'string' && Array.isArray(change['holders']) &&
      change['holders'].every(holder => hasTexts(holder, ['group', 'id'])))
  return isWhole ? change as unknown as UpdateChange : undefined
}

const hasTexts = (value: unknown, keys: readonly string[]): boolean =>
  keys.every(key => typeof (Object(value) as Readonly<Record<string, unknown>>)[key] === 'string')

/** Whether it is the same but for when it was last seen. */
export const isSameInstance = (a: Instance, b: Instance): boolean => isDeepStrictEqual({ ...a, lastSeen: 0 }, { ...b, lastSeen: 0 })

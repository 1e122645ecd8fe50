// Where tokens and the members that joined by them are kept: a file of one provisioner. What `put` has taken survives a power cut,
// and is kept before a member is answered.
import type { Logger } from '../base/log.js'
import { JsonLines } from '../disk/json-lines.js'
import { lineFormats } from '../disk/state-formats.js'

export interface DiscoveryMember {
  /** etcd's own, in hexadecimal. */
  readonly id: string
  /** `m1=http://192.168.100.21:2380`, several with commas between. */
  readonly value: string
  readonly createdIndex: number
  readonly modifiedIndex: number
  /** The machine that said so, where its address told which it is. */
  readonly mac?: string
}

export interface DiscoveryToken {
  readonly token: string
  /** Members that make the cluster. */
  readonly size: number
  /** The index at which it was made, and at which its size was set. */
  readonly createdIndex: number
  readonly sizeIndex: number
  /** When somebody last made, changed or joined it. */
  readonly used: number
  /** The address that asked for it; '' for one that a group names. */
  readonly from: string
  /** Of the group's metadata `etcd_cluster`; '' for one that somebody asked for. */
  readonly cluster: string
  readonly members: ReadonlyMap<string, DiscoveryMember>
}

export interface DiscoveryState {
  /** The last one that was given out; never used again. */
  readonly index: number
  readonly tokens: ReadonlyMap<string, DiscoveryToken>
}

/** One thing as it is now, at this index. A member of `null` left; a token of `null` is forgotten. */
export type DiscoveryChange =
  | { readonly kind: 'token', readonly index: number, readonly token: string, readonly is: Omit<DiscoveryToken, 'token' | 'members'> | null }
  | { readonly kind: 'member', readonly index: number, readonly token: string, readonly id: string, readonly used: number, readonly is: Omit<DiscoveryMember, 'id'> | null }

export interface DiscoveryStore {
  readonly load: () => Promise<DiscoveryState>
  /**
   * Rejected with AppError when the change can't be kept. false, of a store that others write to as well: another provisioner was first;
   * it has to be decided again on what `onChange` has told.
   */
  readonly put: (change: DiscoveryChange) => Promise<boolean>
  /** Has `listener` told of all changes, one's own before `put` is fulfilled. Without it nobody else writes. */
  readonly onChange?: (listener: (changes: readonly DiscoveryChange[]) => void) => void
  readonly close: () => Promise<void>
}

export interface DiscoveryFileOptions {
  readonly path: string
  readonly log: Logger
  /** What counts now: for the file that is written anew. */
  readonly current: () => DiscoveryState
}

export class DiscoveryFile implements DiscoveryStore {
  readonly #file: JsonLines<DiscoveryChange>

  constructor ({ path, log, current }: DiscoveryFileOptions) {
    this.#file = new JsonLines({
      path, log, kind: 'discovery', version: lineFormats.discovery.version, format: change => JSON.stringify(change), parse: changeFrom, current: () => changesIn(current())
    })
  }

  async load (): Promise<DiscoveryState> { return stateOf(await this.#file.load()) }

  async put (change: DiscoveryChange): Promise<boolean> {
    await this.#file.append(change)
    return true
  }

  close (): Promise<void> { return this.#file.close() }
}

/** A fresh etcd has made its own keys by then; members do not mind, but 0 means "from now on" to them. */
export const firstIndex = 3

/** What changes lead to, oldest first. */
export function stateOf (changes: Iterable<DiscoveryChange>): DiscoveryState {
  const tokens = new Map<string, DiscoveryToken>()
  let index: number = firstIndex
  for (const change of changes) {
    index = Math.max(index, change.index)
    applyChange(tokens, change)
  }
  return { index, tokens }
}

/** A token's members are replaced by a map with the change in it. */
export function applyChange (tokens: Map<string, DiscoveryToken>, change: DiscoveryChange): void {
  const { token } = change
  const known = tokens.get(token)
  if (change.kind === 'token') {
    if (change.is === null) tokens.delete(token)
    else tokens.set(token, { token, ...change.is, members: known?.members ?? new Map() })
  } else if (known !== undefined) {
    const members = new Map(known.members)
    if (change.is === null) members.delete(change.id)
    else members.set(change.id, { id: change.id, ...change.is })
    tokens.set(token, { ...known, used: change.used, members })
  }
}

function * changesIn ({ index, tokens }: DiscoveryState): Generator<DiscoveryChange> {
  for (const { token, members, ...is } of tokens.values()) {
    yield { kind: 'token', index: is.sizeIndex, token, is }
    for (const { id, ...member } of members.values()) yield { kind: 'member', index: member.modifiedIndex, token, id, used: is.used, is: member }
  }
  // Of what is forgotten the index remains.
  yield { kind: 'token', index, token: '', is: null }
}

/** undefined for a text that is no change. */
export function changeFrom (line: string): DiscoveryChange | undefined {
  try {
    const change = Object(JSON.parse(line)) as Record<string, unknown>
    if (typeof change['token'] !== 'string' || !isIndex(change['index'])) return undefined
    const { kind, is } = change
    if (is !== null && typeof is !== 'object') return undefined
    const of = Object(is) as Record<string, unknown>
    const isWhole = kind === 'token'
      ? is === null || (isIndex(of['size']) && isIndex(of['createdIndex']) && isIndex(of['sizeIndex']) && isIndex(of['used']) && typeof of['from'] === 'string' && typeof of['cluster'] === 'string')
      : kind === 'member' && typeof change['id'] === 'string' && isIndex(change['used']) &&
        (is === null || (typeof of['value'] === 'string' && isIndex(of['createdIndex']) && isIndex(of['modifiedIndex'])))
    return isWhole ? change as unknown as DiscoveryChange : undefined
  } catch {
    return undefined
  }
}

const isIndex = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0

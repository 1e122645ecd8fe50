// Tokens and members as nodes and events of etcd's v2 keys.
import type { DiscoveryChange, DiscoveryMember, DiscoveryToken } from './discovery-store.js'
import { type KeyEvent, type KeyNode, memberKey, sizeKey, tokenKey } from './keys-answer.js'

type SizedToken = Pick<DiscoveryToken, 'token' | 'size' | 'sizeIndex' | 'createdIndex'>

export const sizeOf = ({ token, size, sizeIndex }: SizedToken): KeyNode =>
  ({ key: sizeKey(token), value: String(size), modifiedIndex: sizeIndex, createdIndex: sizeIndex })

export const memberOf = (token: string, { id, value, modifiedIndex, createdIndex }: DiscoveryMember): KeyNode =>
  ({ key: memberKey(token, id), value, modifiedIndex, createdIndex })

/** `_config` is hidden, as every key that begins with an underscore. */
export function directoryOf ({ token, createdIndex, members }: DiscoveryToken): KeyNode {
  const nodes = [...members.values()].map(member => memberOf(token, member))
  return { key: tokenKey(token), dir: true, ...nodes.length > 0 && { nodes }, modifiedIndex: createdIndex, createdIndex }
}

export function eventsBefore (tokens: Iterable<DiscoveryToken>): readonly KeyEvent[] {
  const events: KeyEvent[] = []
  for (const known of tokens) {
    events.push({ action: 'set', node: sizeOf(known) })
    for (const member of known.members.values()) events.push({ action: 'create', node: memberOf(known.token, member) })
  }
  return events.sort((a, b) => a.node.modifiedIndex - b.node.modifiedIndex)
}

/** What waiting members are told of a change, whoever made it. */
export function eventOf (change: DiscoveryChange, tokens: ReadonlyMap<string, DiscoveryToken>): KeyEvent | undefined {
  const { token, index } = change
  const known = tokens.get(token)
  if (change.kind === 'token') {
    if (change.is === null || known?.sizeIndex === change.is.sizeIndex) return undefined
    return { action: 'set', node: sizeOf({ token, ...change.is }), ...known !== undefined && { prevNode: sizeOf(known) } }
  }
  const { id, is } = change
  const before = known?.members.get(id)
  if (is !== null) return { action: before === undefined ? 'create' : 'set', node: memberOf(token, { id, ...is }), ...before !== undefined && { prevNode: memberOf(token, before) } }
  if (before === undefined) return undefined
  return { action: 'delete', node: { key: memberKey(token, id), modifiedIndex: index, createdIndex: before.createdIndex }, prevNode: memberOf(token, before) }
}

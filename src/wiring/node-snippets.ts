// Templates of ours that every config of the store can call, as long as the store has none of their name.
import type { OwnSnippets } from '../matchbox/templates.js'
import { nodeSnippet } from '../updates/node-snippet.js'
import type { UpdateGroupConfigs, UpdateGroups } from './update-groups.js'

/** The same map for as long as it says the same. */
export function nodeSnippets (groups: UpdateGroups, origin: () => string): OwnSnippets {
  const none: ReturnType<OwnSnippets> = new Map()
  let made: { readonly origin: string, readonly of: UpdateGroupConfigs, readonly snippets: ReturnType<OwnSnippets> } | undefined
  return () => {
    const { now: of } = groups
    if (of.length === 0) return none
    const here = origin()
    if (made?.origin !== here || made.of !== of) made = { origin: here, of, snippets: new Map([['updates', nodeSnippet(of, here)]]) }
    return made.snippets
  }
}

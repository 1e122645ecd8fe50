// Templates of ours that every config of the store can call, as long as the store has none of their name.
import type { Config } from '../config/schema.js'
import type { OwnSnippets } from '../matchbox/templates.js'
import { nodeSnippet } from '../updates/node-snippet.js'

/** The same map for as long as it says the same. */
export function nodeSnippets ({ updates: { groups } }: Config, origin: () => string): OwnSnippets {
  const none: ReturnType<OwnSnippets> = new Map()
  let made: { readonly origin: string, readonly snippets: ReturnType<OwnSnippets> } | undefined
  return () => {
    if (groups.length === 0) return none
    const here = origin()
    if (made?.origin !== here) made = { origin: here, snippets: new Map([['updates', nodeSnippet(groups, here)]]) }
    return made.snippets
  }
}

// Ready Ignition: a profile's config that ends in .ign or .ignition goes out byte for byte, whatever its version. Matchbox
// 0.9 does the same; later ones parse it and answer an empty config for a version they do not know, and machines come up
// blank. What does not look like Ignition is served all the same, with a warning.
import { messageOf } from '../errors.js'
import { type JsonNode, Members, parseJson } from './go-json.js'
import type { ConfigFile } from './store.js'

/** The ending is compared as it is written: raw.IGN is a template. */
export const isReadyIgnition = (name: string): boolean => name.endsWith('.ign') || name.endsWith('.ignition')

/** Why the document is hardly what a machine can use; undefined for JSON that names its Ignition version. */
export function ignitionProblem (content: Buffer): string | undefined {
  let document: JsonNode
  try {
    document = parseJson(content)
  } catch (error) {
    return `is not JSON: ${messageOf(error)}`
  }
  const version = memberOf(memberOf(document, 'ignition'), 'version')
  if (typeof version !== 'string') return 'names no Ignition version'
  return /^\d+\.\d+\.\d+(?:-.+)?$/.test(version) ? undefined : `names ${JSON.stringify(version.slice(0, 40))}, which is no Ignition version`
}

const memberOf = (node: JsonNode, key: string): JsonNode =>
  node instanceof Members ? node.list.findLast(([k]) => k === key)?.[1] ?? null : null

/** Looked at once for each version of a file. */
export class ReadyIgnition {
  readonly #problems = new WeakMap<ConfigFile, { readonly problem: string | undefined }>()

  problemOf (file: ConfigFile): string | undefined {
    let known = this.#problems.get(file)
    if (known === undefined) {
      known = { problem: ignitionProblem(file.content) }
      this.#problems.set(file, known)
    }
    return known.problem
  }
}

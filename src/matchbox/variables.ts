// The variables that templates and /metadata get: the group's metadata, over it the selector's labels, over both
// `request` with the labels and the raw query of the request.
import { type Group, isMacKey, matcherOf } from './group.js'
import type { JsonValue } from '../go/json.js'
import { StringMap } from '../go/template/template.js'
import { lowerCase } from '../go/unicode.js'
import type { Labels } from './select.js'

/** What a machine asked with. */
export interface MachineRequest {
  /** Labels with hardware addresses in normal form, in the order of the query. */
  readonly labels: Labels
  /** The query as it came, without the question mark. */
  readonly rawQuery: string
  /** The address that it came from; undefined where an administrator looks at what a machine would get. */
  readonly client: string | undefined
}

export type Variables = ReadonlyMap<string, JsonValue | RequestVariables>
export type RequestVariables = ReadonlyMap<string, string | StringMap>

export function variablesOf (group: Group, request: MachineRequest): Variables {
  const variables = new Map<string, JsonValue | RequestVariables>(group.metadata)
  for (const [key, values] of matcherOf(group.selector)) {
    // Of a list of addresses, the one this machine has.
    const value = isMacKey(key) && values.length > 1 ? request.labels.get(key) : values[0]
    variables.set(lowerCase(key), value ?? '')
  }
  variables.set('request', new Map<string, string | StringMap>([['query', new StringMap(request.labels)], ['raw_query', request.rawQuery]]))
  return variables
}

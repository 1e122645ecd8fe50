// A group: which machines (selector) get which profile, with what metadata. Its file is Matchbox's groups/<id>.json.
import { Buffer } from 'node:buffer'
import { AppError, messageOf } from '../base/errors.js'
import { type Mac, parseMac } from '../net/mac.js'
import {
  type JsonObject, type JsonValue, JsonMembers, jsonText, parseJson, sorted, valueOf
} from '../go/json.js'
import { compareStrings } from '../go/string.js'
import { FieldError, fieldsOf, stringField } from '../go/json-struct.js'
import { ObjectInvalid, objectInvalid } from './object-fault.js'
import { lowerCase } from '../go/unicode.js'

export interface Group {
  readonly id: string
  readonly name: string
  /** The id of a profile. */
  readonly profile: string
  /** Labels a machine must have, as they were written; see `matcherOf` for how they are compared. */
  readonly selector: ReadonlyMap<string, string>
  /** Variables for templates; undefined when the group has none. */
  readonly metadata: JsonObject | undefined
  /** Deleted a moment ago, and only machines still see it. */
  readonly tombstone?: true
}

/** A selector ready to be compared: a label has to equal one of the values; an absent label counts as ''. */
export type Matcher = ReadonlyMap<string, readonly string[]>

/** Whether a selector's or a label's key names a hardware address, in whatever case it is written. */
export const isMacKey = (key: string): boolean => key === 'mac' || lowerCase(key) === 'mac'

/**
 * The selector with hardware addresses in normal form; `mac` may list several with commas between.
 * Throws AppError group_invalid for what Go's net.ParseMAC does not take, since Matchbox never matches such a group.
 */
export function matcherOf (selector: ReadonlyMap<string, string>): Matcher {
  const matcher = new Map<string, readonly string[]>()
  for (const [key, value] of selector) matcher.set(key, isMacKey(key) ? macsOf(key, value) : [value])
  return matcher
}

function macsOf (key: string, value: string): Mac[] {
  return value.split(',').map(part => {
    const mac = parseMac(value.includes(',') ? part.trim() : part)
    if (mac === undefined) throw new ObjectInvalid('group_invalid', { text: `selector ${key}: ${JSON.stringify(part)} is not a hardware address`, path: ['selector', key] })
    return mac
  })
}

export const groupFields = ['id', 'name', 'profile', 'selector', 'metadata'] as const

/** The group in a file; throws AppError group_invalid, which says where in the file. */
export function parseGroup (bytes: Buffer): Group {
  try {
    let [id, name, profile] = ['', '', '']
    let selector = new Map<string, string>()
    let metadata: Map<string, JsonValue> | undefined
    for (const [field, node] of fieldsOf(parseJson(bytes), 'a group', groupFields)) {
      if (field === 'id') id = stringField(field, node, id)
      else if (field === 'name') name = stringField(field, node, name)
      else if (field === 'profile') profile = stringField(field, node, profile)
      else if (node === null) {
        if (field === 'selector') selector = new Map()
        else metadata = undefined
      } else {
        if (!(node instanceof JsonMembers)) throw new FieldError([field], 'an object', node)
        if (field === 'selector') for (const [key, value] of node.list) selector.set(key, stringField(['selector', key], value, ''))
        else for (const [key, value] of node.list) (metadata ??= new Map()).set(key, valueOf(value))
        if (field === 'metadata') metadata ??= new Map()
      }
    }
    matcherOf(selector)
    return { id, name, profile, selector, metadata }
  } catch (error) {
    throw objectInvalid('group_invalid', error)
  }
}

/** The group's file, to the byte as Matchbox writes it: empty fields left out, keys of maps in order. */
export function encodeGroup (group: Group): Buffer {
  const file = new Map<string, JsonValue>()
  if (group.id !== '') file.set('id', group.id)
  if (group.name !== '') file.set('name', group.name)
  if (group.profile !== '') file.set('profile', group.profile)
  if (group.selector.size > 0) file.set('selector', sorted(group.selector))
  if (group.metadata !== undefined && group.metadata.size > 0) file.set('metadata', sorted(group.metadata))
  return Buffer.from(jsonText(file, '\t'))
}

/** Metadata from JSON text, as the gRPC API carries it: empty text and null are none. Throws AppError group_invalid. */
export function parseMetadata (bytes: Buffer): JsonObject | undefined {
  if (bytes.length === 0) return undefined
  let value: JsonValue
  try {
    value = valueOf(parseJson(bytes))
  } catch (error) {
    throw new AppError('group_invalid', `metadata is not JSON: ${messageOf(error)}`, { cause: error })
  }
  if (value === null) return undefined
  if (!(value instanceof Map)) throw new AppError('group_invalid', 'metadata has to be a JSON object')
  return value
}

/** Metadata as JSON text with its keys in order; `{}` when there is none. */
export const encodeMetadata = (metadata: JsonObject | undefined): Buffer => Buffer.from(jsonText(sorted(metadata ?? new Map())))

/** What a group has to fulfil to be stored: throws AppError group_invalid. */
export function assertGroup (group: Group): void {
  if (group.id === '') throw new AppError('group_invalid', 'a group needs an id')
  if (group.profile === '') throw new AppError('group_invalid', `group ${group.id} names no profile`)
  matcherOf(group.selector)
}

/** Order of precedence between groups that match alike: Matchbox compares the `key=value` texts, greatest first. */
export const selectorText = (matcher: Matcher): string =>
  [...matcher].map(([key, values]) => `${key}=${values.join(',')}`).sort(compareStrings).join(',')

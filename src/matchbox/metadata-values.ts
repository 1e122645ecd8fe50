// A group's metadata where it speaks to this program and not to templates. Terraform's provider makes text of every value,
// so "true" is true and "3" is 3.
import { measure, timeUnits } from '../base/units.js'
import type { Group } from './group.js'

export interface ReadValue<T> {
  /** undefined: not set, or not to be made out. */
  readonly value: T | undefined
  readonly problem?: string
}

/** As text; '' for what is not set. */
export function textOf ({ metadata }: Group, key: string): string {
  const value = metadata?.get(key)
  return value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
}

export function flagOf (group: Group, key: string): ReadValue<boolean> {
  const text = textOf(group, key)
  if (text === '') return { value: undefined }
  return text === 'true' || text === 'false' ? { value: text === 'true' } : problem(group, key, text, 'true or false')
}

/** A whole number from 1. */
export function countOf (group: Group, key: string): ReadValue<number> {
  const text = textOf(group, key)
  if (text === '') return { value: undefined }
  return /^[1-9]\d{0,8}$/.test(text) ? { value: Number(text) } : problem(group, key, text, 'a whole number from 1')
}

/** Milliseconds. */
export function durationOf (group: Group, key: string): ReadValue<number> {
  const text = textOf(group, key)
  if (text === '') return { value: undefined }
  const value = measure(text, timeUnits)
  return value === undefined ? problem(group, key, text, 'a time such as 30s, 10m or 1h') : { value }
}

const problem = ({ id }: Group, key: string, text: string, expected: string): ReadValue<never> =>
  ({ value: undefined, problem: `group ${id}: metadata ${key} is ${JSON.stringify(text)}, expected ${expected}` })

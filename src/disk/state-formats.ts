// What is kept in state_path and in which format: a version is higher when a program that knows only the one before would misread the
// file. A file of a newer one is refused, by who would write to it and by doctor before an older version is put in force.
import { AppError } from '../base/errors.js'

export interface StateFormat { readonly file: string, readonly version: number }

/** A line at a time, by what a line holds (json-lines). */
export const lineFormats = {
  lease: { file: 'leases.jsonl', version: 1 },
  machine: { file: 'machines.jsonl', version: 1 },
  webhook: { file: 'webhooks.jsonl', version: 1 },
  update: { file: 'updates.jsonl', version: 1 },
  discovery: { file: 'discovery.jsonl', version: 1 },
  guard_use: { file: 'guard-uses.jsonl', version: 1 },
  fleet: { file: 'fleet.jsonl', version: 1 }
} as const satisfies Readonly<Record<string, StateFormat>>

/** Written whole, with the version in it: what was fetched when, and a file for each folder of images. */
export const fetchedFormat: StateFormat = { file: 'images/fetched.json', version: 1 }
export const mirrorFormat = { folder: 'images', version: 1 } as const

/** `known` is the newest version that this program reads; `without` is what is lost with the file. Throws AppError state_newer. */
export function refuseNewer (path: string, found: unknown, known: number, without: string): void {
  if (typeof found !== 'number' || found <= known) return
  throw new AppError('state_newer', `${path} was written by a newer core-provisioner (format ${found}; this one knows ${known}): ` +
    `run that one again, or move the file away ${without}`)
}

// The record by which a fleet knows its etcd: whose state it holds, and in which format. Written once, by the first provisioner.
import { AppError } from '../base/errors.js'

export interface FleetRecord {
  /** Of the layout of keys and values, counted from 1: higher when a program that knows only the one before would misread them. */
  readonly format: number
  /** Made at random for each fleet. */
  readonly id: string
}

export const fleetFormat = 1

export const formatFleet = (record: FleetRecord): Buffer => Buffer.from(`${JSON.stringify(record)}\n`)

/**
 * What is there is this fleet's, in a format that is known; AppError etcd_foreign or state_newer. `known` is the fleet that this
 * provisioner belongs to.
 */
export function checkFleet (value: Buffer, known: string | undefined, where: string): FleetRecord {
  const record = parse(value)
  if (record === undefined) throw new AppError('etcd_foreign', `${where} holds no record of a fleet of provisioners: choose another cluster.etcd.prefix, or restore what was there from a backup of etcd`)
  if (record.format > fleetFormat) {
    throw new AppError('state_newer', `${where} was written by a newer core-provisioner (format ${record.format}; this one knows ${fleetFormat}): run that one here too`)
  }
  if (known !== undefined && record.id !== known) {
    throw new AppError('etcd_foreign', `${where} holds fleet ${record.id}, and this provisioner belongs to fleet ${known}: mend cluster.etcd.endpoints, or remove state_path/fleet.jsonl to join that one`)
  }
  return record
}

/** Nothing is there, where this provisioner knows that there was something. */
export const fleetMissing = (known: string, where: string): AppError =>
  new AppError('etcd_foreign', `etcd has nothing at ${where}, and this provisioner belongs to fleet ${known}: mend cluster.etcd.endpoints and prefix, restore what was there from a backup of etcd, or remove state_path/fleet.jsonl to begin anew`)

function parse (value: Buffer): FleetRecord | undefined {
  try {
    const { format, id } = Object(JSON.parse(value.toString())) as Partial<FleetRecord>
    return Number.isSafeInteger(format) && typeof id === 'string' && id !== '' ? { format: format!, id } : undefined
  } catch {
    return undefined
  }
}

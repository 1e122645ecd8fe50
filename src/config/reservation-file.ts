// A file of reservations, as in hosts.d: YAML, or lines of an address and a name.
import * as v from 'valibot'
import { schemaFaults } from './faults.js'
import { parsePlainReservations } from './plain-reservations.js'
import { isReservable, type ReservationConfig, reservationSchema } from './schema.js'
import { parseYaml } from './yaml-text.js'

export interface ReservationEntry extends ReservationConfig {
  /** `hosts.d/rack1.yaml:7` */
  readonly source: string
}

export interface ReservationFile {
  readonly entries: readonly ReservationEntry[]
  readonly problems: readonly string[]
}

/** The good entries, and a line for each bad one, which is left out alone. */
export function parseReservationFile (name: string, text: string): ReservationFile {
  const plain = parsePlainReservations(name, text, isReservable)
  if (plain !== undefined) return { entries: plain, problems: [] }
  const { value: list, problems: faults, placeOf } = parseYaml(name, text)
  if (faults.length > 0) return { entries: [], problems: faults }
  if (list === null) return { entries: [], problems: [] }
  if (!Array.isArray(list)) return { entries: [], problems: [`${name}:1:1: expected a list of reservations`] }
  const entries: ReservationEntry[] = []
  const problems: string[] = []
  for (const [index, item] of list.entries()) {
    const result = v.safeParse(reservationSchema, item)
    if (result.success) {
      entries.push({ ...result.output, source: `${name}:${placeOf([index]).line}` })
      continue
    }
    for (const { path, message } of schemaFaults(item, reservationSchema, result)) {
      const { line, column } = placeOf([index, ...path])
      problems.push(`${name}:${line}:${column}: ${path.length === 0 ? '' : `${path.join('.')}: `}${message}`)
    }
  }
  return { entries, problems }
}

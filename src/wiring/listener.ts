// What a listener is: a row of the table in listeners.ts, and what becomes of each place that a configuration gives it.
//
// `prepare` opens all that the listener needs but its socket: serve goes on from there, check and doctor tell what came of it.
import type { LoadedConfig } from '../config/load.js'
import type { Finding } from '../doctor/finding.js'
import type { AppError } from '../base/errors.js'
import type { Ground } from './ground.js'
import type { ListenPlace, SocketRow } from './place.js'
import type { RunningParts } from './running-parts.js'

export interface ListenerRow extends SocketRow {
  /** Milliseconds that what is under way may take to finish at the end. */
  readonly grace: number
  /** The same where new requests wait in a socket of the service manager meanwhile. */
  readonly inheritedGrace?: number
  /** AppError says in one line why it can't be as configured. */
  readonly prepare: (ground: Ground, place: ListenPlace) => Promise<PreparedListener>
  /** Whether the appliance starts without it when it can't listen: nobody asked for it. */
  readonly forgiven?: (error: AppError, loaded: LoadedConfig) => boolean
}

/** A socket that the listener of another row opens and closes with its own. */
export interface CompanionRow extends SocketRow {
  /** The name of that row. */
  readonly of: string
  /** What it is for. */
  readonly what: string
}

export type ListenerTableRow = ListenerRow | CompanionRow

export interface PreparedListener {
  /** As what it listens, for a person. */
  readonly what: string
  /** Why it does not listen, where nobody asked for it and it can't; with a finding when somebody may miss it. */
  readonly off?: string
  readonly findings?: readonly Finding[]
  readonly listen: (parts: RunningParts) => Promise<RunningListener>
  /** Closes what was opened, whether it listened or not. */
  readonly close?: () => Promise<void>
}

/** Where a socket is (`0.0.0.0:8080/tcp`), and how those whom it is for know it: one address, or one for each interface. */
export interface Listens {
  readonly at: string
  readonly url?: string | readonly string[]
  readonly address?: string | readonly string[]
}

export interface RunningListener {
  /** Whether its socket stays open in the service manager; told where that makes a difference (`inheritedGrace`). */
  readonly inherited?: boolean
  /** For the log. DHCP has none: it listens when its interface is there, and says so then. */
  readonly listens?: Listens
  /** Takes nothing new, finishes what is under way, and cuts off what is not done within `grace` milliseconds. */
  readonly close: (grace: number) => Promise<void>
  /** Reads its files again, changed or not. */
  readonly reload?: () => Promise<void>
}

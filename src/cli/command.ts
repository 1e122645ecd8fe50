// What a command is, and what it is given of the process it runs in.
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { AppError, type ErrorCode } from '../base/errors.js'
import { ago } from '../base/units.js'
import { visibleJson, visibleText } from '../base/visible-text.js'

export interface Io {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Whether stdout is a terminal, which gets colours and progress. */
  readonly terminal: boolean
  /** Whether what is printed goes to systemd's journal, which takes priorities. */
  readonly journal: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  /** Of this process: what a service manager hands down names it. */
  readonly pid: number
  /** What runs, program and script: what another command of it is started by. */
  readonly self?: readonly string[]
  /** Of the process: 0 is root. */
  readonly uid: number
  /** The process that started this one: another number when that has ended. */
  readonly parent?: () => number
  /** Goes on with another user's rights, by name, for good; AppError when that cannot be. */
  readonly actAs: (user: string) => void
  /** Gives up being root for good. */
  readonly become: (uid: number, gid: number) => void
  /** Fulfilled with the signal's name when the process is asked to end, or when nobody reads what it prints (SIGPIPE). */
  readonly stop: Promise<string>
  /** Has `listener` called at each SIGHUP, which asks for files to be read again; without one it ends the process. */
  readonly onHangup: (listener: () => void) => void
  /** Something that the command began does not end: the process is not to wait for it. */
  readonly onStuck: () => void
  /** Has `listener` told of each error and rejection that nothing caught; without one it ends the process. */
  readonly onUncaught: (listener: (error: unknown) => void) => void
}

/** Called before something is written that is to be there whole or not at all: from then on the command heeds `stop` itself. */
export type Hold = () => void

export interface Command {
  /** What it takes stands in the table of usage.ts. */
  readonly name: string
  /** Runs to its exit status; an AppError is told in one line and ends 1, one of kind `usage` ends 2. */
  readonly run: (args: readonly string[], io: Io, hold?: Hold) => Promise<number>
  /** Whether it heeds `stop` itself and comes to an end of its own; every other call is ended a moment after the signal. */
  readonly endsInOrder?: (args: readonly string[]) => boolean
}

/** A failure after something was found: what is printed is left to whoever prints the error, since `--json` is one document. */
export class CommandError extends AppError {
  readonly shown: object

  constructor (code: ErrorCode, message: string, shown: object) {
    super(code, message)
    this.shown = shown
  }
}

/** A signal ended a command before it was done. */
export class Interrupted extends AppError {
  /** As a shell has it of what a signal ended. */
  readonly status: number

  constructor (signal: string, done = 'before it was done') {
    super('interrupted', `ended by ${signal} ${done}`)
    this.status = 128 + (constants.signals[signal as NodeJS.Signals] ?? 0)
  }
}

/** An error as `--json` has it, whichever command it is of. */
export const errorJson = (code: ErrorCode | 'internal', message: string): { readonly error: object } => ({ error: { code, message } })

export const print = (to: { readonly write: (text: string) => unknown }, text: string): void => { to.write(`${text}\n`) }
export const printJson = (to: Writable, value: unknown): void => { print(to, visibleJson(JSON.stringify(value, null, 2))) }

/** Rows under a heading, in columns as wide as their widest cell. What machines say of themselves breaks no row. */
export function table (heading: readonly string[], said: ReadonlyArray<readonly string[]>): string {
  const rows = said.map(row => row.map(visibleText))
  const widths = heading.map((name, column) => rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), name.length))
  return [heading, ...rows].map(row => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n')
}

/** An ISO time as it is, or on a terminal how long ago it was; what is no time stays as it is. */
export const shownTime = (time: string, { terminal }: Pick<Io, 'terminal'>, now: number): string =>
  terminal && Number.isFinite(Date.parse(time)) ? ago(now - Date.parse(time)) : time

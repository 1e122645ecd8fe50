// What was seen of a machine and is not in etcd yet: the steps that are made again of another's record, and who waits for them.
import { AppError } from '../base/errors.js'
import type { Machine } from '../machines/machine.js'
import type { Noted } from '../machines/registry.js'
import { laterOf, type TimelineStep } from '../machines/timeline.js'
import type { Mac } from '../net/mac.js'
import type { Standing } from './standing.js'

/** Steps that are told again where another provisioner was first; all of an ordinary boot. */
const mostSteps = 64
/** Attempts whose outcome is not known that are remembered of a record. */
const mostAttempts = 4

/** A write that etcd may have carried out without an answer, and how many of the steps it had. */
export interface Attempt { readonly id: string, steps: number }

export interface Waiter { readonly resolve: () => void, readonly reject: (error: unknown) => void }

export interface PendingMachine {
  steps: readonly TimelineStep[]
  /** With all steps, made of the record at `revision`. */
  machine: Machine
  revision: number
  /** When it is to be written, epoch milliseconds. */
  due: number
  attempts: readonly Attempt[]
  tries: number
  waiting: readonly Waiter[]
}

/** What was kept here, told as news: of it and of what others have the later. */
export const asKept = (kept: Machine): Noted =>
  ({ step: { make: before => before === undefined ? kept : laterOf(kept, before) }, isNews: true, isNamed: true })

export function addStep (pending: PendingMachine, step: TimelineStep, machine: Machine, due: number): void {
  pending.machine = machine
  pending.due = Math.min(pending.due, due)
  pending.steps = [...pending.steps, step]
  shorten(pending)
}

/** Of a machine that goes round and round while etcd is away, the last is enough, and that it was installed. */
function shorten (pending: PendingMachine): void {
  if (pending.steps.length <= mostSteps) return
  const dropped = pending.steps.findIndex(({ observation }) => observation !== undefined && observation.stage !== 'installed')
  const at = Math.max(0, dropped)
  pending.steps = pending.steps.toSpliced(at, 1)
  pending.attempts = pending.attempts.map(({ id, steps }) => ({ id, steps: at < steps ? steps - 1 : steps }))
}

/** One that was under way with what was seen meanwhile, to be written together. */
export function joined (pending: PendingMachine, since: PendingMachine | undefined, attempt: Attempt): PendingMachine {
  return {
    steps: [...pending.steps, ...since?.steps ?? []],
    machine: since?.machine ?? pending.machine,
    revision: pending.revision,
    due: Math.min(pending.due, since?.due ?? Infinity),
    attempts: [...pending.attempts, attempt].slice(-mostAttempts),
    tries: pending.tries,
    waiting: [...pending.waiting, ...since?.waiting ?? []]
  }
}

/** The steps that an attempt of which nothing was heard turns out to have carried out; what came of the others does not matter any more. */
export function dropDone (pending: PendingMachine, attempt: string): void {
  const done = pending.attempts.find(({ id }) => id === attempt)
  if (done !== undefined) pending.steps = pending.steps.slice(done.steps)
  pending.attempts = []
}

export function refuse (waiting: readonly Waiter[], error: unknown): void {
  for (const { reject } of waiting) reject(error)
}

/** What they are told who wait while etcd is away. */
export const notShared = (mac: Mac, { reason }: Standing): AppError =>
  new AppError('etcd_away', `what is known of ${mac} is kept here, and not yet where all provisioners have it: ${reason}`)

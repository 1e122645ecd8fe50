// What a failed call to etcd means: a table from gRPC's codes and etcd's words to what becomes of the call.
import { status } from '@grpc/grpc-js'
import { AppError } from '../base/errors.js'

/** `elsewhere`: another member may answer. `login`: the token is none any more. Else the AppError that the caller gets. */
export type Verdict = 'elsewhere' | 'login' | AppError

export interface CallFailure { readonly code: number, readonly details: string }

export const isCallFailure = (error: unknown): error is CallFailure =>
  error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error

const space = 'etcd has no space left (NOSPACE): it takes no writes until it is compacted, defragmented and its alarm is disarmed (etcdctl alarm list)'

export function verdictOn ({ code, details }: CallFailure): Verdict {
  switch (code) {
    case status.RESOURCE_EXHAUSTED:
      return details.includes('space exceeded') ? new AppError('etcd_full', space) : 'elsewhere'
    case status.OUT_OF_RANGE: return new AppError('etcd_compacted', `etcd: ${details}`)
    case status.UNAUTHENTICATED: return 'login'
    case status.INVALID_ARGUMENT:
      if (details.includes('revision in header is old') || details.includes('user name is empty')) return 'login'
      if (details.includes('authentication failed')) return refused('the user or the password is wrong (cluster.etcd.user, password_file)')
      if (details.includes('too large')) return new AppError('message_too_large', 'etcd takes no request of that size')
      return new AppError('etcd_refused', `etcd: ${details}`)
    case status.PERMISSION_DENIED: return refused('the user may not read and write below cluster.etcd.prefix')
    // Another program there, or a member that starts, stops, or has no leader.
    case status.UNAVAILABLE: case status.DEADLINE_EXCEEDED: case status.CANCELLED:
    case status.UNKNOWN: case status.INTERNAL: case status.UNIMPLEMENTED: case status.DATA_LOSS:
      return 'elsewhere'
    default: return new AppError('etcd_refused', `etcd: ${details}`)
  }
}

/** etcd asks for a login, and there is none or it does not help. */
export const unknownUser = (): AppError => refused('it asks who this is: cluster.etcd.user and password_file are needed, or a client certificate that is a user')

const refused = (why: string): AppError => new AppError('etcd_refused', `etcd refuses: ${why}`)

/** Whether it takes nothing now and may later: away, or without space. */
export const takesNothing = (error: unknown): error is AppError => error instanceof AppError && (error.code === 'etcd_away' || error.code === 'etcd_full')

// What a caller is told about a failure: one table from the kind of an error to a gRPC status.
import { status } from '@grpc/grpc-js'
import { AppError, DecodeError, type ErrorCode, type ErrorKind, errorTable } from '../base/errors.js'

export const statusOfKind = {
  usage: status.INVALID_ARGUMENT,
  invalid: status.INVALID_ARGUMENT,
  notFound: status.NOT_FOUND,
  conflict: status.FAILED_PRECONDITION,
  unavailable: status.UNAVAILABLE,
  exhausted: status.RESOURCE_EXHAUSTED,
  internal: status.INTERNAL
} as const satisfies Readonly<Record<ErrorKind, status>>

/** Kinds whose message is about this machine, not about the request: it names paths, which callers are not told. */
const ownBusiness: ReadonlySet<ErrorKind> = new Set(['unavailable', 'exhausted', 'internal'])

/** Matchbox's own words where clients are known to see them. */
const words: Partial<Readonly<Record<ErrorCode, string>>> = {
  group_unmatched: 'matchbox: No matching Group',
  profile_unmatched: 'matchbox: No matching Profile'
}

export interface CallStatus {
  readonly code: status
  readonly details: string
}

/** The status of a failed call; anything but an AppError or a DecodeError is a mistake of this program and told as such. */
export function statusOf (error: unknown): CallStatus {
  // gRPC's own code for a message that cannot be read.
  if (error instanceof DecodeError) return { code: status.INTERNAL, details: `error unmarshalling request: ${error.message}` }
  if (!(error instanceof AppError)) return { code: status.INTERNAL, details: 'internal error, see the log of core-provisioner' }
  const own = words[error.code] ?? (ownBusiness.has(error.kind) && error.code !== 'message_too_large' ? errorTable[error.code].meaning : error.message)
  return { code: statusOfKind[error.kind], details: own }
}

// What happens at the TFTP server, as the rest of the program hears of it, and how loud each is in the log.
import type { FailReason } from './read-transfer.js'

/** One transfer, over. */
export interface TransferFacts {
  /** The name that was asked for, normalised. */
  readonly file: string
  /** Where it came from. */
  readonly path: string
  /** Bytes of the file that the client confirmed. */
  readonly bytes: number
  readonly ms: number
  readonly blksize: number
  readonly windowsize: number
  /** Packets sent more than once. */
  readonly resent: number
}

export type RefusalReason =
  /** A write request: nothing is ever written. */
  | 'write'
  /** A name with `..` in it. */
  | 'name'
  /** Neither octet nor netascii. */
  | 'mode'
  /** The file is there but may not be read. */
  | 'access'

/** What happened, without whose client it was. */
export type TftpOccurrence =
  | TransferFacts & { readonly type: 'done', readonly confirmed: boolean }
  | TransferFacts & { readonly type: Exclude<FailReason, 'unreadable' | 'timeout'>, readonly message: string }
  | TransferFacts & { readonly type: 'failed', readonly message: string }
  | { readonly type: 'missing', readonly file: string }
  | { readonly type: 'refused', readonly file: string, readonly reason: RefusalReason, readonly message: string }
  | { readonly type: 'malformed', readonly code: string }
  /** A packet that no transfer waits for: `foreign` came to a transfer's port from a stranger, `ignored` to the server's. */
  | { readonly type: 'foreign' | 'ignored', readonly opcode: string }
  /** The request of a transfer under way, or of one that waits, once more. */
  | { readonly type: 'duplicate', readonly file: string }
  /** A transfer goes on that gave way (`vanished`), or whose client was silent for too long (`vanished` or `failed`). */
  | { readonly type: 'resumed', readonly file: string }
  /** All places are taken: it waits for its turn, or waited and was dropped, for another or because it was not asked again. */
  | { readonly type: 'waits' | 'dropped', readonly file: string }

/** `ip` is the client's address, `mac` its hardware address when somebody knows it. */
export type TftpEvent = TftpOccurrence & { readonly ip: string, readonly mac?: string }

/** Whatever a stranger can cause at will is for debugging only. */
export const eventLevels = {
  done: 'info',
  probe: 'debug',
  aborted: 'info',
  vanished: 'debug',
  failed: 'warn',
  missing: 'debug',
  refused: 'debug',
  malformed: 'debug',
  foreign: 'debug',
  ignored: 'debug',
  duplicate: 'debug',
  resumed: 'debug',
  waits: 'debug',
  dropped: 'debug'
} as const satisfies Readonly<Record<TftpEvent['type'], 'debug' | 'info' | 'warn'>>

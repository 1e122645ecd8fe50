// Which file, with which content: another look at a path that gives another one means other bytes.

/** Of `fs.BigIntStats`, which is one. */
export interface FileIdentity {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** How many names it has tells a file that was replaced from one that was written to. */
export interface OpenedFile extends FileIdentity { readonly nlink: bigint }

/** The identity as one word. */
export const identityKey = ({ dev, ino, size, mtimeNs, ctimeNs }: FileIdentity): string => [dev, ino, size, mtimeNs, ctimeNs].join(':')

/** A file written this short a time ago may be written again without its times changing: they advance in ticks. Milliseconds. */
const settledAfter = 50

/** Whether the identity can be trusted to change with the content; `now` in milliseconds since the epoch. */
export const isSettled = ({ ctimeNs }: FileIdentity, now: number): boolean => Math.abs(now - Number(ctimeNs / 1_000_000n)) >= settledAfter

/** Seconds since the epoch, of a number of milliseconds; a file at the epoch itself has no time. */
export const secondsOf = (ms: number): number | undefined => ms === 0 ? undefined : Math.floor(ms / 1000)

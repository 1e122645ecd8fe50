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

/**
 * Whether an open file is not what it was. The time of writing can be put back (cp -p, rsync --times), that of the last change
 * can't; it changes too when a name is taken away, as when another file is renamed over this one.
 */
export const hasChanged = (then: OpenedFile, now: OpenedFile): boolean =>
  now.size !== then.size || now.mtimeNs !== then.mtimeNs || (now.ctimeNs !== then.ctimeNs && now.nlink === then.nlink)

/** Whether nobody has leave to write to it; who runs as root needs none. */
export const isReadOnly = ({ mode }: { readonly mode: number }): boolean => (mode & 0o222) === 0

/** What is said of such a file. */
export const writtenMeanwhile = (path: string): string => `${path} was written to while it was sent: put the new file beside it and rename it`

/** The identity as one word. */
export const identityKey = ({ dev, ino, size, mtimeNs, ctimeNs }: FileIdentity): string => [dev, ino, size, mtimeNs, ctimeNs].join(':')

/** A file written this short a time ago may be written again without its times changing: they advance in ticks. Milliseconds. */
const settledAfter = 50

/** Whether the identity can be trusted to change with the content; `now` in milliseconds since the epoch. */
export const isSettled = ({ ctimeNs }: FileIdentity, now: number): boolean => Math.abs(now - Number(ctimeNs / 1_000_000n)) >= settledAfter

/** Seconds since the epoch, of a number of milliseconds; a file at the epoch itself has no time. */
export const secondsOf = (ms: number): number | undefined => ms === 0 ? undefined : Math.floor(ms / 1000)

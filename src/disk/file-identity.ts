// Which file, with which content: another look at a path that gives another one means other bytes.

/** Of `fs.BigIntStats`, which is one. */
export interface FileIdentity {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** How many names it has, whose it is and its mode tell a file that was replaced, or given to others, from one that was written to. */
export interface OpenedFile extends FileIdentity {
  readonly nlink: bigint
  readonly mode: bigint
  readonly uid: bigint
  readonly gid: bigint
}

/** No more than that of it: with what else is told of a file it is five times as large, and thousands of readers may have one each. */
export const openedFile = ({ dev, ino, size, mtimeNs, ctimeNs, nlink, mode, uid, gid }: OpenedFile): OpenedFile =>
  ({ dev, ino, size, mtimeNs, ctimeNs, nlink, mode, uid, gid })

/**
 * What an open file is beside what it was. The time of writing can be put back (cp -p, rsync --times), that of the last change can't. It
 * changes too when a name is taken away, as when another file is renamed over this one, by chmod and chown, and when the file is moved: of
 * that only its old path tells, which leads elsewhere then (`isElsewhere`).
 */
export function compareOpened (then: OpenedFile, now: OpenedFile): 'same' | 'written' | 'writtenOrMoved' {
  if (now.size !== then.size || now.mtimeNs !== then.mtimeNs) return 'written'
  if (now.ctimeNs === then.ctimeNs) return 'same'
  const isTold = now.nlink !== then.nlink || now.mode !== then.mode || now.uid !== then.uid || now.gid !== then.gid
  return isTold ? 'same' : 'writtenOrMoved'
}

/** Whether what a path leads to is not that file; `there` is undefined where it leads to nothing. */
export const isElsewhere = (file: FileIdentity, there: FileIdentity | undefined): boolean =>
  there?.ino !== file.ino || there.dev !== file.dev

/** Whether nobody has leave to write to it; who runs as root needs none. */
export const isReadOnly = ({ mode }: { readonly mode: number }): boolean => (mode & 0o222) === 0

/** What is said of such a file. */
export const writtenMeanwhile = (path: string): string => `${path} was written to while it was sent: put the new file beside it and rename it`

/** What is said of one whose disk fails. */
export const unreadable = (path: string, errno: string): string => `${path} cannot be read (${errno})`

/** The identity as one word. */
export const identityKey = ({ dev, ino, size, mtimeNs, ctimeNs }: FileIdentity): string => [dev, ino, size, mtimeNs, ctimeNs].join(':')

/** A file written this short a time ago may be written again without its times changing: they advance in ticks. Milliseconds. */
const settledAfter = 50

/** Whether the identity can be trusted to change with the content; `now` in milliseconds since the epoch. */
export const isSettled = ({ ctimeNs }: FileIdentity, now: number): boolean => Math.abs(now - Number(ctimeNs / 1_000_000n)) >= settledAfter

/** Seconds since the epoch, of a number of milliseconds; a file at the epoch itself has no time. */
export const secondsOf = (ms: number): number | undefined => ms === 0 ? undefined : Math.floor(ms / 1000)

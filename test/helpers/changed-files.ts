// What befalls a file while somebody reads it, and what that reader and whoever asks afterwards are to get.
import { appendFileSync, chmodSync, chownSync, linkSync, readdirSync, readlinkSync, renameSync, statSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Test } from 'tap'

/** What the one reader gets: all of the file as it was, or a transfer that is broken off. */
export type Reading = 'whole' | 'broken off'

export interface FileChange {
  readonly what: string
  /** `after` is other content of the same length. */
  readonly change: (path: string, after: Buffer) => void
  readonly reading: Reading
  /** What a request that comes then gets; undefined where there is no file any more. */
  readonly next: (before: Buffer, after: Buffer) => Buffer | undefined
}

/** Seconds since the epoch, of all files before they are changed. */
export const writtenAt = 1_600_000_000

const old = (before: Buffer): Buffer => before
const other = (_: Buffer, after: Buffer): Buffer => after
const nothing = (): undefined => undefined
const isRoot = process.getuid?.() === 0
const half = ({ length }: Buffer): number => length >> 1

function replace (path: string, after: Buffer): void {
  writeFileSync(`${path}.new`, after)
  renameSync(`${path}.new`, path)
}

function writeOver (path: string, after: Buffer): void {
  writeFileSync(path, after, { flag: 'r+' })
  utimesSync(path, writtenAt, writtenAt)
}

export const fileChanges: readonly FileChange[] = [
  { what: 'replaced', change: replace, reading: 'whole', next: other },
  { what: 'moved away', change: path => { renameSync(path, `${path}.old`) }, reading: 'whole', next: nothing },
  {
    what: 'moved away, and another put in its place',
    change: (path, after) => {
      renameSync(path, `${path}.old`)
      writeFileSync(path, after)
    },
    reading: 'whole',
    next: other
  },
  { what: 'deleted', change: unlinkSync, reading: 'whole', next: nothing },
  { what: 'given a second name', change: path => { linkSync(path, `${path}.too`) }, reading: 'whole', next: old },
  // Who runs as root reads it nevertheless.
  ...isRoot ? [{ what: 'made unreadable', change: (path: string) => { chmodSync(path, 0) }, reading: 'whole', next: old } as const] : [],
  { what: 'protected from being written to', change: path => { chmodSync(path, 0o400) }, reading: 'whole', next: old },
  ...isRoot ? [{ what: 'given to somebody else', change: (path: string) => { chownSync(path, 1, 1) }, reading: 'whole', next: old } as const] : [],
  { what: 'cut short', change: path => { truncateSync(path, statSync(path).size >> 1) }, reading: 'broken off', next: before => before.subarray(0, half(before)) },
  { what: 'emptied', change: path => { truncateSync(path, 0) }, reading: 'broken off', next: () => Buffer.alloc(0) },
  { what: 'made longer', change: (path, after) => { appendFileSync(path, after) }, reading: 'broken off', next: (...both) => Buffer.concat(both) },
  { what: 'written over', change: (path, after) => { writeFileSync(path, after, { flag: 'r+' }) }, reading: 'broken off', next: other },
  { what: 'written over and given its old time', change: writeOver, reading: 'broken off', next: other },
  {
    what: 'written over, and protected',
    change: (path, after) => {
      writeFileSync(path, after, { flag: 'r+' })
      chmodSync(path, 0o400)
    },
    reading: 'broken off',
    next: other
  }
]

/** Writes a file as if it had been there for years. */
export function writeLongAgo (path: string, content: Buffer): void {
  writeFileSync(path, content)
  utimesSync(path, writtenAt, writtenAt)
}

/** Descriptors of this process that are open below a folder. */
export const openFiles = (folder: string): number => readdirSync('/proc/self/fd').filter(fd => {
  try { return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder) } catch { return false }
}).length

/** Has this process's reading of files fail from there on, as on a disk that is broken, until the test ends or what is given back is called. */
export async function failReads (t: Test, path: string, from: number): Promise<() => void> {
  const probe = await open(path)
  const handles = Object.getPrototypeOf(probe) as { read: (...args: unknown[]) => Promise<unknown> }
  await probe.close()
  const { read } = handles
  const mend = (): void => { handles.read = read }
  t.teardown(mend)
  handles.read = async function (this: unknown, ...args) {
    if (Number(args[3]) >= from) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    return await read.apply(this, args)
  }
  return mend
}

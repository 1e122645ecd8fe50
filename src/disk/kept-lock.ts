// A lock that is kept for as long as the program runs: one whose file was removed keeps nobody out, so it is taken again.
import { stat } from 'node:fs/promises'
import type { Clock } from '../base/clock.js'
import { errnoOf } from '../base/errors.js'
import { takeLock } from './folder-lock.js'

/** Milliseconds between two looks whether the lock's file is still there. */
const lookEvery = 5000

export interface LockWatch {
  readonly clock: Clock
  /** Hears who was faster (a process id, '' where it could not say so), and undefined when nobody is any more. */
  readonly onHolder: (holder: string | undefined) => void
  /** Whether the lock is taken again could not be found out. */
  readonly onError: (error: unknown) => void
}

export class KeptLock {
  readonly #path: string
  #release: () => Promise<void>
  #inode: bigint | undefined
  #isLooking = false
  /** Something was told that has to be taken back. */
  #isLost = false

  private constructor (path: string, release: () => Promise<void>) { [this.#path, this.#release] = [path, release] }

  /** Makes nothing but the file; `holder` is who has it. AppError write_failed or disk_full: there can be none. */
  static async open (path: string): Promise<KeptLock | { readonly holder: string }> {
    const lock = await takeLock(path)
    if ('holder' in lock) return lock
    const own = new KeptLock(path, lock.release)
    own.#inode = await inodeOf(path).catch(() => undefined)
    return own
  }

  /** Takes the lock again when its file is another; gives how to stop. */
  watch ({ clock, onHolder, onError }: LockWatch): () => void {
    const timer = clock.every(lookEvery, () => {
      if (this.#isLooking) return
      this.#isLooking = true
      this.#look(onHolder).catch((error: unknown) => {
        this.#isLost = true
        onError(error)
      }).finally(() => { this.#isLooking = false })
    })
    return () => { timer.cancel() }
  }

  async release (): Promise<void> { await this.#release() }

  async #look (tell: LockWatch['onHolder']): Promise<void> {
    const found = await inodeOf(this.#path).catch((error: unknown) => {
      // A disk that fails says nothing of who has the lock.
      if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined
      return this.#inode
    })
    if (found === this.#inode) {
      if (this.#isLost) tell(undefined)
      this.#isLost = false
      return
    }
    const lock = await takeLock(this.#path)
    this.#isLost = 'holder' in lock
    if ('holder' in lock) {
      tell(lock.holder)
      return
    }
    const before = this.#release
    this.#release = lock.release
    this.#inode = await inodeOf(this.#path).catch(() => undefined)
    tell(undefined)
    await before()
  }
}

const inodeOf = async (path: string): Promise<bigint | undefined> => (await stat(path, { bigint: true })).ino

// state_path is one process's at a time: two that append to the same files write over what the other has promised, an address among it.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Config, LoadedConfig } from '../config/load.js'
import { lockHolder, takeLock } from '../disk/folder-lock.js'
import type { OnClose } from './closing.js'

/** Milliseconds between two looks whether the lock's file is still there: one that was removed keeps nobody out. */
const lookEvery = 5000

const lockPath = (config: Config): string => join(config.state_path, 'lock')

/** The process that has the state of this configuration, as far as it can be seen, without disturbing it. */
export const stateHolder = (config: Config): Promise<number | undefined> => lockHolder(lockPath(config))

/** What is said of a state that another process has. */
export const stateTaken = (config: Config, holder: number | string): string =>
  `another core-provisioner${holder === '' ? '' : ` (pid ${holder})`} has ${config.state_path}: stop it, or give this one a state_path of its own`

export class StateLock {
  readonly #config: Config
  /** undefined where there can be none: a disk that is full or read-only keeps nobody from booting. */
  #release: (() => Promise<void>) | undefined
  #inode: bigint | undefined
  #isLooking = false
  /** What was told last. */
  #problem: string | undefined

  private constructor (config: Config) { this.#config = config }

  /** Makes nothing but the lock. AppError state_busy says who has it. */
  static async open ({ config, keyAt }: Pick<LoadedConfig, 'config' | 'keyAt'>, log: Logger): Promise<StateLock> {
    const own = new StateLock(config)
    try {
      const holder = await own.#take()
      if (holder !== undefined) throw new AppError('state_busy', `${keyAt(['state_path'])}: ${stateTaken(config, holder)}`)
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'state_busy') throw error
      log.warn({ error: error.message }, 'state.unlocked')
    }
    return own
  }

  /** Takes the lock again when its file is another; `tell` hears who was faster, and undefined when nobody is any more. */
  watch (clock: Clock, onClose: OnClose, tell: (problem: string | undefined) => void): void {
    const say = (problem: string | undefined): void => {
      this.#problem = problem
      tell(problem)
    }
    const timer = clock.every(lookEvery, () => {
      if (this.#release === undefined || this.#isLooking) return
      this.#isLooking = true
      this.#look(say).catch((error: unknown) => { say(messageOf(error)) }).finally(() => { this.#isLooking = false })
    })
    onClose(async () => { timer.cancel() })
  }

  async release (): Promise<void> { await this.#release?.() }

  async #look (tell: (problem: string | undefined) => void): Promise<void> {
    const found = await inodeOf(lockPath(this.#config)).catch((error: unknown) => {
      // A disk that fails says nothing of who has the lock.
      if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined
      return this.#inode
    })
    if (found === this.#inode) {
      if (this.#problem !== undefined) tell(undefined)
      return
    }
    const before = this.#release
    const holder = await this.#take()
    tell(holder === undefined ? undefined : stateTaken(this.#config, holder))
    if (holder === undefined) await before?.()
  }

  /** Gives who has it. AppError says why there can be no lock. */
  async #take (): Promise<string | undefined> {
    const path = lockPath(this.#config)
    const lock = await takeLock(path)
    if ('holder' in lock) return lock.holder
    this.#release = lock.release
    this.#inode = await inodeOf(path).catch(() => undefined)
    return undefined
  }
}

const inodeOf = async (path: string): Promise<bigint | undefined> => (await stat(path, { bigint: true })).ino

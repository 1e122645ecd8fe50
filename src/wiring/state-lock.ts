// state_path is one process's at a time: two that append to the same files write over what the other has promised, an address among it.
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import { AppError, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Config, LoadedConfig } from '../config/load.js'
import { lockHolder } from '../disk/folder-lock.js'
import { KeptLock } from '../disk/kept-lock.js'
import type { OnClose } from './closing.js'

const lockPath = (config: Config): string => join(config.state_path, 'lock')

/** The process that has the state of this configuration, as far as it can be seen, without disturbing it. */
export const stateHolder = (config: Config): Promise<number | undefined> => lockHolder(lockPath(config))

/** What is said of a state that another process has. */
export const stateTaken = (config: Config, holder: number | string): string =>
  `another core-provisioner${holder === '' ? '' : ` (pid ${holder})`} has ${config.state_path}: stop it, or give this one a state_path of its own`

export interface StateLock {
  /** `tell` hears that another process has the state, and undefined when none has any more. */
  readonly watch: (clock: Clock, onClose: OnClose, tell: (problem: string | undefined) => void) => void
  readonly release: () => Promise<void>
}

/** A disk that is full or read-only can hold no lock, and keeps nobody from booting. */
const none: StateLock = { watch: () => {}, release: async () => {} }

/** Makes nothing but the lock. AppError state_busy says who has it. */
export async function lockState ({ config, keyAt }: Pick<LoadedConfig, 'config' | 'keyAt'>, log: Logger): Promise<StateLock> {
  const lock = await KeptLock.open(lockPath(config)).catch((error: unknown) => {
    if (!(error instanceof AppError)) throw error
    log.warn({ error: error.message }, 'state.unlocked')
    return undefined
  })
  if (lock === undefined) return none
  if ('holder' in lock) throw new AppError('state_busy', `${keyAt(['state_path'])}: ${stateTaken(config, lock.holder)}`)
  return {
    watch: (clock, onClose, tell) => {
      const stop = lock.watch({
        clock,
        onHolder: holder => { tell(holder === undefined ? undefined : stateTaken(config, holder)) },
        onError: error => { tell(messageOf(error)) }
      })
      onClose(async () => { stop() })
    },
    release: () => lock.release()
  }
}

// Whether a file or a folder answers, and all that it leads to by links and mounts: asked before it is looked at by whoever reads at once,
// and could not be interrupted. Each question is asked when the one before was answered, so that a disk which is silent holds one thread.
import { constants } from 'node:fs'
import { open, opendir, readdir, realpath, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { inTime } from './in-time.js'
import { type Mount, mountsBelow } from './mounts.js'

/** As many folders of one place are looked through for links, and as many links and mounts asked. */
const mostAsked = 2000

export class PlaceAsker {
  readonly #clock: Pick<Clock, 'every'>
  readonly #mounts: readonly Mount[]

  constructor (clock: Pick<Clock, 'every'>, mounts: readonly Mount[]) {
    this.#clock = clock
    this.#mounts = mounts
  }

  /** The path that does not answer: this one, or one below it; undefined where all do, also by saying that they are not there. */
  async silentAt (path: string): Promise<string | undefined> {
    try {
      await this.#askAll(path)
      return undefined
    } catch (error) {
      if (error instanceof Silent) return error.path
      throw error
    }
  }

  async #askAll (top: string): Promise<void> {
    await this.#ask(top)
    const real = await this.#in(top, realpath(top))
    if (real === undefined) return
    for (const { point } of mountsBelow(real, this.#mounts).slice(0, mostAsked)) await this.#ask(point)
    let links = 0
    const folders = [real]
    for (let at = 0; at < folders.length && at < mostAsked; at++) {
      const folder = folders[at]!
      for (const entry of await this.#in(folder, readdir(folder, { withFileTypes: true })) ?? []) {
        const path = join(folder, entry.name)
        if (entry.isDirectory()) folders.push(path)
        else if (entry.isSymbolicLink() && links++ < mostAsked) await this.#ask(path)
      }
    }
  }

  /** What a client of NFS was told of a file it keeps for a minute: its server is asked when one is opened, and of the whole disk. */
  async #ask (path: string): Promise<void> {
    const stats = await this.#in(path, stat(path))
    if (stats === undefined) return
    await this.#in(path, statfs(path))
    if (stats.isDirectory()) {
      await this.#in(path, opendir(path).then(async folder => {
        await folder.read()
        await folder.close()
      }))
    } else if (stats.isFile()) {
      await this.#in(path, open(path, constants.O_RDONLY | constants.O_NONBLOCK).then(async file => {
        await file.read(Buffer.alloc(1), 0, 1, 0)
        await file.close()
      }))
    }
  }

  /** undefined for what fails, which is an answer too. */
  async #in <T>(path: string, operation: Promise<T>): Promise<T | undefined> {
    let isAnswered = false
    const answered = operation.then(value => value, () => undefined).finally(() => { isAnswered = true })
    return await inTime(path, answered, this.#clock).catch((error: unknown) => {
      if (error instanceof AppError && !isAnswered) throw new Silent(path)
      throw error
    })
  }
}

class Silent extends Error {
  readonly path: string

  constructor (path: string) {
    super(path)
    this.path = path
  }
}

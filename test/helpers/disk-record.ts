// What is done to a disk, in its order: writes, syncs, renames, deletes and, with `mark`, when something was answered. Node's own
// functions are wrapped while a test runs, so that whoever uses them is seen; one of them can be told to fail.
import type { EventEmitter } from 'node:events'
import { constants } from 'node:fs'
import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { basename } from 'node:path'
import type { Test } from 'tap'

type Wrapped = 'open' | 'rename' | 'unlink' | 'rm' | 'symlink'
type Call = (...args: readonly unknown[]) => Promise<unknown>

export class DiskRecord {
  /** `write NAME`, `sync NAME`, `rename NAME`, `unlink NAME`, and marks; a temporary name is TMP, random digits as they are made. */
  readonly events: string[] = []
  /** Handles that were opened and not closed. */
  open = 0
  readonly #failing = new Map<Wrapped, string>()

  constructor (t: Test) {
    const module = fs as unknown as Record<Wrapped, Call>
    const before = { open: module.open, rename: module.rename, unlink: module.unlink, rm: module.rm, symlink: module.symlink }
    const named = (path: unknown): string => basename(String(path)).replace(/^\.core-provisioner-[0-9a-f]+\.tmp$/, 'TMP')
    const wrap = (name: Wrapped, after: (result: unknown, args: readonly unknown[]) => void): void => {
      module[name] = async (...args) => {
        const code = this.#failing.get(name)
        if (code !== undefined) throw Object.assign(new Error(`${code}: ${name}`), { code })
        const result = await before[name](...args)
        after(result, args)
        return result
      }
    }
    wrap('open', (handle, [path, flags]) => { this.#watch(handle as FileHandle, named(path), (Number(flags) & constants.O_DSYNC) === constants.O_DSYNC) })
    wrap('rename', (_, [from, to]) => { this.events.push(`rename ${named(from)} ${named(to)}`) })
    for (const name of ['unlink', 'rm'] as const) wrap(name, (_, [path]) => { this.events.push(`unlink ${named(path)}`) })
    wrap('symlink', (_, [, path]) => { this.events.push(`symlink ${named(path)}`) })
    syncBuiltinESMExports()
    t.teardown(() => {
      Object.assign(module, before)
      syncBuiltinESMExports()
    })
  }

  mark (what: string): void { this.events.push(what) }

  /** Has a function fail from now on with a code such as EACCES; undefined lets it be again. */
  fail (name: Wrapped, code: string | undefined): void {
    if (code === undefined) this.#failing.delete(name)
    else this.#failing.set(name, code)
  }

  /** The events since the last call. */
  take (): string[] { return this.events.splice(0) }

  /** What is opened with O_DSYNC is on disk when it is written. */
  #watch (handle: FileHandle, name: string, synced: boolean): void {
    const emitter = handle as unknown as EventEmitter
    this.open++
    emitter.once('close', () => { this.open-- })
    const own = handle as unknown as Record<string, Call>
    for (const [method, event] of [['write', 'write'], ['writeFile', 'write'], ['sync', 'sync'], ['datasync', 'sync']] as const) {
      const original = own[method]!.bind(handle)
      own[method] = async (...args) => {
        const result = await original(...args)
        this.events.push(`${event} ${name}`)
        if (synced && event === 'write') this.events.push(`sync ${name}`)
        return result
      }
    }
  }
}

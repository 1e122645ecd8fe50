// What is done to a disk, in its order: writes, syncs, renames, deletes and, with `mark`, when something was answered; and what a power
// cut would take at any moment. Node's own functions are wrapped while a test runs, so that whoever uses them is seen; one of them can be
// told to fail.
import type { EventEmitter } from 'node:events'
import files, { constants } from 'node:fs'
import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { basename, dirname, resolve } from 'node:path'
import type { Test } from 'tap'

type Wrapped = 'open' | 'mkdir' | 'rename' | 'unlink' | 'rm' | 'symlink' | 'writeFile'
type Call = (...args: readonly unknown[]) => Promise<unknown>
type SelfWrapped = 'fsyncSync' | 'fdatasyncSync' | 'writeSync'
type SelfCall = (fd: number, ...args: readonly unknown[]) => unknown

const named = (path: string): string => basename(path).replace(/^\.core-provisioner-[0-9a-f]+\.tmp$/, 'TMP')

export class DiskRecord {
  /** `write NAME`, `sync NAME`, `rename NAME`, `unlink NAME`, and marks; a temporary name is TMP, random digits as they are made. */
  readonly events: string[] = []
  /** Handles that were opened and not closed. */
  open = 0
  readonly #failing = new Map<Wrapped, string>()
  /** Files that were written and not synced since. */
  readonly #unsynced = new Set<string>()
  /** By folder, the names that were given in it since it was synced. */
  readonly #names = new Map<string, Set<string>>()
  /** Of descriptors that are open. */
  readonly #paths = new Map<number, string>()

  constructor (t: Test) {
    const module = fs as unknown as Record<Wrapped, Call>
    const before = { open: module.open, mkdir: module.mkdir, rename: module.rename, unlink: module.unlink, rm: module.rm, symlink: module.symlink, writeFile: module.writeFile }
    const self = files as unknown as Record<SelfWrapped, SelfCall>
    const selfBefore = { fsyncSync: self.fsyncSync, fdatasyncSync: self.fdatasyncSync, writeSync: self.writeSync }
    const wrap = (name: Wrapped, after: (result: unknown, path: string, other: unknown) => void): void => {
      module[name] = async (...args) => {
        const code = this.#failing.get(name)
        if (code !== undefined) throw Object.assign(new Error(`${code}: ${name}`), { code })
        const result = await before[name](...args)
        after(result, resolve(String(args[0])), args[1])
        return result
      }
    }
    wrap('open', (handle, path, flags) => { this.#watch(handle as FileHandle, path, (Number(flags) & constants.O_DSYNC) === constants.O_DSYNC) })
    wrap('mkdir', (_, path) => { this.#given(path) })
    wrap('rename', (_, from, to) => { this.#renamed(from, resolve(String(to))) })
    for (const name of ['unlink', 'rm'] as const) wrap(name, (_, path) => { this.#removed(path) })
    wrap('symlink', (_, __, path) => {
      this.#given(resolve(String(path)))
      this.events.push(`symlink ${named(String(path))}`)
    })
    wrap('writeFile', (_, path) => { this.#written(path) })
    for (const method of ['writeSync', 'fsyncSync', 'fdatasyncSync'] as const) {
      self[method] = (fd, ...args) => {
        const result = selfBefore[method](fd, ...args)
        const path = this.#paths.get(fd)
        // The console's are none of ours.
        if (path !== undefined) method === 'writeSync' ? this.#written(path) : this.#synced(path)
        return result
      }
    }
    syncBuiltinESMExports()
    t.teardown(() => {
      Object.assign(module, before)
      Object.assign(self, selfBefore)
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

  /** What a power cut would take now: content that was not synced, and names in folders that were not. */
  lost (): string[] {
    const names = [...this.#names].flatMap(([folder, given]) => [...given].map(name => `the name ${basename(folder)}/${name}`))
    return [...Array.from(this.#unsynced, path => `the content of ${named(path)}`), ...names].sort()
  }

  #written (path: string): void {
    this.#unsynced.add(path)
    this.events.push(`write ${named(path)}`)
  }

  #synced (path: string): void {
    this.#unsynced.delete(path)
    this.#names.delete(path)
    this.events.push(`sync ${named(path)}`)
  }

  #given (path: string): void { this.#names.set(dirname(path), (this.#names.get(dirname(path)) ?? new Set()).add(named(path))) }

  /** What was not on disk under the old name is not under the new one, in a folder neither. */
  #renamed (from: string, to: string): void {
    const moved = (path: string): string => path === from ? to : path.startsWith(`${from}/`) ? to + path.slice(from.length) : path
    const [unsynced, names] = [[...this.#unsynced].map(moved), [...this.#names].map(([folder, given]) => [moved(folder), given] as const)]
    this.#unsynced.clear()
    this.#names.clear()
    for (const path of unsynced) this.#unsynced.add(path)
    for (const [folder, given] of names) this.#names.set(folder, given)
    this.#names.get(dirname(from))?.delete(named(from))
    this.#given(to)
    this.events.push(`rename ${named(from)} ${named(to)}`)
  }

  #removed (path: string): void {
    for (const other of this.#unsynced) if (other === path || other.startsWith(`${path}/`)) this.#unsynced.delete(other)
    for (const folder of this.#names.keys()) if (folder === path || folder.startsWith(`${path}/`)) this.#names.delete(folder)
    this.#names.get(dirname(path))?.delete(named(path))
    this.events.push(`unlink ${named(path)}`)
  }

  /** What is opened with O_DSYNC is on disk when it is written. */
  #watch (handle: FileHandle, path: string, synced: boolean): void {
    const emitter = handle as unknown as EventEmitter
    const { fd } = handle
    this.open++
    this.#paths.set(fd, path)
    emitter.once('close', () => {
      this.open--
      if (this.#paths.get(fd) === path) this.#paths.delete(fd)
    })
    const own = handle as unknown as Record<string, Call>
    for (const [method, event] of [['write', 'write'], ['writeFile', 'write'], ['sync', 'sync'], ['datasync', 'sync']] as const) {
      const original = own[method]!.bind(handle)
      own[method] = async (...args) => {
        const result = await original(...args)
        if (event === 'write') this.#written(path)
        if (event === 'sync' || synced) this.#synced(path)
        return result
      }
    }
  }
}

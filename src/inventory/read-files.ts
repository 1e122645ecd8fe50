// The edge of the readers: files, Mayu's folder of machines, and the files that lists include, each read once. A file that
// includes itself, by whatever way, is refused with the place where the circle closes.
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { emptyList, type HostList, type Include, type Place } from './host-list.js'
import { type ListFormat, readers, recognise } from './recognise.js'
import { decodeText, largestFile, listError } from './source-text.js'

/** Files that one import reads in all, how many of them may include one another, and what they may weigh together. */
const mostFiles = 10_000
const mostDeep = 32
const mostBytes = 256 * 1024 * 1024

export interface ReadFiles {
  readonly lists: readonly HostList[]
  /** What was read, as it was named. */
  readonly files: readonly string[]
}

/** `stdin` is read for `-`. Throws AppError list_invalid with a place, or read_failed. */
export async function readFiles (
  operands: readonly string[], format: ListFormat | undefined, stdin: () => Promise<Uint8Array>
): Promise<ReadFiles> {
  const reading = new Reading()
  for (const operand of operands) {
    if (operand === '-') reading.take('standard input', await stdin(), format)
    else for (const file of await filesOf(operand)) await reading.file(file, format, [])
  }
  return { lists: reading.lists, files: reading.files }
}

/** Mayu keeps a folder a machine, below `cluster/`. */
async function filesOf (operand: string): Promise<readonly string[]> {
  const stats = await stat(operand).catch((error: unknown) => { throw unreadable(operand, error) })
  if (!stats.isDirectory()) return [operand]
  const names = (await readdir(operand)).sort()
  const folder = names.includes('cluster') ? join(operand, 'cluster') : operand
  const machines = (folder === operand ? names : (await readdir(folder)).sort()).map(name => join(folder, name, 'conf.json'))
  const found: string[] = []
  for (const file of machines) if (await stat(file).then(stats => stats.isFile(), () => false)) found.push(file)
  if (found.length === 0) throw new AppError('read_failed', `${operand} is a folder without Mayu's cluster/*/conf.json: name the files`)
  return found
}

/** The file that includes another, and those that include it. */
interface Includer { readonly path: string, readonly format: ListFormat, readonly chain: readonly string[] }

class Reading {
  readonly lists: HostList[] = []
  readonly files: string[] = []
  readonly #read = new Set<string>()
  #bytes = 0

  /** Reads a list; answers it with the format that it was read as. */
  take (name: string, bytes: Uint8Array, asked: ListFormat | undefined): { readonly list: HostList, readonly format: ListFormat } {
    this.#bytes += bytes.length
    if (this.#bytes > mostBytes) throw listError({ file: name, line: 1, column: 1 }, `more than ${mostBytes / 1024 / 1024} MiB in one import`)
    const source = decodeText(name, bytes)
    const format = asked ?? recognise(source)
    const list = readers[format](source)
    this.lists.push(list)
    this.files.push(name)
    return { list, format }
  }

  /** `chain` are the files, by their real path, that include this one; `from` where they do. */
  async file (path: string, asked: ListFormat | undefined, chain: readonly string[], from?: Place): Promise<void> {
    const real = await realpath(path).catch((error: unknown) => { throw unreadable(path, error, from) })
    const start = from ?? { file: path, line: 1, column: 1 }
    if (chain.includes(real)) throw listError(start, `${path} includes itself${wayOf(chain.slice(chain.indexOf(real) + 1))}`)
    if (chain.length > mostDeep) throw listError(start, `more than ${mostDeep} files include one another`)
    if (this.#read.has(real)) return
    if (this.#read.size === mostFiles) throw listError(start, `more than ${mostFiles} files`)
    this.#read.add(real)
    const { list, format } = this.take(path, await bytesOf(path, from), asked)
    for (const include of list.includes) await this.#include(include, { path, format, chain: [...chain, real] })
  }

  async #include ({ at, path, format }: Include, by: Includer): Promise<void> {
    const where = isAbsolute(path) ? path : join(dirname(by.path), path)
    // A list is often looked at on another machine than the one it was written for.
    if (await isMissing(where)) this.lists.push({ ...emptyList, remarks: [{ at, text: `${path} is not here: if it lists machines, give it to the same import` }] })
    else await this.file(where, format ?? by.format, by.chain, at)
  }
}

const wayOf = (files: readonly string[]): string => files.length === 0 ? '' : `, by way of ${files.map(file => basename(file)).join(', ')}`
const isMissing = async (path: string): Promise<boolean> => await stat(path).then(() => false, (error: unknown) => errnoOf(error) === 'ENOENT')

/** A plain file, of no more than what is read of one. */
async function bytesOf (path: string, from: Place | undefined): Promise<Uint8Array> {
  try {
    // Whoever names a pipe of nobody's would wait for ever.
    if (!(await stat(path)).isFile()) throw new AppError('read_failed', 'it is no plain file')
    const handle = await open(path, 'r')
    try {
      const { size } = await handle.stat()
      if (size > largestFile) throw new AppError('read_failed', `it is larger than ${largestFile / 1024 / 1024} MiB`)
      return await handle.readFile()
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw unreadable(path, error, from)
  }
}

function unreadable (path: string, error: unknown, from?: Place): AppError {
  const why = errnoOf(error) === 'ENOENT' ? 'there is no such file' : errnoOf(error) === 'EACCES' ? 'this user may not read it' : messageOf(error)
  return from === undefined ? new AppError('read_failed', `${path}: ${why}`, { cause: error }) : listError(from, `${path} cannot be read: ${why}`)
}

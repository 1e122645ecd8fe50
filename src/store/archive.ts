// A store as one file: its objects as members of a tar archive (POSIX.1-2001, pax(1)), gzipped or not when it is read. Whoever made it
// may be hostile: nothing of it is written anywhere here, and the first member that no store can have ends the reading.
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip, gzipSync } from 'node:zlib'
import { Header, Parser, Pax, type ReadEntry } from 'tar'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import type { ObjectFiles } from './moves.js'
import { folders, placeOf } from './object-files.js'
import { maxFileBytes } from './stored-file.js'

/** Octets of all that is unpacked, and members: they are held in memory. */
const largestArchive = 512 * 1024 * 1024
const mostMembers = 100_000
/** Octets of a pax header or a GNU long name. */
const longestName = 64 * 1024
const block = 512
/** Of all members, so that the same objects make the same archive; tar complains of 1970. */
const modified = new Date('2000-01-01T00:00:00Z')

export interface FoundFiles {
  readonly files: ObjectFiles
  /** Whether it has one of a store's folders at all. */
  readonly isStore: boolean
  /** Files that are no objects of a store. */
  readonly others: readonly string[]
}

/** Throws AppError archive_invalid, which names the member, and read_failed. */
export async function readArchive (path: string): Promise<FoundFiles> {
  const members = new Members(path)
  const isPacked = await isGzipped(path)
  const input = createReadStream(path)
  const plain: Readable = isPacked ? input.pipe(createGunzip()) : input
  // What pipe() does not hand on: a file that breaks off being read.
  input.on('error', error => { plain.destroy(error) })
  try {
    for await (const piece of plain) members.take(piece as Buffer)
    return await members.end()
  } catch (error) {
    if (error instanceof AppError) throw error
    if (errnoOf(error).startsWith('Z_') || errnoOf(error) === '' || errnoOf(error).startsWith('TAR_')) {
      throw new AppError('archive_invalid', `${path} is no whole archive: ${messageOf(error)}`, { cause: error })
    }
    throw new AppError('read_failed', `${path}: ${messageOf(error)}`, { cause: error })
  } finally {
    input.destroy()
    plain.destroy()
  }
}

async function isGzipped (path: string): Promise<boolean> {
  const file = await open(path).catch((error: unknown) => { throw new AppError('read_failed', `${path}: ${messageOf(error)}`, { cause: error }) })
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
  } catch (error) {
    throw new AppError('read_failed', `${path}: ${messageOf(error)}`, { cause: error })
  } finally {
    await file.close()
  }
}

/** What a parser of ours takes in, until something is amiss. */
class Members {
  readonly #path: string
  readonly #parser = new Parser({ strict: true, maxMetaEntrySize: longestName })
  readonly #files = new Map<string, Buffer>()
  readonly #others: string[] = []
  readonly #ended: Promise<void>
  #isStore = false
  /** Behind the end stands what pads it to a tape's record, in which the parser is slow to find nothing. */
  #over = false
  #first: Buffer | undefined = Buffer.alloc(0)
  #size = 0
  #count = 0
  #refusal: Error | undefined

  constructor (path: string) {
    this.#path = path
    this.#parser.on('entry', entry => { this.#enter(entry) })
    this.#parser.on('ignoredEntry', entry => { this.#refuse(entry.path, `is of a kind that no store has (${entry.type})`) })
    this.#parser.on('eof', () => { this.#over = true })
    this.#parser.on('error', error => { this.#refusal ??= error as Error })
    this.#ended = new Promise(resolve => { this.#parser.on('end', resolve) })
  }

  take (piece: Buffer): void {
    this.#size += piece.length
    if (this.#size > largestArchive) throw new AppError('archive_invalid', `${this.#path} unpacks to more than ${largestArchive} bytes`)
    if (this.#first === undefined) this.#write(piece)
    else this.#begin(Buffer.concat([this.#first, piece]))
  }

  async end (): Promise<FoundFiles> {
    if (this.#first !== undefined) throw new AppError('archive_invalid', `${this.#path} is no tar archive`)
    this.#parser.end()
    this.#check()
    await this.#ended
    this.#check()
    return { files: this.#files, isStore: this.#isStore, others: this.#others }
  }

  /** The parser would unpack what is packed twice: it is given nothing that does not begin as an archive does. */
  #begin (first: Buffer): void {
    this.#first = first
    if (first.length < block) return
    if (first.toString('latin1', 257, 262) !== 'ustar') throw new AppError('archive_invalid', `${this.#path} is no tar archive`)
    this.#first = undefined
    this.#write(first)
  }

  #write (piece: Buffer): void {
    if (!this.#over) this.#parser.write(piece)
    this.#check()
  }

  #check (): void { if (this.#refusal !== undefined) throw this.#refusal }

  #enter (entry: ReadEntry): void {
    const { path, type, size } = entry
    entry.on('error', (error: unknown) => { this.#refusal ??= error as Error })
    const file = plainName(path)
    const isFolder = type === 'Directory' || type === 'GNUDumpDir'
    const isFile = type === 'File' || type === 'OldFile' || type === 'ContiguousFile'
    if (++this.#count > mostMembers) this.#refuse(path, `is one more than ${mostMembers} members`)
    else if (path.startsWith('/')) this.#refuse(path, 'is an absolute path')
    else if (file.split('/').includes('..')) this.#refuse(path, 'leads out of the folder (..)')
    else if (!isFolder && !isFile) this.#refuse(path, /link/i.test(type) ? 'is a link' : `is of a kind that no store has (${type})`)
    else if (size > maxFileBytes) this.#refuse(path, `is too large: ${size} bytes, and at most ${maxFileBytes} are taken`)
    else if (this.#files.has(file)) this.#refuse(path, 'stands in it twice')
    if (this.#refusal === undefined && folders.some(folder => file === folder || file.startsWith(`${folder}/`))) this.#isStore = true
    if (this.#refusal !== undefined || isFolder || placeOf(file) === undefined) {
      if (this.#refusal === undefined && !isFolder) this.#others.push(file)
      entry.resume()
      return
    }
    const pieces: Buffer[] = []
    entry.on('data', piece => { pieces.push(Buffer.from(piece)) })
    entry.on('end', () => { this.#files.set(file, Buffer.concat(pieces)) })
  }

  #refuse (member: string, why: string): void {
    this.#refusal ??= new AppError('archive_invalid', `${this.#path}: ${JSON.stringify(member.slice(0, 200))} ${why}; nothing of it is taken`)
  }
}

/** Without the `./` that tar puts before names, and the slash behind folders. */
function plainName (path: string): string {
  const name = path.startsWith('./') ? path.slice(2) : path
  return name.endsWith('/') ? name.slice(0, -1) : name
}

/** The same objects make the same octets. AppError id_invalid for a name that an archive can't hold. */
export function packArchive (files: ObjectFiles): Buffer {
  const none = Buffer.alloc(0)
  const blocks = folders.flatMap(folder => member(`${folder}/`, none, 'Directory'))
  for (const [file, content] of [...files].sort(([a], [b]) => a < b ? -1 : 1)) blocks.push(...member(file, content, 'File'))
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * block)]))
}

function member (path: string, content: Buffer, type: 'File' | 'Directory'): readonly Buffer[] {
  const header = new Header({ path, type, mode: type === 'File' ? 0o644 : 0o755, uid: 0, gid: 0, size: content.length, mtime: modified, linkpath: '', uname: '', gname: '' })
  header.encode()
  // Names that are long or not of ASCII; the package's reader takes a line break there for the end.
  if (header.needPax && path.includes('\n')) throw new AppError('id_invalid', `${JSON.stringify(path.slice(0, 200))} has a line break, and is too long for an archive with it`)
  const extended = header.needPax ? new Pax({ path, mtime: modified }).encode() : Buffer.alloc(0)
  return [extended, header.block ?? Buffer.alloc(block), content, Buffer.alloc(-content.length & (block - 1))]
}

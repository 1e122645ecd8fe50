// What an ELF file asks of the system it runs on (System V ABI; the GNU extensions of the Linux Standard Base): the libraries
// it needs, the symbol versions it needs of them and defines itself, and the oldest kernel. 64 bits, little-endian.

export interface Elf {
  /** DT_SONAME: the name by which others need it; '' in programs. */
  readonly soname: string
  /** DT_NEEDED: libraries by their soname. */
  readonly needed: readonly string[]
  /** Symbol versions it needs, by the library that has to define them: `libc.so.6` to `GLIBC_2.28`. */
  readonly versionsNeeded: ReadonlyMap<string, readonly string[]>
  readonly versionsDefined: readonly string[]
  /** The loader, in programs. */
  readonly interpreter: string | undefined
  /** The oldest kernel, of the note GNU_ABI_TAG: `3.2.0`. */
  readonly kernel: string | undefined
}

const segmentTypes = { load: 1, dynamic: 2, interpreter: 3, note: 4 } as const
const tags = {
  needed: 1, strtab: 5, soname: 14, verdef: 0x6ffffffc, verdefnum: 0x6ffffffd, verneed: 0x6ffffffe, verneednum: 0x6fffffff
} as const
/** VER_FLG_BASE: the entry names the file itself. */
const baseVersion = 1
const abiTagNote = 1

interface Entry { readonly tag: number, readonly value: number }
interface Segment { readonly type: number, readonly offset: number, readonly address: number, readonly size: number }

/** @throws Error when it is not an ELF file of this kind */
export function readElf (file: Buffer): Elf {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46) throw new Error('not an ELF file')
  if (file[4] !== 2 || file[5] !== 1) throw new Error('not an ELF file of 64 bits, little-endian')
  const segments = readSegments(file)
  const dynamic = readDynamic(file, segments)
  const one = (tag: number): number | undefined => dynamic.find(entry => entry.tag === tag)?.value
  const offsetOf = (address: number): number => {
    const segment = segments.find(({ type, address: start, size }) =>
      type === segmentTypes.load && address >= start && address < start + size)
    if (segment === undefined) throw new Error(`address 0x${address.toString(16)} is in no segment`)
    return address - segment.address + segment.offset
  }
  const strings = one(tags.strtab)
  const name = (index: number): string => strings === undefined ? '' : text(file, offsetOf(strings) + index)
  const soname = one(tags.soname)
  const interpreter = segments.find(({ type }) => type === segmentTypes.interpreter)
  const table = (start: number, count: number, next: number): Iterable<number> => {
    const address = one(start)
    return address === undefined ? [] : follow(file, offsetOf(address), one(count) ?? 0, next)
  }

  const versionsNeeded = new Map<string, readonly string[]>()
  for (const at of table(tags.verneed, tags.verneednum, 12)) {
    const entries = follow(file, at + file.readUInt32LE(at + 8), file.readUInt16LE(at + 2), 12)
    versionsNeeded.set(name(file.readUInt32LE(at + 4)), [...entries].map(entry => name(file.readUInt32LE(entry + 8))))
  }
  const versionsDefined: string[] = []
  for (const at of table(tags.verdef, tags.verdefnum, 16)) {
    if ((file.readUInt16LE(at + 2) & baseVersion) === 0) versionsDefined.push(name(file.readUInt32LE(at + file.readUInt32LE(at + 12))))
  }
  return {
    soname: soname === undefined ? '' : name(soname),
    needed: dynamic.filter(({ tag }) => tag === tags.needed).map(({ value }) => name(value)),
    versionsNeeded,
    versionsDefined,
    interpreter: interpreter === undefined ? undefined : text(file, interpreter.offset),
    kernel: segments.filter(({ type }) => type === segmentTypes.note).map(segment => abiTag(file, segment)).find(tag => tag !== undefined)
  }
}

function readSegments (file: Buffer): readonly Segment[] {
  const start = word(file, 32)
  const size = file.readUInt16LE(54)
  return Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const at = start + index * size
    return { type: file.readUInt32LE(at), offset: word(file, at + 8), address: word(file, at + 16), size: word(file, at + 32) }
  })
}

function readDynamic (file: Buffer, segments: readonly Segment[]): readonly Entry[] {
  const segment = segments.find(({ type }) => type === segmentTypes.dynamic)
  const entries: Entry[] = []
  for (let at = segment?.offset ?? 0, end = at + (segment?.size ?? 0); at < end; at += 16) {
    const tag = word(file, at)
    if (tag === 0) break
    entries.push({ tag, value: word(file, at + 8) })
  }
  return entries
}

/** The entries of a version table: `next` bytes into each stands how far the following one is from it. */
function * follow (file: Buffer, start: number, count: number, next: number): Generator<number> {
  for (let at = start, left = count; left > 0; left--) {
    yield at
    at += file.readUInt32LE(at + next)
  }
}

function abiTag (file: Buffer, { offset, size }: Segment): string | undefined {
  for (let at = offset; at + 12 <= offset + size;) {
    const [nameSize, length, type] = [file.readUInt32LE(at), file.readUInt32LE(at + 4), file.readUInt32LE(at + 8)]
    const content = at + 12 + aligned(nameSize)
    if (type === abiTagNote && length >= 16 && text(file, at + 12) === 'GNU') {
      return [4, 8, 12].map(skip => file.readUInt32LE(content + skip)).join('.')
    }
    at = content + aligned(length)
  }
  return undefined
}

const aligned = (size: number): number => Math.ceil(size / 4) * 4
const text = (file: Buffer, at: number): string => file.toString('latin1', at, file.indexOf(0, at))
/** Addresses and tags that matter here stay below 2^53. */
const word = (file: Buffer, at: number): number => Number(file.readBigUInt64LE(at))

/** What is missing for `files` to run with nothing but each other, a line each. */
export function unresolved (files: ReadonlyMap<string, Elf>): readonly string[] {
  const libraries = new Map([...files.values()].map(elf => [elf.soname, elf]))
  return [...files].flatMap(([path, { needed, versionsNeeded }]) => [
    ...needed.filter(library => !libraries.has(library)).map(library => `${path} needs ${library}`),
    ...[...versionsNeeded].flatMap(([library, versions]) => {
      const defined = libraries.get(library)?.versionsDefined ?? []
      return versions.filter(version => !defined.includes(version)).map(version => `${path} needs ${version} of ${library}`)
    })
  ])
}

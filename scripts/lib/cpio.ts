// Writes a cpio archive in the "newc" format that the kernel unpacks as its initial root file system
// (linux/Documentation/driver-api/early-userspace/buffer-format.rst). Written here because it needs no cpio package and
// because a device node goes into it without being made on this machine's disk.

export interface Entry {
  /** Path in the archive, without a leading slash; parents have to come first. */
  readonly path: string
  /** File type and permission bits as in stat(2), e.g. 0o100755. */
  readonly mode: number
  readonly content?: Uint8Array
  /** Major and minor number of a device node. */
  readonly device?: readonly [number, number]
}

export const directory = (path: string, mode = 0o755): Entry => ({ path, mode: 0o040000 | mode })
export const file = (path: string, content: Uint8Array, mode = 0o644): Entry => ({ path, mode: 0o100000 | mode, content })
export const symlink = (path: string, target: string): Entry => ({ path, mode: 0o120777, content: Buffer.from(target) })
export const characterDevice = (path: string, major: number, minor: number, mode = 0o600): Entry =>
  ({ path, mode: 0o020000 | mode, device: [major, minor] })

const padded = (length: number): number => (length + 3) & ~3

function encodeEntry (entry: Entry, inode: number): Buffer {
  const content = entry.content ?? new Uint8Array(0)
  const name = Buffer.from(`${entry.path}\0`)
  const [major, minor] = entry.device ?? [0, 0]
  // inode, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [inode, entry.mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, name.length, 0]
  const header = Buffer.from(`070701${fields.map(field => field.toString(16).padStart(8, '0')).join('')}`)
  const start = padded(header.length + name.length)
  const bytes = Buffer.alloc(start + padded(content.length))
  bytes.set(header, 0)
  bytes.set(name, header.length)
  bytes.set(content, start)
  return bytes
}

/** The whole archive; the times in it are 0, so the same entries give the same bytes. */
export const encodeCpio = (entries: readonly Entry[]): Buffer =>
  Buffer.concat([...entries, { path: 'TRAILER!!!', mode: 0 }].map((entry, index) => encodeEntry(entry, index + 1)))

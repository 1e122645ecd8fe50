// A file that is being sent, wherever its bytes are: on disk, in a cache, or made for whoever asked.
import type { OpenedFile } from './file-identity.js'

/** Bytes that stay as they are until they are released. */
export interface FilePiece {
  readonly bytes: Buffer
  release: () => void
}

/** Of a file on disk: until it is closed, whoever has it may read from it by a way of its own. */
export interface FileDescriptor {
  readonly fd: number
  /** As it was when it was looked at last. */
  readonly identity: OpenedFile
  /** Where it was opened. */
  readonly place: string | Buffer
}

/** A file as it was when it was opened. */
export interface OpenFile {
  /** Where the bytes come from, for people: a path on disk, or the name of what made them. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Seconds since the epoch; undefined for a file without a time. */
  readonly modified: number | undefined
  /** A word that changes with the content, however it is read (identityKey); none for what was made in memory. */
  readonly identity?: string
  /**
   * The bytes from `position` on: one at least unless the file ends there, `most` at most; at once when they are in memory.
   * May wait for an earlier piece of this file to be released. Rejects when the disk fails or the file has changed.
   */
  piece: (position: number, most: number) => FilePiece | Promise<FilePiece>
  /** Where all its bytes are that the kernel may send; none for a file that is not on disk as it is sent. */
  readonly descriptor?: FileDescriptor
  close: () => Promise<void>
}

const nothingToRelease = (): void => {}

/** A file that is all in memory. */
export const memoryFile = (path: string, content: Buffer): OpenFile => ({
  path,
  size: content.length,
  modified: undefined,
  piece: (position, most) => ({ bytes: content.subarray(position, position + most), release: nothingToRelease }),
  close: async () => {}
})

/** `length` bytes from `position`, fewer where the file ends; a copy. */
export async function readPart (file: OpenFile, position: number, length: number): Promise<Buffer> {
  const end = Math.min(position + length, file.size)
  const bytes = Buffer.allocUnsafe(Math.max(0, end - position))
  for (let at = position; at < end;) {
    const piece = await file.piece(at, end - at)
    at += piece.bytes.copy(bytes, at - position)
    piece.release()
  }
  return bytes
}

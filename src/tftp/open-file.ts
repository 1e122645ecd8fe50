// Where the files of a TFTP server come from, as an interface: stored ones (file-source.ts), and ones that are made when
// asked for, put in order by the wiring.

/** A file as it was when it was opened. */
export interface OpenFile {
  /** What is served, for the log: a path on disk, or the name of what made it. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /**
   * `length` bytes from `position`, less only where the file ends, as a view that nobody changes; at once when they are
   * in memory. Rejects when the disk fails or the file got shorter than `size`.
   */
  read: (position: number, length: number) => Buffer | Promise<Buffer>
  close: () => Promise<void>
}

export interface FileRequest {
  /** The IPv4 address that asks. */
  readonly client: string
}

export interface FileSource {
  /** The file of a normalised name (file-name.ts), undefined when this source has none. Rejects when it may not be read. */
  open: (name: string, request: FileRequest) => Promise<OpenFile | undefined>
}

/** A file that is all in memory. */
export const memoryFile = (path: string, content: Buffer): OpenFile => ({
  path,
  size: content.length,
  read: (position, length) => content.subarray(position, position + length),
  close: async () => {}
})

/** The first source that has the file is the one it comes from. */
export const firstOf = (sources: readonly FileSource[]): FileSource => ({
  open: async (name, request) => {
    for (const source of sources) {
      const file = await source.open(name, request)
      if (file !== undefined) return file
    }
    return undefined
  }
})

// Shim and GRUB for UEFI HTTP Boot. A shim that firmware loads by HTTP loads its GRUB by HTTP as well, but a GRUB without a module for it
// (Debian's signed one, which under Secure Boot may load none) then knows neither where it came from nor any address, and stays at its
// prompt. In a small disk image, which firmware mounts (UEFI specification 2.10, section 24.7.3.1), GRUB finds its configuration beside
// itself, asks for an address and goes on by TFTP. What is in the image are the signed files as they are.
import { fatImage } from '../disk/fat-image.js'
import { memoryFile, type OpenFile, readPart } from '../disk/open-file.js'
import type { FileSource } from '../tftp/file-source.js'

const shim = /^(?<folder>(?:.*\/)?)shim(?<processor>x64|aa64)\.(?:efi|img)$/

/** Loaders are smaller by far; what is larger is none. Bytes. */
const largestPart = 16 * 2 ** 20
/** Images that are kept: one for each processor and address of this appliance, as a rule. */
const mostKept = 4

/** Where GRUBs look for their configuration in the device that they came from, by their makers. */
const configPaths = ['GRUB', 'BOOT/GRUB', 'EFI/BOOT', ...['DEBIAN', 'UBUNTU', 'FEDORA', 'CENTOS', 'REDHAT', 'ROCKY', 'OPENSUSE'].map(name => `EFI/${name}`)]

/** What GRUB asks a web server with. */
const httpWords = 'HTTP/1.1'

async function contentOf (file: OpenFile | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined
  try {
    return file.size > largestPart ? undefined : await readPart(file, 0, file.size)
  } finally {
    await file.close()
  }
}

/**
 * The loaders that firmware which boots by HTTP is to get inside of an image: shims whose GRUB is there and has no HTTP. A GRUB is read
 * again when another file has its name; one that can't be read is none.
 */
export class HttpNames {
  readonly #files: FileSource
  readonly #hasTftp: boolean
  /** The look at a loader that is under way or was the last, and which GRUB that found. */
  readonly #looks = new Map<string, Promise<string | undefined>>()
  readonly #names = new Map<string, string>()

  /** `files` are the loaders on disk. Without TFTP, by which GRUB goes on, there are none. */
  constructor (files: FileSource, hasTftp: boolean) {
    this.#files = files
    this.#hasTftp = hasTftp
  }

  /** A loader's name over HTTP, by its own; those that are looked at later come into the same map. */
  get names (): ReadonlyMap<string, string> { return this.#names }

  /** Never rejects. */
  async look (loaders: Iterable<string>): Promise<void> {
    await Promise.all(Array.from(loaders, async name => {
      if (!shim.test(name)) return
      const look = (this.#looks.get(name) ?? Promise.resolve(undefined)).then(async before => await this.#lookAt(name, before))
      this.#looks.set(name, look)
      await look
    }))
  }

  /** Which GRUB there is, by its identity; `before` is the one that was found before. */
  async #lookAt (name: string, before: string | undefined): Promise<string | undefined> {
    const { folder = '', processor } = shim.exec(name)?.groups ?? {}
    if (!this.#hasTftp || processor === undefined || !name.endsWith('.efi') || /^https?:/.test(name)) return undefined
    try {
      const file = await this.#files.open(`${folder}grub${processor}.efi`, { client: '127.0.0.1' })
      if (file?.identity !== undefined && file.identity === before) {
        await file.close()
        return before
      }
      const identity = file?.identity
      const grub = await contentOf(file)
      if (grub?.includes(httpWords) === false) this.#names.set(name, imageName(name))
      else this.#names.delete(name)
      return identity
    } catch {
      this.#names.delete(name)
      return undefined
    }
  }
}

/** The image that holds a shim and what it loads. */
export const imageName = (name: string): string => `${name.slice(0, -'efi'.length)}img`

export interface ShimImagesOptions {
  /** Where shim and GRUB come from. */
  readonly files: FileSource
  /** Where the machine at an address finds the HTTP API. */
  readonly originFor: (client: string) => string
}

/** `shimx64.img` and `shimaa64.img` beside a shim and its GRUB. */
export function shimImages ({ files, originFor }: ShimImagesOptions): FileSource {
  const kept = new Map<string, Promise<Buffer>>()
  return {
    open: async (name, request) => {
      const { folder = '', processor } = name.endsWith('.img') ? shim.exec(name)?.groups ?? {} : {}
      if (processor === undefined) return undefined
      const names = ['shim', 'grub', 'mm'].map(stem => `${folder}${stem}${processor}.efi`)
      const opened = await Promise.allSettled(names.map(async part => await files.open(part, request)))
      const parts = opened.map(one => one.status === 'fulfilled' ? one.value : undefined)
      const refused = opened.find(one => one.status === 'rejected')
      if (refused !== undefined) {
        await Promise.all(parts.map(async part => { await part?.close() }))
        const error = refused.reason as Error
        throw error
      }
      const [shimFile, grubFile] = parts
      if (shimFile === undefined || grubFile === undefined || parts.some(part => part !== undefined && part.size > largestPart)) {
        await Promise.all(parts.map(async part => { await part?.close() }))
        return undefined
      }
      const { hostname } = new URL(originFor(request.client))
      const key = [name, hostname, ...parts.map(part => part?.identity)].join('\n')
      const known = kept.get(key)
      if (known !== undefined) {
        await Promise.all(parts.map(async part => { await part?.close() }))
        return memoryFile(`${name} (made)`, await known)
      }
      const made = makeImage(processor, hostname, parts)
      kept.set(key, made)
      for (const oldest of kept.keys()) if (kept.size > mostKept) kept.delete(oldest)
      made.catch(() => { kept.delete(key) })
      return memoryFile(`${name} (made)`, await made)
    }
  }
}

/** @param parts shim, GRUB and MokManager, which are closed */
async function makeImage (processor: string, host: string, parts: ReadonlyArray<OpenFile | undefined>): Promise<Buffer> {
  const [shimBytes, grubBytes, managerBytes] = await Promise.all(parts.map(contentOf))
  const upper = processor.toUpperCase()
  const config = Buffer.from(`net_bootp\nset net_default_server=${host}\nconfigfile (tftp)/grub.cfg\n`)
  return fatImage(new Map([
    [`EFI/BOOT/BOOT${upper}.EFI`, shimBytes ?? Buffer.alloc(0)],
    [`EFI/BOOT/GRUB${upper}.EFI`, grubBytes ?? Buffer.alloc(0)],
    ...managerBytes === undefined ? [] : [[`EFI/BOOT/MM${upper}.EFI`, managerBytes] as const],
    ...configPaths.map(folder => [`${folder}/GRUB.CFG`, config] as const)
  ]))
}

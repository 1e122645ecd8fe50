// What a loader that the configuration names loads next by names of its own, looked at file by file as a machine would: a
// loader whose next file is missing, or may not be read, stops that machine.
import { messageOf } from '../base/errors.js'
import type { FileSource } from '../tftp/file-source.js'

/** PXELINUX of syslinux 5 and later, under its name for TFTP alone and for HTTP besides. */
const pxelinux = /^(?<folder>(?:.*\/)?)l?pxelinux\.0$/

/** What a shim loads beside itself: a distribution's its GRUB; iPXE's what its own name says, and on some firmware always ipxe.efi. */
export function afterShim (loader: string): readonly string[] {
  const [, folder = '', stem, processor] = /^((?:.*\/)?)(?:([\w.]+)-)?shim(x64|aa64|ia32|arm)?\.efi$/.exec(loader) ?? []
  if (stem !== undefined) return [...new Set([`${folder}${stem}.efi`, `${folder}ipxe.efi`])]
  return processor === undefined ? [] : [`${folder}grub${processor}.efi`]
}

export interface BootChain {
  /** Whether the loader itself can be had. */
  readonly found: boolean
  /** What keeps a machine from going on, in a line each. */
  readonly problems: readonly string[]
}

export async function followChain (loader: string, files: FileSource): Promise<BootChain> {
  const problems: string[] = []
  const isThere = async (name: string): Promise<boolean> => {
    try {
      const file = await files.open(name, { client: '127.0.0.1' })
      await file?.close()
      return file !== undefined
    } catch (error) {
      problems.push(`${loader}${name === loader ? '' : ` loads ${name}`}: ${messageOf(error)}`)
      return true
    }
  }
  const found = await isThere(loader)
  for (const name of found ? afterShim(loader) : []) {
    if (!await isThere(name)) problems.push(`${loader} loads ${name}, which is nowhere: machines stop there`)
  }
  const folder = found ? pxelinux.exec(loader)?.groups?.['folder'] : undefined
  if (folder === undefined) return { found, problems }
  // The menu is shown where it is there, and needs its library; iPXE is named from the root (render-pxelinux.ts).
  const next = [`${folder}ldlinux.c32`, ...await isThere(`${folder}menu.c32`) ? [`${folder}libutil.c32`] : [], 'ipxe.lkrn']
  for (const name of next) {
    if (!await isThere(name)) problems.push(`${loader} loads ${name}, which is nowhere: machines stop there (scripts/boot-files fetches it)`)
  }
  return { found, problems }
}

// What ships with the program, and where distributions put boot loaders.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A path below `assets/`, which stands beside the compiled and the uncompiled sources alike. */
export const bundledPath = (name: string): string => fileURLToPath(new URL(`../assets/${name}`, import.meta.url))

/** Folders that may hold boot loaders, first come first served: those of `scripts/boot-files`, Debian's, CentOS's. */
export const bootFolders = (): readonly string[] => [
  bundledPath('boot'),
  '/usr/lib/ipxe',
  '/usr/lib/PXELINUX',
  '/usr/lib/syslinux/modules/bios',
  '/usr/share/ipxe',
  '/usr/share/syslinux'
]

/** The version in package.json. */
export function programVersion (): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}

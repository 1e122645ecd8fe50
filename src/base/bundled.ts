// What ships with the program, and where distributions put boot loaders.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder that holds package.json: this file lies two folders below it, and one where it is bundled into a single file. */
const programFolder = (): URL =>
  ['..', '../..'].map(up => new URL(`${up}/`, import.meta.url)).find(folder => existsSync(new URL('package.json', folder))) as URL

/** A path below `assets/`, which stands beside the compiled and the uncompiled sources alike. */
export const bundledPath = (name: string): string => fileURLToPath(new URL(`assets/${name}`, programFolder()))

/** Folders that may hold boot loaders, first come first served: those of `scripts/boot-files`, Debian's, CentOS's. */
export const bootFolders = (): readonly string[] => [
  bundledPath('boot'),
  '/usr/lib/ipxe',
  '/usr/lib/PXELINUX',
  '/usr/lib/syslinux/modules/bios',
  '/usr/share/ipxe',
  '/usr/share/syslinux'
]

/** The units of systemd as they ship, by their path below `systemd/`; files for other programs are there too. */
export function shippedUnits (): ReadonlyMap<string, string> {
  const folder = new URL('systemd/', programFolder())
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => /^core-provisioner/.test(name) && /\.(?:service|socket|conf)$/.test(name))
  return new Map(names.sort().map(name => [name, readFileSync(new URL(name, folder), 'utf8')]))
}

/** The version in package.json. */
export function programVersion (): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', programFolder()), 'utf8')) as { version: string }
  return version
}

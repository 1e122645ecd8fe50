// Builds what the sandbox's machines boot into: busybox, the virtio modules, the real `ignition` program with the
// libraries it needs, and our init (initramfs/init). Small, because everything in it travels through an emulated machine.
import { execFileSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type Entry, characterDevice, directory, encodeCpio, file, symlink } from './cpio.js'
import { bootSector } from './boot-sector.js'
import { loadModules } from './kernel-modules.js'

export interface InitramfsSources {
  /** A static busybox. */
  readonly busybox: string
  /** Without it the machine gets as far as its kernel and says so. */
  readonly ignition: string | undefined
  /** The unpacked /lib/modules/<version> of the kernel that will boot with it. */
  readonly modules: string
}

const own = join(dirname(fileURLToPath(import.meta.url)), 'initramfs')
const drivers = ['virtio_pci', 'virtio_net', 'virtio_blk', 'virtio_rng']

/** The shared libraries of a program: lines such as `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)` from ldd. */
function librariesOf (program: string): string[] {
  const lines = execFileSync('ldd', [program], { encoding: 'utf8' }).split('\n')
  const missing = lines.find(line => line.includes('not found'))
  if (missing !== undefined) throw new Error(`${program} needs a library that this machine does not have: ${missing.trim()}`)
  return lines.flatMap(line => /\s(\/\S+) \(0x/.exec(line)?.[1] ?? [])
}

function withParents (entries: readonly Entry[]): Entry[] {
  const known = new Set(entries.map(entry => entry.path))
  const parents = new Set<string>()
  for (const { path } of entries) {
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) if (!known.has(parent)) parents.add(parent)
  }
  return [...[...parents].sort().map(path => directory(path)), ...entries]
}

/** The compressed archive, ready to be served as an initrd. */
export function buildInitramfs ({ busybox, ignition, modules }: InitramfsSources): Buffer {
  const loaded = loadModules(modules, drivers)
  const entries = withParents([
    ...['dev', 'proc', 'sys', 'run', 'sysroot', 'tmp', 'sbin', 'usr/sbin'].map(path => directory(path)),
    // The kernel opens it as init's standard input and output before init could mount anything.
    characterDevice('dev/console', 5, 1),
    file('init', readFileSync(join(own, 'init')), 0o755),
    file('udhcpc-script', readFileSync(join(own, 'udhcpc-script')), 0o755),
    file('bin/busybox', readFileSync(busybox), 0o755),
    symlink('bin/sh', 'busybox'),
    file('boot-sector', bootSector()),
    ...ignition === undefined ? [] : [file('usr/bin/ignition', readFileSync(ignition), 0o755)],
    ...(ignition === undefined ? [] : librariesOf(ignition)).map(path => file(path.slice(1), readFileSync(realpathSync(path)), 0o755)),
    ...loaded.map(({ name, content }) => file(`modules/${name}.ko`, content)),
    file('modules/order', Buffer.from(loaded.map(({ name }) => `${name}\n`).join('')))
  ])
  return gzipSync(encodeCpio(entries), { level: 6 })
}

// Finds kernel modules and what they depend on. Each module names its dependencies in its own .modinfo section
// ("depends=virtio,virtio_ring"), so no depmod and no modules.dep is needed.
import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

export interface KernelModule { readonly name: string, readonly content: Buffer }

// The kernel takes '-' and '_' in a module's name for the same: the file is virtio-rng.ko, the module virtio_rng.
const normal = (name: string): string => name.replaceAll('-', '_')

function dependenciesOf (content: Buffer): string[] {
  const start = content.indexOf('\0depends=', 0, 'latin1')
  if (start < 0) return []
  const from = start + '\0depends='.length
  const names = content.toString('latin1', from, content.indexOf(0, from))
  return names === '' ? [] : names.split(',')
}

/**
 * The named modules and everything they depend on, in the order in which insmod takes them.
 * @param folder the unpacked /lib/modules/<version>
 * @throws Error when a module is not there (it may be built into that kernel)
 */
export function loadModules (folder: string, wanted: readonly string[]): KernelModule[] {
  const files = new Map(readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ko')).map(path => [normal(basename(path, '.ko')), path]))
  const loaded = new Map<string, KernelModule>()
  const visit = (name: string): void => {
    const key = normal(name)
    if (loaded.has(key)) return
    const path = files.get(key)
    if (path === undefined) throw new Error(`no kernel module ${name} below ${folder}`)
    const content = readFileSync(join(folder, path))
    for (const dependency of dependenciesOf(content)) visit(dependency)
    loaded.set(key, { name: key, content })
  }
  for (const name of wanted) visit(name)
  return [...loaded.values()]
}

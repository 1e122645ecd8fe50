import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadModules } from '../../scripts/lib/kernel-modules.js'

function kernel (t: Tap, modules: Readonly<Record<string, string>>): string {
  const folder = t.testdir()
  for (const [path, depends] of Object.entries(modules)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, `${path}.ko`), `\x7fELF\0license=GPL\0depends=${depends}\0retpoline=Y\0`)
  }
  return folder
}
type Tap = Pick<typeof t, 'testdir'>

t.test('what a module depends on comes before it, once', t => {
  const folder = kernel(t, {
    'kernel/drivers/net/virtio_net': 'virtio_ring,virtio,net_failover',
    'kernel/net/core/failover': '',
    'kernel/drivers/net/net_failover': 'failover',
    'kernel/drivers/virtio/virtio': 'virtio_ring',
    'kernel/drivers/virtio/virtio_ring': '',
    'kernel/drivers/char/hw_random/virtio-rng': 'virtio,virtio_ring'
  })
  const names = loadModules(folder, ['virtio_net', 'virtio_rng']).map(({ name }) => name)
  t.strictSame(names, ['virtio_ring', 'virtio', 'failover', 'net_failover', 'virtio_net', 'virtio_rng'])
  t.end()
})

t.test('a module that is not there is named', t => {
  t.throws(() => loadModules(kernel(t, { 'kernel/a': 'b' }), ['a']), /no kernel module b/)
  t.end()
})

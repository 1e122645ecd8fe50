// Of the configuration what single parts are made of, and what is amiss with the folders that it names.
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeClock } from '../helpers/fake-clock.js'
import { makeGroup, MemoryStore } from '../helpers/memory-store.js'
import { type LoadedConfig, loadConfig } from '../../src/config/load.js'
import { folderAmiss } from '../../src/disk/folder-amiss.js'
import { stateAmiss } from '../../src/wiring/folder-amiss.js'
import { followGroups, keepGroupMachines } from '../../src/wiring/group-machines.js'
import { imageSources } from '../../src/wiring/image-sources.js'
import { mirrorOptions } from '../../src/wiring/mirror-options.js'
import { watchNeighbours } from '../../src/wiring/neighbours.js'
import { openSigner } from '../../src/wiring/signing.js'
import { UpdateGroups } from '../../src/wiring/update-groups.js'
import type { NeighbourKind } from '../../src/dhcp/neighbours.js'
import { formatIpv4, parseIpv4 } from '../../src/net/ipv4.js'
import type { Mac } from '../../src/net/mac.js'

const load = (...set: string[]): LoadedConfig => loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set })

t.test('sources of images: each once, and with a place for them', t => {
  const sources = (...set: string[]): readonly string[] => imageSources(load(...set)).map(({ id }) => id)
  t.same(sources(), [])
  t.same(sources('assets_path=""'), [])
  const [one, two] = sources('images.sources=[{ os: flatcar }, { os: flatcar, channel: beta }]')
  t.not(one, two)
  for (const [set, message] of [
    [['images.sources=[{ os: flatcar }, { os: flatcar }]'], /^--set images\.sources: images\.sources\.1: .* is there already$/],
    [['images.sources=[{ os: custom }]'], /^--set images\.sources: images\.sources\.0: /],
    [['images.sources=[{ os: flatcar }]', 'assets_path=""'], /^--set images\.sources: images\.sources: expected none, since assets_path is ""$/]
  ] as const) t.throws(() => sources(...set), { code: 'config_invalid', message })
  const loaded = load('images.keys=[{ file: /k, fingerprint: "0123456789abcdef0123456789abcdef01234567" }]', 'images.ca_file=/ca', 'images.keep=7', 'images.max_size=1MiB', 'images.timeout=7s')
  t.match(mirrorOptions(loaded, [], { A: 'b' }), {
    assetsPath: '/var/lib/matchbox/assets',
    statePath: '/var/lib/core-provisioner',
    sources: [],
    keep: 7,
    timeout: 7000,
    maxSize: 2 ** 20,
    caFile: '/ca',
    caKey: '--set images.ca_file: images.ca_file',
    env: { A: 'b' },
    keys: [{ file: '/k', named: '--set images.keys: images.keys.0.file' }]
  })
  t.throws(() => mirrorOptions(load('assets_path=""'), [], {}), { code: 'config_invalid', message: /no place for images/ })
  t.end()
})

t.test('groups of updates are told of when they are others', t => {
  const groups = (name: string) => load(`updates.groups=[{ os: fedora-coreos, name: ${name} }]`).config.updates.groups
  const now = new UpdateGroups(groups('a'))
  const told: string[] = []
  now.onChange(groups => { told.push(groups[0]!.name) })
  t.equal(now.set(groups('a')), false)
  t.equal(now.set(groups('b')), true)
  t.equal(now.now[0]?.name, 'b')
  t.same(told, ['b'])
  t.end()
})

t.test('folders that can not be read, or written', async t => {
  const folder = t.testdir({ file: '' })
  symlinkSync('loop', join(folder, 'loop'))
  t.equal(await folderAmiss(folder), undefined)
  t.equal(await folderAmiss(folder, 'written'), undefined)
  t.equal(await folderAmiss(join(folder, 'absent')), undefined)
  t.equal(await folderAmiss(join(folder, 'file')), `${join(folder, 'file')} is no folder`)
  t.equal(await folderAmiss(join(folder, 'file/below')), `${join(folder, 'file')} is no folder`)
  t.match(await folderAmiss(join(folder, 'loop'), 'written'), /loop cannot be written \(ELOOP\)/)
  t.equal(await stateAmiss(load(`state_path=${folder}`)), undefined)
  t.equal(await stateAmiss(load(`state_path=${join(folder, 'file')}`)), `--set state_path: state_path: ${join(folder, 'file')} is no folder`)
})

t.test('answers are signed with the ring that is configured, or with none', async t => {
  t.equal(await openSigner(load(), '', new FakeClock()), undefined)
  await t.rejects(openSigner(load('signing.key_ring_path=/nowhere/ring'), '', new FakeClock()), { message: /^--set signing\.key_ring_path: signing\.key_ring_path: / })
})

t.test('other servers and relay agents are noted where a page shows them', t => {
  const clock = new FakeClock()
  t.equal(watchNeighbours({ config: load().config, clock }), undefined)
  const watch = watchNeighbours({ config: load('ui.address=127.0.0.1:8082', 'dhcp.subnets=[{ subnet: 10.0.0.0/24 }]').config, clock })!
  watch.onRelay(parseIpv4('10.0.0.9')!)
  watch.onRelay(parseIpv4('10.0.1.9')!)
  watch.onServer(parseIpv4('10.0.0.8')!)
  t.same(['relay', 'unexpected_relay', 'server'].map(kind => watch.seen.of(kind as NeighbourKind).seen.map(({ address }) => formatIpv4(address))), [['10.0.0.9'], ['10.0.1.9'], ['10.0.0.8']])
  t.end()
})

t.test('who is told of a loader when groups are written', async t => {
  const store = new MemoryStore()
  const kept = keepGroupMachines(store)
  const told: Array<readonly Mac[]> = []
  const closers: Array<() => Promise<void>> = []
  followGroups(kept, store, machines => { told.push(machines) }, close => { closers.push(close) })
  const mac = '52:54:00:00:00:01'
  t.equal(kept.hasLoader(mac as Mac), false)
  await store.putGroup(makeGroup({ id: 'g', selector: { mac }, metadata: { boot_file: 'a.efi' } }))
  t.equal(kept.hasLoader(mac as Mac), true)
  await store.putConfig('generic', 'g', Buffer.from(''))
  await store.deleteGroup('g')
  t.same(told, [[mac]], 'of what is gone nobody is told')
  t.equal(kept.hasLoader(mac as Mac), false)
  for (const close of closers) await close()
  await store.putGroup(makeGroup({ id: 'h', selector: { mac } }))
  t.equal(told.length, 1)
})

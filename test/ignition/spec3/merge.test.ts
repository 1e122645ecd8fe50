import t from 'tap'
import { config as table } from '../../../src/ignition/spec3/schema.js'
import { atVersion } from '../../../src/ignition/schema.js'
import { mergeConfigs } from '../../../src/ignition/spec3/merge.js'
import { filled } from '../../../src/ignition/values.js'
import type { Value, Values } from '../../../src/ignition/schema.js'

const struct = atVersion(table, 4, {})
const merge = (parent: Values, child: Values): { config: Value, transcript: readonly string[] } => {
  const { config, transcript } = mergeConfigs(struct, filled(struct, parent), filled(struct, child))
  return { config: written(config) ?? {}, transcript: transcript.map(({ from, source, result }) => `${from} ${source.join('.')} > ${result.join('.')}`) }
}

/** Without what is not there or empty. */
const written = (value: Value): Value => {
  if (typeof value !== 'object') return value === '' ? undefined : value
  if (isList(value)) return value.length === 0 ? undefined : value.map(written)
  const entries = Object.entries(value).map(([key, inside]) => [key, written(inside)] as const).filter(([, inside]) => inside !== undefined)
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
const isList = (value: Value): value is readonly Value[] => Array.isArray(value)

const units = (...of: Values[]): Values => ({ systemd: { units: of } })

t.test('entries of one key become one, in which the child wins', async t => {
  const { config, transcript } = merge(units({ name: 'a.service', contents: 'parent', enabled: true }),
    units({ name: 'a.service', contents: 'child' }))
  t.same(config, units({ name: 'a.service', contents: 'child', enabled: true }))
  t.ok(transcript.includes('child systemd.units.0.contents > systemd.units.0.contents'))
  t.ok(transcript.includes('parent systemd.units.0.enabled > systemd.units.0.enabled'))
})

t.test("the parent's entries come first, then what only the child has", async t => {
  const { config, transcript } = merge(units({ name: 'a.service' }, { name: 'b.service' }), units({ name: 'c.service' }, { name: 'b.service' }))
  t.same(config, units({ name: 'a.service' }, { name: 'b.service' }, { name: 'c.service' }))
  t.ok(transcript.includes('child systemd.units.0.name > systemd.units.2.name'))
})

t.test('false is a value and wins', async t => {
  t.same(merge(units({ name: 'a.service', enabled: true }), units({ name: 'a.service', enabled: false })).config,
    units({ name: 'a.service', enabled: false }))
})

t.test('what the child makes a link is no file of the parent any more', async t => {
  const { config } = merge({ storage: { files: [{ path: '/a' }, { path: '/b' }] } }, { storage: { links: [{ path: '/a', target: '/c' }] } })
  t.same(config, { storage: { files: [{ path: '/b' }], links: [{ path: '/a', target: '/c' }] } })
})

t.test('lists that may repeat are put one after the other', async t => {
  const files = (...sources: string[]): Values => ({ storage: { files: [{ path: '/a', append: sources.map(source => ({ source })) }] } })
  t.same(merge(files('data:,1', 'data:,2'), files('data:,1')).config, files('data:,1', 'data:,2', 'data:,1'))
})

t.test('partitions match by number, and those of number 0 by label', async t => {
  const disk = (...partitions: Values[]): Values => ({ storage: { disks: [{ device: '/dev/a', partitions }] } })
  t.same(merge(disk({ number: 1n, label: 'x' }, { number: 0n, label: 'y' }), disk({ number: 0n, label: 'y', sizeMiB: 1n }, { number: 1n, label: 'z' })).config,
    disk({ number: 1n, label: 'z' }, { number: 0n, label: 'y', sizeMiB: 1n }))
})

t.test('merging nothing with a config leaves the config', async t => {
  const config = units({ name: 'a.service', dropins: [{ name: 'b.conf', contents: 'c' }] })
  t.same(merge({}, config).config, config)
  t.same(merge(config, {}).config, config)
})

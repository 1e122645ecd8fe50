import t from 'tap'
import { Metrics } from '../../src/base/metrics.js'
import type { Observation } from '../../src/machines/machine.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { fromDisk } from '../../src/machines/timeline.js'
import { BootCounts, mostProfiles } from '../../src/machines/boot-counts.js'
import { mac } from '../helpers/dhcp.js'

const machine = mac('52:54:00:00:00:01')

t.test('boots by how they ended, stages by how long they took', async t => {
  const metrics = new Metrics()
  const [counts, registry] = [new BootCounts(metrics), new MachineRegistry([], { note: () => {} })]
  let at = 1000
  const see = (stage: Observation['stage'], seconds: number, more: Partial<Observation> = {}): void => {
    at += seconds * 1000
    const before = registry.get(machine)
    counts.count(before, registry.record({ mac: machine, stage, at, program: 'pxe', ...more }))
  }
  const boot = (): void => { for (const stage of ['discover', 'ack', 'loader'] as const) see(stage, 2) }
  boot()
  see('script', 2, { profile: 'p' })
  see('kernel', 20)
  see('ignition', 2)
  see('installed', 200)
  boot()
  see('script', 1, { detail: fromDisk })
  boot()
  see('script', 0, { detail: fromDisk })
  boot()
  see('script', 1, { code: 'group_unmatched', failed: 'no group matches the labels' })
  boot()
  see('kernel', -500)
  const text = await metrics.text()
  for (const line of [
    'boots_total{profile="p",result="finished"} 1', 'boots_total{profile="p",result="disk"} 2', 'boots_total{profile="p",result="failed"} 1',
    'boot_stage_seconds_sum{stage="installed"} 200', 'boot_stage_seconds_bucket{le="10",stage="kernel"} 0', 'boot_stage_seconds_bucket{le="30",stage="kernel"} 1', 'boot_stage_seconds_count{stage="loader"} 5', 'boot_stage_seconds_count{stage="script"} 3', 'boot_stage_seconds_bucket{le="1",stage="script"} 2'
  ]) t.ok(text.includes(`${line}\n`), line)
})

t.test('profiles that come and go for years make only so many labels, strangers none', t => {
  const counts = new BootCounts(new Metrics())
  const labels = new Set(Array.from({ length: 3 * mostProfiles }, (_, i) => counts.labelOf(`p${i}`)))
  t.equal(labels.size, mostProfiles + 1)
  t.equal(counts.labelOf('p0'), 'p0')
  t.equal(counts.labelOf(undefined), 'none')
  t.end()
})

t.test('a machine of which nothing is remembered did not fail', async t => {
  const metrics = new Metrics()
  const counts = new BootCounts(metrics)
  const seen = { mac: machine, firstSeen: 0, lastSeen: 0, boots: 1, profile: 'p', timeline: [] }
  counts.count(seen, { ...seen, boots: 2, stage: 'discover', timeline: [{ stage: 'discover', at: 1000 }] })
  t.notMatch(await metrics.text(), /boots_total\{/)
  t.notMatch(await metrics.text(), /boot_stage_seconds_count\{/)
})

import t from 'tap'
import fc from 'fast-check'
import { checkDisk } from '../../../src/ignition/spec3/check-disk.js'
import { disk } from '../../../src/ignition/spec3/schema.js'
import { atVersion, view } from '../../../src/ignition/schema.js'
import { findingsAt } from '../../../src/ignition/validate.js'
import { filled } from '../../../src/ignition/values.js'
import type { SchemaFinding } from '../../../src/ignition/validate.js'
import { cases } from '../../helpers/property.js'

interface Partition { readonly number: bigint, readonly label?: string, readonly startMiB?: bigint, readonly sizeMiB?: bigint }

const findings = (partitions: readonly Partition[]): SchemaFinding[] => {
  const found: SchemaFinding[] = []
  checkDisk(view(disk, filled(atVersion(disk, 4, {}), { device: '/dev/a', partitions: [...partitions.map(partition => ({ ...partition }))] })), findingsAt(found))
  return found
}

const overlapOf = (partitions: readonly Partition[]): number =>
  Number(findings(partitions).find(({ message }) => message === 'partitions overlap')?.path[1] ?? -1)

// Each against each, as Ignition does it.
const naiveOverlap = (partitions: readonly Partition[]): number => {
  const end = ({ startMiB = 0n, sizeMiB = 0n }: Partition): bigint => sizeMiB === 0n ? startMiB : startMiB + sizeMiB - 1n
  for (const p of partitions) {
    if (!p.startMiB || p.sizeMiB === undefined) continue
    for (const [i, o] of partitions.entries()) {
      if (o === p || !o.startMiB || o.sizeMiB === undefined) continue
      if (p.startMiB >= o.startMiB && p.startMiB <= end(o)) return i
      if (end(p) >= o.startMiB && end(p) <= end(o)) return i
      if (p.startMiB < o.startMiB && end(p) > end(o)) return i
    }
  }
  return -1
}

t.test('overlaps are found where comparing each with each finds them', t => {
  const size = fc.option(fc.bigInt({ min: 0n, max: 12n }), { nil: undefined })
  const partition = fc.record({ number: fc.bigInt({ min: 0n, max: 9n }), startMiB: size, sizeMiB: size })
    .map(({ number, startMiB, sizeMiB }): Partition =>
      ({ number, ...startMiB === undefined ? {} : { startMiB: startMiB * 3n }, ...sizeMiB === undefined ? {} : { sizeMiB } }))
  const agree = fc.property(fc.array(partition, { maxLength: 6 }), partitions => overlapOf(partitions) === naiveOverlap(partitions))
  fc.assert(agree, cases(t, 3000))
  t.end()
})

t.test('repeated numbers and labels name the second of them', t => {
  const partitions = [{ number: 1n, label: 'a' }, { number: 2n, label: 'b' }, { number: 2n, label: 'a' }, { number: 0n, label: 'c' }, { number: 0n, label: 'd' }]
  t.same(findings(partitions).map(({ path, message }) => [path[1], message]),
    [[2, 'partition numbers collide'], [2, 'cannot use the same partition label twice']])
  t.end()
})

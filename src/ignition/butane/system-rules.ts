// What the systems behind the variants add to Ignition's own rules, held against the translated config: partition labels of
// Fedora CoreOS, and sections that the others cannot carry out (config/fcos/v1_*/translate.go, config/util/filter.go).
import type { ValuePath } from '../../base/positions.js'
import { ignitionFields, view } from '../schema.js'
import { config as configTable } from '../spec3/schema.js'
import { asList, asValues, behind, isZero } from '../values.js'
import type { Type, Value, Values } from '../schema.js'
import type { SchemaFinding } from '../validate.js'
import type { Dialect } from './dialects.js'

const imagePartitions: Readonly<Record<string, bigint>> = { 'BIOS-BOOT': 1n, 'PowerPC-PReP-boot': 1n, 'EFI-SYSTEM': 2n, boot: 3n, root: 4n }

/** Labels of the image's own partitions on partitions that are not those; a wiped disk has none of them. */
export const reservedLabels = (config: Values): readonly SchemaFinding[] =>
  view(configTable, config).storage.disks.flatMap(({ wipeTable, partitions }, i) => wipeTable === true
    ? []
    : partitions.flatMap(({ label = '', number }, j): SchemaFinding[] => {
      const usual = Object.hasOwn(imagePartitions, label) ? imagePartitions[label] : undefined
      if (usual === undefined || usual === number) return []
      const message = 'incorrect partition number; a new partition will be created using reserved label'
      return [{ kind: 'warning', path: ['storage', 'disks', i, 'partitions', j, 'label'], message }]
    }))

/** A root partition that is too small for updates, or that cannot grow as it is meant to. */
export const rootPartitions = (config: Values): readonly SchemaFinding[] =>
  view(configTable, config).storage.disks.flatMap(({ partitions }, i) => partitions.flatMap((root, j): SchemaFinding[] => {
    if (root.label !== 'root') return []
    const warning = (field: string, message: string): SchemaFinding[] => [{ kind: 'warning', path: ['storage', 'disks', i, 'partitions', j, field], message }]
    const { sizeMiB = 0n } = root
    if (sizeMiB !== 0n) return sizeMiB < 8192n ? warning('sizeMiB', 'root should have 8GiB of space assigned') : []
    return partitions.some(({ startMiB = 0n }, k) => k !== j && startMiB === 0n)
      ? warning('label', 'root partition cannot expand; it is set to fill available space but is followed by an auto-positioned partition')
      : []
  }))

/** Sections that the variant forbids and the config has; what lies in them is not looked at. */
export const unsupportedFields = ({ ignition, unsupported }: Dialect, config: Values): readonly SchemaFinding[] => {
  const found: SchemaFinding[] = []
  const walk = (pointer: Type, value: Value, at: ValuePath): void => {
    const type = behind(pointer)
    const message = unsupported[at.filter(step => typeof step === 'string').join('.')]
    if (message !== undefined) {
      if (!isZero(pointer, value)) found.push({ kind: 'error', path: at, message })
    } else if (type.kind === 'struct' && value !== undefined) {
      for (const [name, field] of ignitionFields(type)) walk(field, asValues(value)[name], [...at, name])
    } else if (type.kind === 'list') {
      asList(value).forEach((item, i) => walk(type.element, item, [...at, i]))
    }
  }
  walk(ignition, config, [])
  return found
}

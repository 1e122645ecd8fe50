// What the systems behind the variants add to Ignition's own rules, held against the translated config: partition labels of
// Fedora CoreOS, and sections that the others cannot carry out (config/fcos/v1_*/translate.go, config/util/filter.go).
import { view } from '../spec3/types.js'
import { asList, asValues, ignitionFields, isZero } from '../spec3/value.js'
import type { Finding } from '../spec3/checks.js'
import type { Type, Value, Values } from '../spec3/schema.js'
import type { Config } from '../spec3/types.js'
import type { Path } from '../spec3/value.js'
import type { Dialect } from './dialects.js'

const imagePartitions: Readonly<Record<string, bigint>> = { 'BIOS-BOOT': 1n, 'PowerPC-PReP-boot': 1n, 'EFI-SYSTEM': 2n, boot: 3n, root: 4n }

/** Labels of the image's own partitions on partitions that are not those; a wiped disk has none of them. */
export const reservedLabels = (config: Values): readonly Finding[] =>
  (view<Config>(config).storage.disks ?? []).flatMap(({ wipeTable, partitions = [] }, i) => wipeTable === true
    ? []
    : partitions.flatMap(({ label = '', number }, j): Finding[] => {
      const usual = Object.hasOwn(imagePartitions, label) ? imagePartitions[label] : undefined
      if (usual === undefined || usual === number) return []
      const message = 'incorrect partition number; a new partition will be created using reserved label'
      return [{ kind: 'warning', path: ['storage', 'disks', i, 'partitions', j, 'label'], message }]
    }))

/** Sections that the variant forbids and the config has; what lies in them is not looked at. */
export const unsupportedFields = ({ schema, unsupported }: Dialect, config: Values): readonly Finding[] => {
  const found: Finding[] = []
  const walk = (type: Type, value: Value, at: Path): void => {
    const message = unsupported[at.filter(step => typeof step === 'string').join('.')]
    if (message !== undefined) {
      if (!isZero(type, value)) found.push({ kind: 'error', path: at, message })
    } else if (type.kind === 'struct' && value !== undefined) {
      for (const field of ignitionFields(type.of)) walk(field.type, asValues(value)[field.json], [...at, field.json])
    } else if (type.kind === 'list') {
      asList(value).forEach((item, i) => walk(type.of, item, [...at, i]))
    }
  }
  walk({ kind: 'struct', of: schema.config, optional: false }, config, [])
  return found
}

// Whether a config is valid Ignition 3: duplicates first, then each section by its own rules, both from the outside in, which
// is the order of the reference's reports.
import { checkCustom, checkDevice, checkDisk, checkFilesystem, checkLuks, checkPartition, checkRaid, checkTang } from './check-disk.js'
import {
  checkCaReference, checkConfigReference, checkHeader, checkIgnitionConfig, checkProxy, checkResource, checkTls, checkVerification
} from './check-resource.js'
import { checkConfig, checkDirectory, checkFile, checkNode, checkOwner, checkStorage } from './check-storage.js'
import { checkDropin, checkSystemd, checkUnit } from './check-unit.js'
import { bareName, keyOf } from './keys.js'
import { view } from './types.js'
import { asList, asValues, eachValue, ignitionFields } from './value.js'
import type { Spec, Struct, Values } from './schema.js'
import type { Path } from './value.js'

export interface Finding { readonly kind: 'error' | 'warning', readonly path: Path, readonly message: string }

/** Takes findings about a section; paths are relative to it, and no message is no finding. */
export interface Findings {
  readonly error: (path: Path, message: string | undefined) => void
  readonly warning: (path: Path, message: string | undefined) => void
}

/** A section's own rules. It looks at the fields it has, not at what lies in structs below, which have rules of their own. */
export type Check<T> = (section: T, report: Findings, spec: Spec) => void

export const findingsAt = (found: Finding[], at: Path): Findings => {
  const take = (kind: Finding['kind']) => (path: Path, message: string | undefined): void => {
    if (message !== undefined) found.push({ kind, path: [...at, ...path], message })
  }
  return { error: take('error'), warning: take('warning') }
}

const rule = <T>(check: Check<T>): Check<Values> => (values, report, spec) => check(view<T>(values), report, spec)

const rules: Readonly<Record<string, Check<Values>>> = {
  CaReference: rule(checkCaReference),
  ClevisCustom: rule(checkCustom),
  Config: rule(checkConfig),
  ConfigReference: rule(checkConfigReference),
  Custom: rule(checkCustom),
  Directory: rule(checkDirectory),
  Disk: rule(checkDisk),
  Dropin: rule(checkDropin),
  File: rule(checkFile),
  FileContents: rule(checkResource),
  Filesystem: rule(checkFilesystem),
  HTTPHeader: rule(checkHeader),
  IgnitionConfig: rule(checkIgnitionConfig),
  Link: rule(checkNode),
  Luks: rule(checkLuks),
  NodeGroup: rule(checkOwner),
  NodeUser: rule(checkOwner),
  Partition: rule(checkPartition),
  Proxy: rule(checkProxy),
  Raid: rule(checkRaid),
  Resource: rule(checkResource),
  Storage: rule(checkStorage),
  Systemd: rule(checkSystemd),
  Tang: rule(checkTang),
  TLS: rule(checkTls),
  Unit: rule(checkUnit),
  Verification: rule(checkVerification)
}

export const checkIgnition = (config: Struct, values: Values, spec: Spec): readonly Finding[] => {
  const found: Finding[] = []
  eachValue(config, values, 'json', (type, value, at) => {
    if (type.kind === 'struct') findDuplicates(type.of, asValues(value), findingsAt(found, at))
  })
  eachValue(config, values, 'json', (type, value, at) => {
    const report = findingsAt(found, at)
    if (type.kind === 'struct') rules[bareName(type.of.name)]?.(asValues(value), report, spec)
    else if (type.kind === 'string' && bareName(type.name) === 'Device') report.error([], checkDevice(String(value)))
  })
  return found
}

const findDuplicates = (struct: Struct, values: Values, report: Findings): void => {
  const seen = new Map<string, Set<string>>()
  for (const { json, type, repeats, shares } of ignitionFields(struct)) {
    if (type.kind !== 'list' || repeats === true) continue
    const keys = seen.get(shares ?? json) ?? new Set()
    seen.set(shares ?? json, keys)
    asList(values[json]).forEach((item, i) => {
      const key = keyOf(type.of, item)
      if (keys.has(key)) report.error([json, i], 'duplicate entry defined')
      keys.add(key)
    })
  }
}

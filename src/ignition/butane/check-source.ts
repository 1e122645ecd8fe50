// What Butane demands of its own sugar before it translates anything (base/v0_*/validate.go, config/fcos/v1_*/validate.go).
import { directory, dropin, file, fileContents, filesystem, quadlet, resource, tree, unit } from '../spec3/schema.js'
import { view } from '../schema.js'
import { findingsAt, rule, validate } from '../validate.js'
import { checkBootDevice, mirrorProblem } from './check-boot-device.js'
import { decimalMode } from './modes.js'
import { quadletName, quadletProblem } from './quadlets.js'
import { bootDevice, bootDeviceMirror, document as documentTable, grubUser } from './schema.js'
import type { ValueOf, Values } from '../schema.js'
import type { Resource, Spec } from '../spec3/schema.js'
import type { SchemaFinding, Findings, Rules } from '../validate.js'
import type { Dialect } from './dialects.js'

const pathNeeded = 'path is required if with_mount_unit is true and format is not swap'
const formatNeeded = 'format is required if with_mount_unit is true'

const checkResource = (resource: Resource, report: Findings, spec: Spec): void => {
  const set = (['local', 'inline', 'source'] as const).filter(name => resource[name] !== undefined)
  if (set.length > 1) report.error([spec === 0 ? 'inline' : set.at(-1) ?? ''], 'only one of the following can be set: inline, local, source')
}

const checkMode = (inDirectory: boolean) => ({ mode }: { readonly mode: bigint | undefined }, report: Findings): void => {
  if (mode !== undefined && decimalMode(mode, inDirectory)) {
    report.warning(['mode'], 'unreasonable mode would be reasonable if specified in octal; remember to add a leading zero')
  }
}

interface Contents { readonly contents: string | undefined, readonly contentsLocal: string | undefined }

const checkUnit = ({ contents, contentsLocal }: Contents, report: Findings): void => {
  if (contents !== undefined && contentsLocal !== undefined) {
    report.error(['contentsLocal'], 'only one of the following can be set: contents, contents_local')
  }
}

type Document = ValueOf<typeof documentTable>

const bootDisk = '/dev/disk/by-id/coreos-boot-disk'

/** Rules from 1.6.0 on for the document as a whole. */
const checkStrictDisks = ({ storage, bootDevice }: Document, report: Findings): void => {
  const reuse = 'partitions cannot be reused by label; number must be specified except on boot disk ' +
    `(${bootDisk}) or when wipe_table is true`
  storage.disks.forEach(({ device, wipeTable, partitions }, i) => {
    // Those of the mirror are partitioned anew, by labels that are its own.
    if (device === bootDisk || wipeTable === true || bootDevice?.mirror.devices.includes(device) === true) return
    partitions.forEach(({ number, label }, p) => {
      if (number === 0n && label !== undefined) report.warning(['storage', 'disks', i, 'partitions', p, 'number'], reuse)
    })
  })
  storage.filesystems.forEach(({ path, withMountUnit }, i) => {
    if (path !== undefined && withMountUnit === true && !/^\/(etc|var)(\/|$)/.test(path)) {
      report.error(['storage', 'filesystems', i, 'path'], 'path must be under /etc or /var if with_mount_unit is true')
    }
  })
}

const rules: Rules<Spec> = new Map([
  rule(bootDevice, checkBootDevice),
  rule(bootDeviceMirror, ({ devices }, report) => report.error(['devices'], mirrorProblem(devices))),
  rule(directory, checkMode(true)),
  rule(dropin, checkUnit),
  rule(file, checkMode(false)),
  rule(fileContents, checkResource),
  rule(filesystem, ({ withMountUnit, format, path }, report, spec: Spec) => {
    if (withMountUnit !== true) return
    // Until 3.2 there were no units for swap, and both complaints came at once.
    if (spec < 3 && !path) report.error(['path'], pathNeeded)
    if (!format) report.error(['format'], formatNeeded)
    else if (spec >= 3 && format !== 'swap' && !path) report.error(['path'], pathNeeded)
  }),
  rule(grubUser, ({ name, passwordHash }, report) => {
    if (name === '') report.error(['name'], 'field "name" is required')
    if (!passwordHash) report.error(['passwordHash'], 'field "password_hash" is required')
  }),
  rule(quadlet, ({ name, contents, contentsLocal }, report) => {
    report.error(['name'], quadletProblem(name))
    if (quadletName(name).template === undefined) return checkUnit({ contents, contentsLocal }, report)
    const kept = 'template instances cannot have contents or contents_local'
    if (contents !== undefined) report.error(['contents'], kept)
    if (contentsLocal !== undefined) report.error(['contentsLocal'], kept)
  }),
  rule(resource, checkResource),
  rule(tree, ({ local }, report) => { if (local === '') report.error([], 'local is required') }),
  rule(unit, checkUnit)
])

export const checkSource = ({ document, spec, strictDisks }: Dialect, values: Values): readonly SchemaFinding[] => {
  const found: SchemaFinding[] = []
  if (strictDisks) checkStrictDisks(view(documentTable, values), findingsAt(found))
  return [...found, ...validate(document, values, rules, spec)]
}

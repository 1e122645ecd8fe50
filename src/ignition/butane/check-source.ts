// What Butane demands of its own sugar before it translates anything (base/v0_*/validate.go, config/fcos/v1_*/validate.go).
import { findingsAt } from '../spec3/checks.js'
import { bareName } from '../spec3/keys.js'
import { view } from '../spec3/types.js'
import { asValues, eachValue } from '../spec3/value.js'
import { decimalMode } from './modes.js'
import type { Check, Finding } from '../spec3/checks.js'
import type { Values } from '../spec3/schema.js'
import type { Config, Directory, Dropin, Filesystem, Resource, Tree } from '../spec3/types.js'
import type { Dialect } from './dialects.js'

interface Mirror { readonly devices?: readonly string[] }
interface BootDevice { readonly layout?: string, readonly mirror: Mirror }
interface GrubUser { readonly name: string, readonly passwordHash?: string }

const pathNeeded = 'path is required if with_mount_unit is true and format is not swap'
const formatNeeded = 'format is required if with_mount_unit is true'

const checkResource: Check<Resource> = (resource, report, spec) => {
  const set = (['local', 'inline', 'source'] as const).filter(name => resource[name] !== undefined)
  if (set.length > 1) report.error([spec === 0 ? 'inline' : set.at(-1) ?? ''], 'only one of the following can be set: inline, local, source')
}

const checkFilesystem: Check<Filesystem> = ({ withMountUnit, format, path }, report, spec) => {
  if (withMountUnit !== true) return
  // Until 3.2 there were no units for swap, and both complaints came at once.
  if (spec < 3 && !path) report.error(['path'], pathNeeded)
  if (!format) report.error(['format'], formatNeeded)
  else if (spec >= 3 && format !== 'swap' && !path) report.error(['path'], pathNeeded)
}

const checkMode = (directory: boolean): Check<Directory> => ({ mode }, report) => {
  if (mode !== undefined && decimalMode(mode, directory)) {
    report.warning(['mode'], 'unreasonable mode would be reasonable if specified in octal; remember to add a leading zero')
  }
}

const checkTree: Check<Tree> = ({ local }, report) => { if (local === '') report.error([], 'local is required') }

const checkUnit: Check<Dropin> = ({ contents, contentsLocal }, report) => {
  if (contents !== undefined && contentsLocal !== undefined) {
    report.error(['contents_local'], 'only one of the following can be set: contents, contents_local')
  }
}

const checkMirror: Check<Mirror> = ({ devices = [] }, report) => {
  if (devices.length === 1) report.error(['devices'], 'mirroring requires at least two devices')
}

export const layouts = ['aarch64', 'ppc64le', 'x86_64']

const checkBootDevice: Check<BootDevice> = ({ layout, mirror }, report, spec) => {
  if (layout !== undefined && !layouts.includes(layout)) report.error(['layout'], `layout must be one of: ${layouts.join(', ')}`)
  // The reference asks the mirror here and again when it comes to it, so that its one complaint stands twice.
  checkMirror(mirror, { ...report, error: (path, message) => report.error(['mirror', ...path], message) }, spec)
}

const checkGrubUser: Check<GrubUser> = ({ name, passwordHash }, report) => {
  if (name === '') report.error(['name'], 'field "name" is required')
  if (!passwordHash) report.error(['password_hash'], 'field "password_hash" is required')
}

const bootDisk = '/dev/disk/by-id/coreos-boot-disk'

/** Rules of 1.6.0-experimental for the document as a whole. */
const checkStrictDisks: Check<Config> = ({ storage }, report) => {
  const reuse = 'partitions cannot be reused by label; number must be specified except on boot disk ' +
    `(${bootDisk}) or when wipe_table is true`
  ;(storage.disks ?? []).forEach(({ device, wipeTable, partitions = [] }, i) => {
    if (device === bootDisk || wipeTable === true) return
    partitions.forEach(({ number, label }, p) => {
      if (number === 0n && label !== undefined) report.warning(['storage', 'disks', i, 'partitions', p, 'number'], reuse)
    })
  })
  ;(storage.filesystems ?? []).forEach(({ path, withMountUnit }, i) => {
    if (path !== undefined && withMountUnit === true && !/^\/(etc|var)(\/|$)/.test(path)) {
      report.error(['storage', 'filesystems', i, 'path'], 'path must be under /etc or /var if with_mount_unit is true')
    }
  })
}

const rule = <T>(check: Check<T>): Check<Values> => (values, report, spec) => check(view<T>(values), report, spec)

const rules: Readonly<Record<string, Check<Values>>> = {
  BootDevice: rule(checkBootDevice),
  BootDeviceMirror: rule(checkMirror),
  Directory: rule(checkMode(true)),
  Dropin: rule(checkUnit),
  File: rule(checkMode(false)),
  FileContents: rule(checkResource),
  Filesystem: rule(checkFilesystem),
  GrubUser: rule(checkGrubUser),
  Resource: rule(checkResource),
  Tree: rule(checkTree),
  Unit: rule(checkUnit)
}

export const checkSource = ({ config, spec, strictDisks }: Dialect, values: Values): readonly Finding[] => {
  const found: Finding[] = []
  if (strictDisks) rule(checkStrictDisks)(values, findingsAt(found, []), spec)
  eachValue(config, values, 'yaml', (type, value, at) => {
    if (type.kind === 'struct') rules[bareName(type.of.name)]?.(asValues(value), findingsAt(found, at), spec)
  })
  return found
}

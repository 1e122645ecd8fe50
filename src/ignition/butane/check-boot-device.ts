// What Butane demands of `boot_device`, whose layouts stand for firmware, disks and ways to unlock them (config/fcos/v1_*/validate.go).
import type { ValueOf } from '../schema.js'
import type { Spec } from '../spec3/schema.js'
import type { Findings } from '../validate.js'
import type { bootDevice } from './schema.js'

type BootDevice = ValueOf<typeof bootDevice>

const oldLayouts = ['aarch64', 'ppc64le', 'x86_64']
const layouts = ['aarch64', 'ppc64le', 's390x-eckd', 's390x-virt', 's390x-zfcp', 'x86_64']

// The patterns are the reference's; they end where the name does but begin anywhere.
const namedDevices: Readonly<Record<string, RegExp>> = { 's390x-eckd': /\/dev\/dasd[a-z]$/, 's390x-zfcp': /\/dev\/sd[a-z]$/ }

export const mirrorProblem = (devices: readonly string[]): string | undefined =>
  devices.length === 1 ? 'mirroring requires at least two devices' : undefined

/** Whether anything unlocks the root filesystem; an empty Tang server is none. */
const hasMethod = ({ tpm2, tang, cex }: BootDevice['luks']): boolean =>
  tpm2 === true || cex?.enabled === true || tang.some(({ url, thumbprint, advertisement }) => url !== '' || thumbprint !== undefined || advertisement !== undefined)

export const checkBootDevice = ({ layout, luks, mirror }: BootDevice, report: Findings, spec: Spec): void => {
  const known = spec >= 5 ? layouts : oldLayouts
  if (layout !== undefined && !known.includes(layout)) report.error(['layout'], `layout must be one of: ${known.join(', ')}`)
  else if (layout !== undefined) checkLayout(layout, luks.device ?? '', mirror.devices, report)
  if (luks.cex?.enabled === true) {
    if (layout?.startsWith('s390x') !== true) {
      report.error(layout === undefined ? ['luks', 'cex'] : ['layout'], 'when using cex the targeted architecture must match s390x')
    }
    if (luks.tpm2 === true || luks.tang.length > 0) report.error(['luks'], 'cannot use cex with clevis')
  }
  if (spec >= 6 && luks.device && !hasMethod(luks)) report.error(['luks'], 'no method specified for luks')
  if (layout === undefined && mirror.devices.length > 0) {
    const layoutNeeded = 'boot_device.layout should be specified when boot_device.mirror is specified'
    if (spec >= 6) report.error(['mirror'], layoutNeeded)
    else report.warning(['mirror'], layoutNeeded)
  }
  // The reference asks the mirror here and again when it comes to it, so that its one complaint stands twice.
  report.error(['mirror', 'devices'], mirrorProblem(mirror.devices))
}

const checkLayout = (layout: string, device: string, mirrored: readonly string[], report: Findings): void => {
  const pattern = Object.hasOwn(namedDevices, layout) ? namedDevices[layout] : undefined
  if (pattern !== undefined && device === '') report.error(['layout'], 'device is required for layouts: s390x-eckd, s390x-zfcp')
  else if (pattern?.test(device) === false) {
    report.error(['layout'], 'device name must start with /dev/dasd on s390x-eckd layout or /dev/sd on s390x-zfcp layout')
  }
  if (layout.startsWith('s390x') && mirrored.length > 0) {
    report.error(['layout'], 'mirroring not supported on layouts: s390x-eckd, s390x-zfcp, s390x-virt')
  }
}

// `boot_device`: the image's own disk layout on mirrored disks, the root filesystem on an encrypted volume, or both
// (config/fcos/v1_*/translate.go; the sizes and types are those of the Fedora CoreOS image and must not change).
import type { ValuePath } from '../../base/positions.js'
import { view } from '../schema.js'
import { document as documentTable } from './schema.js'
import type { Values } from '../schema.js'
import type { RenderedConfig } from './origins.js'

const reserved = { label: 'reserved', sizeMiB: 1n, typeGuid: '8DA63339-0007-60C0-C436-083AC8230908' }
const bios = { label: 'bios', sizeMiB: 1n, typeGuid: '21686148-6449-6E6F-744E-656564454649' }
const prep = { label: 'prep', sizeMiB: 4n, typeGuid: '9E1A2D38-C612-4316-AA26-8B49521E5A8B' }
const esp = { label: 'esp', sizeMiB: 127n, typeGuid: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B' }

/** What lies before the boot and root partitions. */
const firmwarePartitions: Readonly<Record<string, readonly Values[]>> = {
  x86_64: [bios, esp],
  aarch64: [reserved, esp],
  ppc64le: [prep, reserved]
}

/** Disks of mainframes, whose root partition is named by its number. */
const rootPartitions: Readonly<Record<string, number>> = { 's390x-eckd': 2, 's390x-zfcp': 4 }

const byLabel = (label: string, count: number): string[] => Array.from({ length: count }, (_, i) => `/dev/disk/by-partlabel/${label}-${i + 1}`)
const formatted = (device: string, format: string, label: string): Values => ({ device, format, label, wipeFilesystem: true })

const mirroredDisks = (devices: readonly string[], firmware: readonly Values[]): Values => ({
  disks: devices.map((device, i) => ({
    device,
    partitions: [...firmware, { label: 'boot', sizeMiB: 384n }, { label: 'root' }]
      .map(partition => ({ ...partition, label: `${String(partition['label'])}-${i + 1}` })),
    wipeTable: true
  })),
  raid: [
    // The superblock at the end, so that BIOS GRUB need not understand RAID.
    { devices: byLabel('boot', devices.length), level: 'raid1', name: 'md-boot', options: ['--metadata=1.0'] },
    { devices: byLabel('root', devices.length), level: 'raid1', name: 'md-root' }
  ]
})

/** undefined when neither is asked for. */
export const renderBootDevice = (document: Values): RenderedConfig | undefined => {
  const { bootDevice } = view(documentTable, document)
  if (bootDevice === undefined) return undefined
  const { layout = 'x86_64', luks: { cex, device: disk, discard, tang, threshold, tpm2 }, mirror: { devices } } = bootDevice
  const byCard = cex?.enabled === true
  const encrypted = byCard || tpm2 === true || tang.length > 0
  const mirrored = devices.length > 0
  if (!encrypted && !mirrored) return undefined

  const firmware = firmwarePartitions[layout] ?? []
  const volume = {
    ...byCard ? { cex } : { clevis: { tang, threshold, tpm2 } },
    device: mirrored ? '/dev/md/md-root' : layout in rootPartitions ? `${disk ?? ''}${rootPartitions[layout]}` : '/dev/disk/by-partlabel/root',
    discard
  }
  const espCount = mirrored && firmware.includes(esp) ? devices.length : 0
  const filesystems = [
    ...byLabel('esp', espCount).map((device, i) => formatted(device, 'vfat', `esp-${i + 1}`)),
    ...mirrored ? [formatted('/dev/md/md-boot', 'ext4', 'boot')] : [],
    formatted(encrypted ? '/dev/mapper/root' : '/dev/md/md-root', 'xfs', 'root')
  ]
  const some = {
    storage: {
      ...mirrored ? mirroredDisks(devices, firmware) : {},
      filesystems,
      ...encrypted ? { luks: [{ ...volume, label: 'luks-root', name: 'root', wipeVolume: true }] } : {}
    }
  }
  return { some, origin: at => ['bootDevice', ...originIn(at, espCount, filesystems.length)] }
}

const originIn = ([, list, index, ...rest]: ValuePath, espCount: number, filesystemCount: number): ValuePath => {
  const device = typeof index === 'number' ? [index] : []
  switch (list) {
    case 'disks': return ['mirror', 'devices', ...device]
    case 'raid': return ['mirror']
    case 'filesystems':
      if (typeof index !== 'number' || index === filesystemCount - 1) return []
      return index < espCount ? ['mirror', 'devices', index] : ['mirror']
    case 'luks': {
      const [part, ...inside] = rest
      return part === 'clevis' ? ['luks', ...inside] : part === 'discard' || part === 'cex' ? ['luks', part, ...inside] : ['luks']
    }
    default: return []
  }
}

// A FAT16 file system in memory, for firmware that mounts what it boots (ECMA-107; Microsoft, "FAT: General Overview of On-Disk Format",
// version 1.03). Names are those of 8.3 in capitals, which every reader finds in whatever letters it asks.
const sector = 512
const entryBytes = 32
const rootEntries = 512
const reservedSectors = 1
const copies = 2
/** A reader tells FAT16 from FAT12 and FAT32 by the number of clusters alone; some are a few off at the borders. */
const [fewestClusters, mostClusters] = [4200, 65_000]

const endOfChain = 0xffff
const [isFolder, isFile] = [0x10, 0x20]
/** The first day that the format knows: files have no time of their own here. */
const date = 0x0021

interface Folder { readonly name: string, readonly entries: Map<string, Folder | Buffer> }

function treeOf (files: ReadonlyMap<string, Buffer>): Folder {
  const root: Folder = { name: '', entries: new Map() }
  for (const [path, content] of files) {
    const names = path.split('/')
    let here = root
    names.forEach((name, i) => {
      if (!/^[A-Z0-9_-]{1,8}(?:\.[A-Z0-9_-]{1,3})?$/.test(name)) throw new RangeError(`${path} is no name for a FAT file system`)
      if (i === names.length - 1) {
        here.entries.set(name, content)
        return
      }
      const below = here.entries.get(name)
      const next: Folder = below === undefined || Buffer.isBuffer(below) ? { name, entries: new Map() } : below
      here.entries.set(name, next)
      here = next
    })
  }
  return root
}

/** A disk of one file system without a partition table. Paths are below the root, like `EFI/BOOT/GRUB.CFG`; RangeError for others. */
export function fatImage (files: ReadonlyMap<string, Buffer>): Buffer {
  const root = treeOf(files)
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length + sector, 0)
  let perCluster = 1
  while (bytes / (perCluster * sector) > mostClusters - 1000) perCluster *= 2
  const cluster = perCluster * sector

  // Contents by their first cluster, in the order in which they lie; the numbers start at 2.
  const table: number[] = [0xfff8, endOfChain]
  const places: Array<{ readonly at: number, readonly content: Buffer }> = []
  const place = (content: Buffer): number => {
    if (content.length === 0) return 0
    const first = table.length
    const count = Math.ceil(content.length / cluster)
    for (let i = 1; i < count; i++) table.push(first + i)
    table.push(endOfChain)
    places.push({ at: first, content })
    return first
  }
  const folder = ({ entries }: Folder, own: number | undefined, parent: number): Buffer => {
    const lines = own === undefined ? [] : [entry('.', isFolder, own, 0), entry('..', isFolder, parent, 0)]
    for (const [name, value] of entries) {
      if (Buffer.isBuffer(value)) {
        lines.push(entry(name, isFile, place(value), value.length))
        continue
      }
      // Its number is needed in what it holds: room is taken first, and filled afterwards.
      const room = Buffer.alloc((value.entries.size + 2) * entryBytes)
      const first = place(room)
      folder(value, first, own ?? 0).copy(room)
      lines.push(entry(name, isFolder, first, 0))
    }
    return Buffer.concat(lines)
  }
  const rootFolder = folder(root, undefined, 0)
  const clusters = Math.max(table.length - 2, fewestClusters)
  const tableSectors = Math.ceil((clusters + 2) * 2 / sector)
  const firstCluster = (reservedSectors + copies * tableSectors) * sector + rootEntries * entryBytes
  const image = Buffer.alloc(firstCluster + clusters * cluster)
  bootSector(perCluster, tableSectors, image.length / sector).copy(image)
  for (let copy = 0; copy < copies; copy++) {
    const at = (reservedSectors + copy * tableSectors) * sector
    table.forEach((next, i) => image.writeUInt16LE(next, at + i * 2))
  }
  rootFolder.copy(image, firstCluster - rootEntries * entryBytes)
  for (const { at, content } of places) content.copy(image, firstCluster + (at - 2) * cluster)
  return image
}

function bootSector (perCluster: number, tableSectors: number, sectors: number): Buffer {
  const out = Buffer.alloc(sector)
  out.set([0xeb, 0x3c, 0x90])
  out.write('MSWIN4.1', 3, 'latin1')
  out.writeUInt16LE(sector, 11)
  out.writeUInt8(perCluster, 13)
  out.writeUInt16LE(reservedSectors, 14)
  out.writeUInt8(copies, 16)
  out.writeUInt16LE(rootEntries, 17)
  if (sectors < 0x10000) out.writeUInt16LE(sectors, 19)
  else out.writeUInt32LE(sectors, 32)
  out.writeUInt8(0xf8, 21)
  out.writeUInt16LE(tableSectors, 22)
  out.writeUInt16LE(32, 24)
  out.writeUInt16LE(2, 26)
  out.writeUInt8(0x80, 36)
  out.writeUInt8(0x29, 38)
  out.write('NO NAME    FAT16   ', 43, 'latin1')
  out.writeUInt16LE(0xaa55, 510)
  return out
}

function entry (name: string, attributes: number, cluster: number, size: number): Buffer {
  const out = Buffer.alloc(entryBytes)
  const dot = name.startsWith('.') ? -1 : name.indexOf('.')
  const [stem, extension] = dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1)]
  out.write(stem.padEnd(8) + extension.padEnd(3), 0, 'latin1')
  out.writeUInt8(attributes, 11)
  for (const at of [16, 18, 24]) out.writeUInt16LE(date, at)
  out.writeUInt16LE(cluster, 26)
  out.writeUInt32LE(size, 28)
  return out
}

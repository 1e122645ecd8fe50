// Read back by a reader of its own, which goes by the boot sector as every reader does.
import t from 'tap'
import { fatImage } from '../../src/disk/fat-image.js'

interface Geometry { readonly cluster: number, readonly table: number, readonly root: number, readonly data: number, readonly clusters: number }

function geometry (image: Buffer): Geometry {
  t.equal(image.readUInt16LE(510), 0xaa55)
  const [sector, perCluster, reserved, copies] = [image.readUInt16LE(11), image.readUInt8(13), image.readUInt16LE(14), image.readUInt8(16)]
  const [entries, inTable] = [image.readUInt16LE(17), image.readUInt16LE(22)]
  const sectors = image.readUInt16LE(19) !== 0 ? image.readUInt16LE(19) : image.readUInt32LE(32)
  t.equal(sectors * sector, image.length)
  const root = (reserved + copies * inTable) * sector
  const data = root + entries * 32
  t.ok(image.subarray(reserved * sector, (reserved + inTable) * sector).equals(image.subarray((reserved + inTable) * sector, root)), 'both tables are the same')
  return { cluster: perCluster * sector, table: reserved * sector, root, data, clusters: Math.floor((image.length - data) / (perCluster * sector)) }
}

/** Every file by its path, with its content. */
function filesOf (image: Buffer): Map<string, Buffer> {
  const { cluster, table, root, data, clusters } = geometry(image)
  t.ok(clusters >= 4085 && clusters < 65_525, `${clusters} clusters are FAT16`)
  let astray = 0
  const chain = (first: number): Buffer => {
    const pieces: Buffer[] = []
    for (let at = first; at >= 2 && at < 0xfff8; at = image.readUInt16LE(table + at * 2)) {
      // A chain that leads out of the disk, or round in a ring.
      if (at >= clusters + 2 || pieces.length > clusters) {
        astray++
        break
      }
      pieces.push(image.subarray(data + (at - 2) * cluster, data + (at - 1) * cluster))
    }
    return Buffer.concat(pieces)
  }
  const found = new Map<string, Buffer>()
  const walk = (folder: Buffer, path: string, own: number, parent: number): void => {
    for (let at = 0; at + 32 <= folder.length && folder[at] !== 0; at += 32) {
      const [stem, extension] = [folder.toString('latin1', at, at + 8).trimEnd(), folder.toString('latin1', at + 8, at + 11).trimEnd()]
      const [first, size] = [folder.readUInt16LE(at + 26), folder.readUInt32LE(at + 28)]
      const name = extension === '' ? stem : `${stem}.${extension}`
      if (folder[at + 11] === 0x20) found.set(`${path}${name}`, chain(first).subarray(0, size))
      else if (name === '.') t.equal(first, own)
      else if (name === '..') t.equal(first, parent)
      else walk(chain(first), `${path}${name}/`, first, own)
    }
  }
  walk(image.subarray(root, data), '', 0, 0)
  t.equal(astray, 0, 'every chain ends on the disk')
  return found
}

function bytes (length: number): Buffer {
  const made = Buffer.alloc(length)
  for (let i = 0; i < length; i++) made[i] = i * 7 + length
  return made
}

t.test('what is put in is what a reader finds', async t => {
  const cases: ReadonlyArray<ReadonlyArray<readonly [string, Buffer]>> = [
    [],
    [['A', bytes(1)], ['B.CFG', bytes(0)]],
    [['EFI/BOOT/BOOTX64.EFI', bytes(1_048_504)], ['EFI/BOOT/GRUBX64.EFI', bytes(3_843_520)], ['EFI/DEBIAN/GRUB.CFG', bytes(80)], ['GRUB/GRUB.CFG', bytes(512)]],
    // More entries than a cluster holds, and clusters of several sectors.
    Array.from({ length: 40 }, (_, i) => [`D/F${i}.BIN`, bytes(513 + i)] as const),
    [['BIG.BIN', Buffer.alloc(40 * 2 ** 20, 'otter')], ['SMALL', bytes(9)]]
  ]
  for (const files of cases) {
    const read = filesOf(fatImage(new Map(files)))
    t.same([...read.keys()].sort(), files.map(([name]) => name).sort())
    for (const [name, content] of files) t.ok(read.get(name)?.equals(content), name)
  }
})

t.test('names of other systems are refused', async t => {
  for (const name of ['lower', 'A.LONG', 'NINELETTR', '', 'A/', '..', 'A/../B', '.DISK']) t.throws(() => fatImage(new Map([[name, bytes(1)]])), /is no name for a FAT/, name)
})

// What a file of a release is by its own first bytes, so that one signed file is not taken for another: a kernel, an archive,
// an image of a disk. Pure.

export type FileKind =
  'linux' | 'gzip' | 'bzip2' | 'xz' | 'zstd' | 'cpio' | 'squashfs' | 'erofs' | 'elf' | 'qcow2' | 'update' | 'disk' | 'page'

/** Magic numbers, the telling ones first: a kernel for PCs begins as a boot sector does. */
const magic: ReadonlyArray<readonly [kind: FileKind, at: number, bytes: string]> = [
  // Documentation/arch/x86/boot.rst, Documentation/arch/arm64/booting.rst of Linux
  ['linux', 0x202, 'HdrS'],
  ['linux', 0x38, 'ARM\x64'],
  ['gzip', 0, '\x1f\x8b'],
  ['bzip2', 0, 'BZh'],
  ['xz', 0, '\xfd7zXZ\0'],
  ['zstd', 0, '\x28\xb5\x2f\xfd'],
  ['cpio', 0, '070701'],
  ['cpio', 0, '070702'],
  ['squashfs', 0, 'hsqs'],
  ['erofs', 1024, '\xe2\xe1\xf5\xe0'],
  ['elf', 0, '\x7fELF'],
  ['update', 0, 'CrAU'],
  ['qcow2', 0, 'QFI\xfb'],
  ['page', 0, '<!DOCTYPE'],
  ['page', 0, '<html'],
  // A kernel that firmware starts by itself (EFI), or that unpacks itself (zboot).
  ['linux', 0, 'MZ'],
  ['disk', 510, '\x55\xaa']
]

/** undefined for a file that none of the kinds is told by. */
export const kindOf = (head: Buffer): FileKind | undefined =>
  magic.find(([, at, bytes]) => head.subarray(at, at + bytes.length).toString('latin1') === bytes)?.[0]

/** Kernels of other machines than PCs are packed, or plain ELF (ppc64le). */
const kinds: ReadonlyArray<readonly [name: RegExp, kinds: readonly FileKind[]]> = [
  [/vmlinuz$|live-kernel/, ['linux', 'gzip', 'elf']],
  // What update_engine takes is called .gz and is none.
  [/production_update\.gz$|^update\.gz$|^(?:oem|flatcar)-[\w.-]+\.gz$/, ['update']],
  [/\.gz$/, ['gzip']],
  [/\.bz2$/, ['bzip2']],
  [/\.xz$/, ['xz']],
  [/initramfs.*\.img$/, ['cpio', 'gzip', 'zstd', 'xz']],
  [/rootfs.*\.img$/, ['cpio', 'squashfs', 'erofs', 'gzip', 'zstd', 'xz']]
]

/** What a file of that name may be; undefined for a name that says nothing. */
export const kindsOf = (name: string): readonly FileKind[] | undefined => kinds.find(([pattern]) => pattern.test(name))?.[1]

/** What a kernel for PCs calls itself (`6.6.95-flatcar (build@...) #1 SMP ...`); undefined for others. */
export function kernelVersion (head: Buffer): string | undefined {
  if (head.length < 0x210 || head.toString('latin1', 0x202, 0x206) !== 'HdrS') return undefined
  const at = head.readUInt16LE(0x20e) + 0x200
  const end = head.indexOf(0, at)
  return at === 0x200 || end < 0 || end - at > 256 ? undefined : head.toString('latin1', at, end)
}

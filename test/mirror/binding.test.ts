// What a file may be by its name, its first bytes and what a kernel says of itself; and whether files can be those of one release.
import t from 'tap'
import { judgeFile, judgeTogether, type NamedFile, readStatements, type StatementOptions, type Statements } from '../../src/mirror/binding.js'
import { openSource } from '../../src/mirror/catalog.js'
import { kernelVersion, kindOf, kindsOf } from '../../src/mirror/file-kind.js'
import { MissingError } from '../../src/mirror/http-client.js'
import type { Manifest } from '../../src/mirror/layout.js'
import type { Release, SourceConfig } from '../../src/mirror/source.js'
import { sourceConfig } from '../helpers/mirror.js'

const sourceOf = (os: SourceConfig['os']) => openSource(sourceConfig(os === 'custom' ? { os, base_url: 'http://x', files: [{ path: 'a', signature: '.sig' }] } : { os }))

/** The head of a kernel for PCs; what it calls itself stands `at` octets into its setup. */
function kernel (says: string, at = 0x210, ends = true): Buffer {
  const head = Buffer.alloc(4096, ends ? 0 : 1)
  head.write('HdrS', 0x202, 'latin1')
  head.writeUInt16LE(at, 0x20e)
  if (at + 0x200 < head.length) head.write(says, at + 0x200, 'latin1')
  return head
}

t.test('kinds by their first bytes', t => {
  const at = (offset: number, bytes: string): Buffer => Buffer.concat([Buffer.alloc(offset), Buffer.from(bytes, 'latin1')])
  for (const [head, kind] of [
    [at(0x202, 'HdrS'), 'linux'], [at(0x38, 'ARM\x64'), 'linux'], [at(0, 'MZ'), 'linux'], [at(0, '\x1f\x8b'), 'gzip'], [at(0, 'BZh9'), 'bzip2'], [at(0, '\xfd7zXZ\0'), 'xz'],
    [at(0, '\x28\xb5\x2f\xfd'), 'zstd'], [at(0, '070701'), 'cpio'], [at(0, '070702'), 'cpio'], [at(0, 'hsqs'), 'squashfs'], [at(1024, '\xe2\xe1\xf5\xe0'), 'erofs'], [at(0, '\x7fELF'), 'elf'],
    [at(0, 'CrAU'), 'update'], [at(0, 'QFI\xfb'), 'qcow2'], [at(0, '<!DOCTYPE html'), 'page'], [at(0, '<html>'), 'page'], [at(510, '\x55\xaa'), 'disk'],
    [at(1, '\x1f\x8b'), undefined], [at(0x201, 'HdrS'), undefined], [Buffer.from('\x1f'), undefined], [Buffer.alloc(0), undefined]
  ] as const) t.equal(kindOf(head), kind, kind ?? 'none')
  for (const [name, kinds] of [
    ['flatcar_production_pxe.vmlinuz', 'linux gzip elf'], ['fedora-coreos-43-live-kernel.x86_64', 'linux gzip elf'], ['flatcar_production_update.gz', 'update'], ['update.gz', 'update'], ['oem-vmware.gz', 'update'],
    ['flatcar_production_pxe_image.cpio.gz', 'gzip'], ['flatcar_production_image.bin.bz2', 'bzip2'], ['metal.raw.xz', 'xz'], ['live-initramfs.x86_64.img', 'cpio gzip zstd xz'],
    ['live-rootfs.x86_64.img', 'cpio squashfs erofs gzip zstd xz'], ['notes.txt', undefined], ['my-update.gz', 'gzip']
  ] as const) t.equal(kindsOf(name)?.join(' '), kinds, name)
  t.end()
})

t.test('what a kernel calls itself', t => {
  t.equal(kernelVersion(kernel('6.6.95-flatcar (build@x)')), '6.6.95-flatcar (build@x)')
  t.equal(kernelVersion(kernel('x'.repeat(256))), 'x'.repeat(256))
  for (const [what, head] of [
    ['longer than it may be', kernel('x'.repeat(257))], ['none', kernel('x', 0)], ['without an end', kernel('x', 0x210, false)], ['behind what was read', kernel('x', 0xf000)],
    ['no kernel', Buffer.alloc(4096)], ['too short', kernel('6.6').subarray(0, 0x20f)]
  ] as const) t.equal(kernelVersion(head), undefined, what)
  t.equal(kernelVersion(kernel('', 0x10).subarray(0, 0x210)), undefined)
  t.end()
})

t.test('a file under a name', t => {
  const judge = (os: SourceConfig['os'], name: string, head: Buffer, { version = '43.1', digests = new Map<string, string[]>() } = {}): readonly string[] =>
    judgeFile(name, { head, sha256: 'two', sha512: 'five' } as never, sourceOf(os), { version } as Release, { digests } as unknown as Statements)
  const vmlinuz = 'a.vmlinuz'
  for (const [os, says] of [['flatcar', '6.6-flatcar x'], ['flatcar', '4.19-coreos x'], ['flatcar', '6.6-own x'], ['coreos', '4.19-coreos'], ['fedora-coreos', '6.17-300.fc43.x86_64'], ['fedora-coreos', '6.17'], ['fedora-coreos', '6.6-flatcar'], ['coreos', '4.19-own'], ['flatcar', '6.17-300.fc42.x86_64'], ['coreos', '6.17-300.fc42.x86_64']] as const) {
    t.same(judge(os, vmlinuz, kernel(says)), [], `${os} ${says}`)
  }
  for (const [os, says, message] of [
    ['coreos', '6.6-flatcar (build)', /^a\.vmlinuz calls itself Linux 6\.6-flatcar, which is of flatcar$/], ['fedora-coreos', '6.17-300.fc42.x86_64', /^a\.vmlinuz calls itself Linux 6\.17-300\.fc42\.x86_64, which is of Fedora 42, not of 43\.1$/]
  ] as const) t.throws(() => judge(os, vmlinuz, kernel(says)), { code: 'image_mixed', message }, says)
  t.same(judge('custom', vmlinuz, Buffer.from('CrAU')), [], 'nothing is known of what a custom source has')
  t.same(judge('flatcar', 'notes.txt', Buffer.from('x')), [])
  t.same(judge('flatcar', vmlinuz, Buffer.from('x')), ['a.vmlinuz: what kind of file it is can\'t be told'])
  t.same(judge('flatcar', vmlinuz, Buffer.from('\x1f\x8b', 'latin1')), [], 'packed')
  t.throws(() => judge('flatcar', vmlinuz, Buffer.from('CrAU')), { code: 'image_kind_wrong', message: /is update by its first bytes, and should be linux or gzip or elf/ })
  for (const digests of [['five'], ['x', 'two']]) t.same(judge('custom', 'a', Buffer.alloc(0), { digests: new Map([['a', digests]]) }), [])
  t.throws(() => judge('custom', 'a', Buffer.alloc(0), { digests: new Map([['a', ['x', 'y']]]) }), { code: 'image_digest_wrong' })
  t.end()
})

t.test('files of one release', t => {
  const day = 86_400_000
  const file = (name: string, sha256 = name, signedAt?: number): NamedFile => ({ name, sha256, signedAt })
  const published = [{ version: '1', files: [{ name: 'a', sha256: 'a' }] }, { version: '2', files: [{ name: 'b', sha256: 'b' }] }] as unknown as Manifest[]
  const judge = (files: readonly NamedFile[], signedAt?: number, os: SourceConfig['os'] = 'flatcar'): void => { judgeTogether(sourceOf(os), { version: '2' } as Release, files, signedAt, published) }
  judge([])
  judge([file('b'), file('c')])
  judge([file('b', 'b', 0), file('c', 'c', 60 * day)], 30 * day)
  judge([file('x', 'same'), file('y', 'same'), file('a', 'a', 0)], 61 * day, 'custom')
  for (const [what, files, signedAt, message] of [
    ['one file twice', [file('x', 'same'), file('z'), file('y', 'same')], undefined, /^flatcar\/stable\/amd64 2: x and y are one file under two names$/],
    ['of another release', [file('b'), file('other', 'a')], undefined, /other is a file of release 1$/],
    ['signed long after', [file('b', 'b', 0), file('c', 'c', 60 * day + 1)], undefined, /signed at 1970-01-01T00:00:00\.000Z and at 1970-03-02T00:00:00\.001Z/],
    ['its statement signed long before', [file('b', 'b', 61 * day)], 0, /not of one release$/]
  ] as const) t.throws(() => { judge(files, signedAt) }, { code: 'image_mixed', message }, what)
  t.end()
})

t.test('what a publisher signed before it has to sign still', async t => {
  const release = { version: '2', files: [{ name: 'a', url: 'u/a' }], statement: { url: 'u/version.txt', text: Buffer.from('x') }, digestUrls: ['u/a.DIGESTS'] } as unknown as Release
  const read = (before: StatementOptions['before'], more: Partial<Release> = {}): Promise<Statements> =>
    readStatements({ ...release, ...more }, { before, client: { bytes: async (url: string) => { throw new MissingError('image_download_failed', url) } } } as unknown as StatementOptions)
  const none = await read({})
  t.match(none, { signsVersion: false, signsDigests: false, signedAt: undefined, unproven: ['u/version.txt is not signed: nothing that is says that this is 2', 'a: nothing that is signed says that the file is called so'] })
  t.same((await read({ signsVersion: true, signsDigests: true }, { statement: undefined, digestUrls: [] })).unproven, ['nothing that is signed says that this is 2'])
  await t.rejects(read({ signsVersion: true }), { code: 'image_signature_missing', message: /there is no u\/version\.txt\.sig now$/ })
  await t.rejects(read({ signsDigests: true }), { code: 'image_signature_missing', message: /^u\/a: .* now none that names a$/ })
  const broken = read({}, { statement: undefined, digestUrls: ['u/a.DIGESTS'] })
  t.equal((await broken).digests.size, 0)
  await t.rejects(readStatements(release, { before: {}, client: { bytes: async () => { throw new TypeError('a fault of ours') } } } as unknown as StatementOptions), { name: 'TypeError' })
})

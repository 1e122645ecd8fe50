// What a publisher says, as a release: the rows of the table of publishers, and another core-provisioner in their place.
import t, { type Test } from 'tap'
import { AppError } from '../../src/base/errors.js'
import { fedoraNames, findRelease, openSource } from '../../src/mirror/catalog.js'
import { MissingError } from '../../src/mirror/http-client.js'
import type { Manifest } from '../../src/mirror/layout.js'
import type { Fetcher, Release, SourceConfig } from '../../src/mirror/source.js'
import { sourceConfig } from '../helpers/mirror.js'

type Documents = Readonly<Record<string, string | Error>>

/** Documents by URL; what is not among them the publisher does not have. */
function fetcher (documents: Documents): Fetcher {
  const bytes = async (url: string): Promise<Buffer> => {
    const found = documents[url] ?? new MissingError('image_download_failed', `${url} is missing`)
    if (found instanceof Error) throw found
    return Buffer.from(found)
  }
  return { bytes, text: async url => (await bytes(url)).toString() }
}

const find = (config: Partial<SourceConfig> & Pick<SourceConfig, 'os'>, documents: Documents): Promise<Release> =>
  findRelease(openSource(sourceConfig(config)), fetcher(documents))
const confirmed = (release: Release, documents: Documents): Promise<void> => release.confirm(fetcher(documents))

async function refused (t: Test, rows: ReadonlyArray<readonly [what: string, found: Promise<unknown>, code: string, message?: RegExp]>): Promise<void> {
  for (const [what, found, code, message = /./] of rows) await t.rejects(found, { code, message }, what)
}

const digest = 'ab'.repeat(32)

t.test('another core-provisioner: its releases under the same rules as a publisher\'s', async t => {
  const base = 'http://peer/assets'
  const image = (name: string, more: object = {}) => ({ name, bytes: 1, sha256: digest, digestGiven: false, signature: `${name}.sig`, ...more })
  const kernel = image('flatcar_production_pxe.vmlinuz')
  const update = { name: 'flatcar_production_update.gz', bytes: 1, sha256: digest, sha1: 'x', digestGiven: true }
  const oem = { ...update, name: 'oem-vmware.gz', signature: 'oem-vmware.gz.sig' }
  const manifest = (more: Partial<Manifest> = {}): string =>
    JSON.stringify({ source: 's', os: 'flatcar', channel: 'stable', arch: 'amd64', version: '4230.2.1', published: '2026-01-01T00:00:00Z', from: 'f', files: [kernel, update, oem], ...more })
  const at = (place: string, text = manifest()): Documents => ({ [`${base}/${place}/release.json`]: text })
  const flatcar = { os: 'flatcar', base_url: `${base}/` } as const

  const plain = await find(flatcar, { ...at('flatcar/stable'), [`${base}/flatcar/4230.2.1/version.txt`]: 'FLATCAR_VERSION=4230.2.1\n' })
  t.same({ ...plain, confirm: undefined, statement: { ...plain.statement, text: plain.statement?.text.toString() } }, {
    version: '4230.2.1',
    files: [{ name: kernel.name, url: `${base}/flatcar/4230.2.1/${kernel.name}`, signatureUrl: `${base}/flatcar/4230.2.1/${kernel.name}.sig`, sha256: digest, aliases: [] }],
    made: new Map([['version.txt', 'FLATCAR_VERSION=4230.2.1\n']]),
    statement: { url: `${base}/flatcar/4230.2.1/version.txt`, text: 'FLATCAR_VERSION=4230.2.1\n' },
    digestUrls: [],
    confirm: undefined
  })
  await confirmed(plain, at('flatcar/4230.2.1'))
  await refused(t, [
    ['it is gone meanwhile', confirmed(plain, {}), 'image_mixed'],
    ['it is another one meanwhile', confirmed(plain, at('flatcar/4230.2.1', manifest({ version: '4230.2.2' }))), 'image_mixed']
  ])
  const updating = await find({ ...flatcar, updates: true, update_files: ['oem-vmware.gz'] }, at('flatcar/stable'))
  t.same(updating.files.map(({ name, signatureUrl, update }) => [name, signatureUrl?.split('/').at(-1), update]), [
    [kernel.name, `${kernel.name}.sig`, undefined], [update.name, `${update.name}.sig`, true], [oem.name, `${oem.name}.sig`, true]
  ])
  t.same([updating.made.size, updating.statement], [0, undefined], 'it serves no version.txt')
  for (const [config, place] of [
    [{ version: '4230.2.1' }, 'flatcar/4230.2.1'], [{ version: 'current-2024', channel: 'lts' }, 'flatcar/current-2024'], [{ version: 'latest' }, 'flatcar/stable'], [{ arch: 'arm64' }, 'flatcar/arm64/stable']
  ] as const) t.equal((await find({ ...flatcar, ...config }, at(place))).version, '4230.2.1', place)
  const custom = await find({ os: 'custom', name: 'tools', base_url: base, files: [{ path: 'a', sha256: digest, signature: '' }] },
    at('tools/current', manifest({ os: 'custom', version: 'v1', files: [image('a', { signature: undefined })] })))
  t.same(custom.files, [{ name: 'a', url: `${base}/tools/v1/a`, signatureUrl: undefined, sha256: digest, aliases: [] }])
  const named = 'fedora-coreos-43.1-live-kernel.x86_64'
  const fedora = await find({ os: 'fedora-coreos', base_url: base }, at('fedora-coreos/stable', manifest({ os: 'fedora-coreos', version: '43.1', files: [image(named)] })))
  t.same(fedora.files[0]?.aliases, fedoraNames(named, '43.1'))

  const away = new AppError('image_download_failed', 'away')
  await refused(t, [
    ['no release', find(flatcar, at('flatcar/stable', '{}')), 'image_metadata_invalid', /release\.json describes no release$/],
    ['a version that is a path', find(flatcar, at('flatcar/stable', manifest({ version: '../x' }))), 'image_metadata_invalid', /"\.\.\/x" is no version$/],
    ['another than the pinned one', find({ ...flatcar, version: '1.0.0' }, at('flatcar/1.0.0')), 'image_mixed', /what stands under 1\.0\.0 is 4230\.2\.1$/],
    ['no updates there', find({ ...flatcar, updates: true }, at('flatcar/stable', manifest({ files: [kernel] }))), 'image_metadata_invalid', /does not mirror flatcar_production_update\.gz: updates: true is needed there too$/],
    ['an image of the update\'s name', find({ ...flatcar, updates: true }, at('flatcar/stable', manifest({ files: [kernel, image(update.name)] }))), 'image_metadata_invalid'],
    ['unsigned', find(flatcar, at('flatcar/stable', manifest({ files: [{ ...kernel, signature: undefined as never }] }))), 'image_signature_missing', /vmlinuz has no signature$/],
    ['a signature elsewhere', find(flatcar, at('flatcar/stable', manifest({ files: [{ ...kernel, signature: '../x' }] }))), 'image_signature_missing'],
    ['a file that it has not', find({ ...flatcar, files: [{ path: 'other', signature: '.sig' }] }, at('flatcar/stable')), 'config_invalid', /has no file other; it has flatcar_production_pxe\.vmlinuz$/],
    ['away', find(flatcar, { [`${base}/flatcar/stable/release.json`]: away }), 'image_download_failed', /^away$/],
    ['its version.txt is away', find(flatcar, { ...at('flatcar/stable'), [`${base}/flatcar/4230.2.1/version.txt`]: away }), 'image_download_failed', /^away$/],
    ['it has none, and is no publisher', find(flatcar, {}), 'image_download_failed', /version\.txt is missing$/]
  ])
})

t.test('Fedora CoreOS: the stream, or the build that is pinned', async t => {
  const origin = 'https://builds.coreos.fedoraproject.org'
  const place = `${origin}/prod/streams/stable/builds/43.1/x86_64`
  const artifact = (name: string, more: object = {}) => ({ location: `${place}/fedora-coreos-43.1-${name}`, signature: `${place}/fedora-coreos-43.1-${name}.sig`, sha256: digest, ...more })
  const formats = { pxe: { kernel: artifact('live-kernel.x86_64'), initramfs: artifact('live-initramfs.x86_64.img'), rootfs: artifact('live-rootfs.x86_64.img') }, 'raw.xz': { disk: artifact('metal.x86_64.raw.xz') } }
  const stream = (more: object = {}, release = '43.1'): string => JSON.stringify({ stream: 'stable', architectures: { x86_64: { artifacts: { metal: { release, formats: { ...formats, ...more } } } } } })
  const streamUrl = (base = origin): string => `${base}/streams/stable.json`
  const fedora = { os: 'fedora-coreos' } as const
  const found = await find(fedora, { [streamUrl()]: stream() })
  t.same([found.version, found.files.length, found.files[0]?.url, found.made.size, found.statement], ['43.1', 4, artifact('live-kernel.x86_64').location, 0, undefined])
  await found.confirm(fetcher({}))
  for (const [base, url] of [
    ['http://mirror/', 'http://mirror/prod/streams/stable/builds/43.1/x86_64/fedora-coreos-43.1-metal.x86_64.raw.xz'],
    ['http://mirror/fcos', 'http://mirror/fcos/prod/streams/stable/builds/43.1/x86_64/fedora-coreos-43.1-metal.x86_64.raw.xz'],
    [`${origin}/copy`, `${origin}/copy/prod/streams/stable/builds/43.1/x86_64/fedora-coreos-43.1-metal.x86_64.raw.xz`]
  ] as const) t.equal((await find({ ...fedora, base_url: base }, { [streamUrl(base.replace(/\/$/, ''))]: stream() })).files.at(-1)?.url, url, base)
  // A mirror whose metadata was written anew for itself.
  for (const [location, base, url] of [
    ['http://mirror/fcos/a-43.1', 'http://mirror/fcos', 'http://mirror/fcos/a-43.1'], ['http://cdn/fcos/a-43.1', 'http://mirror/fcos', 'http://mirror/fcos/a-43.1'],
    ['http://mirror/other/a-43.1', 'http://mirror/fcos', 'http://mirror/fcos/other/a-43.1'], ['http://mirror/a-43.1', 'http://mirror', 'http://mirror/a-43.1'], ['http://cdn/x/a-43.1', 'http://mirror', 'http://mirror/x/a-43.1']
  ] as const) {
    const { files } = await find({ ...fedora, base_url: base }, { [streamUrl(base)]: stream({ 'raw.xz': { disk: { location, signature: `${location}.sig`, sha256: digest } } }) })
    t.same([files.at(-1)?.url, files.at(-1)?.signatureUrl], [url, `${url}.sig`], `${location} of ${base}`)
  }
  const build = `${origin}/prod/streams/stable/builds/43.1/release.json`
  const pinned = (release: string): Documents => ({ [build]: JSON.stringify({ stream: 'stable', release, architectures: { x86_64: { media: { metal: { artifacts: formats } } } } }) })
  t.equal((await find({ ...fedora, version: '43.1' }, pinned('43.1'))).files.length, 4)
  const disk = { path: 'fedora-coreos-metal.x86_64.raw.xz', signature: '.sig' }
  const without = stream({ pxe: undefined })
  t.same((await find({ ...fedora, files: [disk] }, { [streamUrl()]: without })).files.map(({ name }) => name), ['fedora-coreos-43.1-metal.x86_64.raw.xz'], 'what is not asked for may be missing')
  const of = (location: string): string => stream({ 'raw.xz': { disk: { location, signature: `${location}.sig`, sha256: digest } } })
  await refused(t, [
    ['another build', find({ ...fedora, version: '43.1' }, pinned('43.2')), 'image_mixed', /the metadata of 43\.1 is that of 43\.2$/],
    ['what is asked for is missing', find(fedora, { [streamUrl()]: without }), 'image_metadata_invalid', /has no pxe\.kernel$/],
    ['a file of another release', find(fedora, { [streamUrl()]: stream({}, '43.2') }), 'image_mixed', /is not of release 43\.2/],
    ['unsigned', find(fedora, { [streamUrl()]: stream({ 'raw.xz': { disk: artifact('metal', { signature: '' }) } }) }), 'image_signature_missing', /the metadata names no signature of it$/],
    ['a digest that is none', find({ ...fedora, files: [disk] }, { [streamUrl()]: stream({ 'raw.xz': { disk: artifact('metal.x86_64.raw.xz', { sha256: 'ab' }) } }) }), 'config_invalid', /has no file/],
    ['a folder', find(fedora, { [streamUrl()]: of('https://elsewhere/43.1/') }), 'image_metadata_invalid', /does not end in the name of a file$/],
    ['a name that hides', find(fedora, { [streamUrl()]: of('https://elsewhere/.43.1') }), 'image_metadata_invalid', /does not end in the name of a file$/]
  ])
})

t.test('Container Linux: version.txt, once and again', async t => {
  const root = 'https://stable.release.flatcar-linux.net/amd64-usr'
  const said = (place: string, version: string): Documents => ({ [`${root}/${place}/version.txt`]: `X=1\nFLATCAR_VERSION="${version}"\n` })
  const found = await find({ os: 'flatcar', updates: true }, { ...said('current', '1.2.3'), ...said('1.2.3', '1.2.3') })
  t.same([found.version, found.made.get('version.txt'), found.digestUrls.length], ['1.2.3', 'FLATCAR_VERSION=1.2.3\n', 4])
  t.same(found.files.map(({ url, update }) => [url, update]).at(-1), ['https://update.release.flatcar-linux.net/amd64-usr/1.2.3/flatcar_production_update.gz', true])
  const own = 'http://own'
  const atOwn = await find({ os: 'flatcar', updates: true, base_url: own, version: '1.2.3' }, { [`${own}/amd64-usr/1.2.3/version.txt`]: 'FLATCAR_VERSION=1.2.3' })
  t.equal(atOwn.files.at(-1)?.url, `${own}/amd64-usr/1.2.3/flatcar_production_update.gz`)
  t.equal((await find({ os: 'flatcar', version: '1.2.3' }, said('1.2.3', '1.2.3'))).files.length, 3)
  await confirmed(found, said('1.2.3', '1.2.3'))
  await refused(t, [
    ['moved meanwhile', confirmed(found, said('1.2.3', '1.2.4')), 'image_mixed', /says 1\.2\.4, not 1\.2\.3/],
    ['two versions', find({ os: 'flatcar' }, { ...said('current', '1.2.3'), ...said('1.2.3', '1.2.4') }), 'image_mixed'],
    ['no line', find({ os: 'flatcar' }, { [`${root}/current/version.txt`]: 'COREOS_VERSION=1.2.3' }), 'image_metadata_invalid', /has no line FLATCAR_VERSION=\.\.\.$/],
    ['a path', find({ os: 'flatcar' }, said('current', '../x')), 'image_metadata_invalid'],
    ['a word for the newest', find({ os: 'flatcar' }, { ...said('current', 'current-2'), ...said('current-2', 'current-2') }), 'image_metadata_invalid', /"current-2" is no version$/],
    ['a channel', find({ os: 'flatcar' }, { ...said('current', 'beta'), ...said('beta', 'beta') }), 'image_metadata_invalid', /"beta" is no version$/],
    ['an architecture', find({ os: 'flatcar' }, { ...said('current', 'arm64'), ...said('arm64', 'arm64') }), 'image_metadata_invalid', /"arm64" is no version$/]
  ])
})

t.test('a custom source is what its signatures and digests say', async t => {
  const custom = { os: 'custom', base_url: 'http://own/dir', files: [{ path: 'deep/a', signature: '.asc' }, { path: 'b', signature: '', sha256: digest.toUpperCase() }] } as const
  const signed: Documents = { 'http://own/dir/deep/a.asc': 'one' }
  const found = await find(custom, signed)
  t.match(found, { version: /^[0-9a-f]{12}$/, files: [{ name: 'a', url: 'http://own/dir/deep/a', signatureUrl: 'http://own/dir/deep/a.asc', sha256: undefined }, { name: 'b', signatureUrl: undefined, sha256: digest }] })
  t.equal((await find(custom, signed)).version, found.version)
  for (const [what, config, documents] of [
    ['another signature', custom, { 'http://own/dir/deep/a.asc': 'two' }], ['another digest', { ...custom, files: [custom.files[0], { ...custom.files[1], sha256: 'cd'.repeat(32) }] }, signed],
    ['another name', { ...custom, files: [custom.files[0], { ...custom.files[1], path: 'c' }] }, signed]
  ] as const) t.not((await find(config, documents)).version, found.version, what)
  t.equal((await find({ ...custom, version: '7' }, signed)).version, '7')
  await confirmed(found, signed)
  await refused(t, [
    ['changed meanwhile', confirmed(found, { 'http://own/dir/deep/a.asc': 'two' }), 'image_mixed'],
    ['a file of our own name', find({ ...custom, files: [{ path: 'release.json', sha256: digest, signature: '' }] }, {}), 'image_metadata_invalid', /no file may be called release\.json$/]
  ])
})

t.test('sources that can not be', t => {
  const file = { path: 'a', sha256: digest, signature: '' }
  const custom = { os: 'custom', base_url: 'http://own', files: [file] } as const
  t.match(openSource(sourceConfig({ ...custom, name: 'tools', channel: 'c', arch: 'a' })), { id: 'tools/c/a', folder: 'tools/a' })
  t.match(openSource(sourceConfig({ ...custom, base_url: 'http://me:pw@own//' })), { id: 'custom', folder: 'custom', baseUrl: 'http://own', authorization: { origin: 'http://own' } })
  t.match(openSource(sourceConfig({ os: 'flatcar', version: 'current-2024', arch: 'arm64' })), { id: 'flatcar/stable/arm64/current-2024', follow: 'current-2024', folder: 'flatcar/arm64', pinned: undefined, updateServer: /^https:/ })
  t.match(openSource(sourceConfig({ os: 'flatcar', version: '1.0.0', base_url: 'http://{channel}.own' })), { id: 'flatcar/stable/amd64/1.0.0', baseUrl: 'http://stable.own', updateServer: undefined })
  for (const [config, message] of [
    [{ os: 'flatcar', channel: 'nightly' }, /expected channel to be one of stable, beta, alpha, lts/], [{ os: 'flatcar', arch: 'i386' }, /expected arch/],
    [{ ...custom, channel: '1x' }, /a channel that can be/], [{ ...custom, channel: 'a/b' }, /a channel that can be/], [{ ...custom, arch: '../a' }, /an architecture that can be/],
    [{ os: 'flatcar', name: 'x' }, /only custom sources have a name/], [{ ...custom, name: 'flatcar' }, /a name that is no publisher's/], [{ ...custom, name: '1x' }, /a name that/],
    [{ os: 'flatcar', version: '../x' }, /expected a version/], [{ os: 'flatcar', version: 'beta' }, /expected a version/],
    [{ ...custom, base_url: undefined }, /expected a base_url/], [{ ...custom, files: [] }, /expected the files/], [{ ...custom, files: [file, { ...file, path: 'deep/a' }] }, /files with different names/],
    [{ ...custom, files: [{ path: 'a', signature: '' }] }, /a has neither a signature nor a sha256/], [{ ...custom, updates: true }, /has no updates/],
    [{ os: 'flatcar', update_files: ['oem-vmware.gz'] }, /update_files are for/], [{ os: 'coreos', updates: true, update_files: ['oem-vmware.gz'] }, /update_files are for/],
    [{ os: 'flatcar', updates: true, update_files: ['x.gz'] }, /not x\.gz$/], [{ os: 'flatcar', update_server: 'https://x' }, /update_server is for/],
    [{ os: 'fedora-coreos', updates: true, update_server: 'https://x' }, /update_server is for/], [{ os: 'flatcar', updates: true, update_server: 'http://x' }, /expected an update_server of https/]
  ] as const) t.throws(() => openSource(sourceConfig(config)), { code: 'config_invalid', message }, String(message))
  t.end()
})

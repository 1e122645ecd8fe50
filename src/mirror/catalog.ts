// The publishers: a row each for where their releases are, what they consist of and how a version is told.
import { createHash } from 'node:crypto'
import { AppError } from '../base/errors.js'
import { basicAuthorization } from '../net/connect-url.js'
import { MissingError } from './http-client.js'
import { type Manifest, parseManifest } from './layout.js'
import { isSafeName, manifestName, type Fetcher, type Release, type Source, type SourceConfig, type WantedFile } from './source.js'
import { isUpdateFileName, payloadName, updateFiles } from './update-files.js'
import { updateServers } from './update-server.js'
import { readReleaseMetadata, readStreamMetadata, type StreamRelease } from './stream-metadata.js'

interface Publisher {
  readonly channels: readonly string[]
  /** The first is the default, and the one whose releases stand right in the system's folder. */
  readonly arches: readonly string[]
  readonly origin: string
  readonly find: (source: Source, fetcher: Fetcher) => Promise<Release>
}

const containerLinux = (prefix: string, variable: string): Publisher['find'] => async (source, fetcher) => {
  const root = `${source.baseUrl}/${source.arch}-usr`
  const version = source.pinned ?? versionIn(await fetcher.text(`${root}/${source.follow}/version.txt`), variable, `${root}/${source.follow}/version.txt`)
  // From here on the version's own folder: what `current` means may change between two files.
  const folder = `${root}/${version}`
  const check = (text: Buffer): void => {
    const found = versionIn(text.toString(), variable, `${folder}/version.txt`)
    if (found !== version) throw new AppError('image_mixed', `${folder}/version.txt says ${found}, not ${version}: its files may be of two versions`)
  }
  const text = await fetcher.bytes(`${folder}/version.txt`)
  check(text)
  const names = [`${prefix}_production_pxe.vmlinuz`, `${prefix}_production_pxe_image.cpio.gz`, `${prefix}_production_image.bin.bz2`]
  const files = chosen(source, names.map((name): WantedFile => ({
    name, url: `${folder}/${name}`, signatureUrl: `${folder}/${name}.sig`, sha256: undefined, aliases: []
  })))
  return {
    version,
    files: [...files, ...updateFiles(source, version, isDefaultOrigin(source))],
    // The installers ask a mirror for this one; of one that is not signed only what was checked is kept.
    made: new Map([['version.txt', `${variable}=${version}\n`]]),
    statement: { url: `${folder}/version.txt`, text },
    digestUrls: [`${prefix}_production_pxe.DIGESTS`, ...files.map(({ name }) => `${name}.DIGESTS`)].map(name => `${folder}/${name}`),
    confirm: async again => { check(await again.bytes(`${folder}/version.txt`)) }
  }
}

const fedoraCoreos: Publisher['find'] = async (source, fetcher) => {
  const ask = async (from: Fetcher): Promise<StreamRelease> => {
    const streamUrl = `${source.baseUrl}/streams/${source.channel}.json`
    if (source.pinned === undefined) return readStreamMetadata(await from.text(streamUrl), source.arch, streamUrl, source.channel)
    const url = `${source.baseUrl}/prod/streams/${source.channel}/builds/${source.pinned}/release.json`
    return readReleaseMetadata(await from.text(url), source.arch, url, source.channel)
  }
  const { version, artifacts, missing } = await ask(fetcher)
  if (source.pinned !== undefined && source.pinned !== version) throw new AppError('image_mixed', `${source.baseUrl}: the metadata of ${source.pinned} is that of ${version}`)
  if (source.files.length === 0 && missing[0] !== undefined) throw missing[0]
  const files = chosen(source, artifacts.map(({ location, signature, sha256 }): WantedFile => {
    const name = nameOf(location)
    if (!name.includes(version)) throw new AppError('image_mixed', `${location} is not of release ${version}, which the metadata describes`)
    return {
      name,
      url: atBase(location, source),
      signatureUrl: signature === undefined ? undefined : atBase(signature, source),
      sha256,
      aliases: fedoraNames(name, version)
    }
  }))
  const unsigned = files.find(({ signatureUrl }) => signatureUrl === undefined)
  if (unsigned !== undefined) throw new AppError('image_signature_missing', `${unsigned.url}: the metadata names no signature of it`)
  return { version, files, made: new Map(), statement: undefined, digestUrls: [], confirm: async () => {} }
}

/**
 * Other names of a file of Fedora CoreOS: without the version, and of the kernel, which was `live-kernel-x86_64` up to the releases of 2024
 * and is `live-kernel.x86_64` since, the other form as well, so that a profile written for either boots.
 */
export function fedoraNames (name: string, version: string): readonly string[] {
  const other = name.replace(/-live-kernel([-.])(?=\w+$)/, (_, mark: string) => `-live-kernel${mark === '.' ? '-' : '.'}`)
  const names = new Set([name, other].flatMap(each => [each, each.replace(`${version}-`, '')]))
  names.delete(name)
  return [...names]
}

/** The path that the metadata names, below the configured base URL unless it stands there already. */
function atBase (location: string, { baseUrl }: Source): string {
  const { origin, pathname } = new URL(location)
  const base = new URL(baseUrl)
  const prefix = withoutLastSlashes(base.pathname)
  if (baseUrl === publishers['fedora-coreos'].origin) return location
  const isMirrors = origin !== publishers['fedora-coreos'].origin && (origin === base.origin || prefix !== '') && pathname.startsWith(`${prefix}/`)
  return isMirrors ? `${base.origin}${pathname}` : `${baseUrl}${pathname}`
}

const custom: Publisher['find'] = async (source, fetcher) => {
  const files = source.files.map(({ path, sha256, signature }): WantedFile => {
    const url = `${source.baseUrl}/${path}`
    return { name: nameOf(url), url, signatureUrl: signature === '' ? undefined : `${url}${signature}`, sha256: sha256?.toLowerCase(), aliases: [] }
  })
  // Without a version to go by, a release is what its signatures and digests say it is: other files, other name.
  const contents = async (from: Fetcher): Promise<string> => {
    const hash = createHash('sha256')
    for (const { name, sha256 = '', signatureUrl } of files) {
      hash.update(`${name}\0${sha256}\0`)
      if (signatureUrl !== undefined) hash.update(await from.bytes(signatureUrl))
    }
    return hash.digest('hex').slice(0, 12)
  }
  const before = await contents(fetcher)
  const confirm = async (again: Fetcher): Promise<void> => {
    if (await contents(again) !== before) throw new AppError('image_mixed', `${source.baseUrl}: its files changed while they were fetched`)
  }
  return { version: source.pinned ?? before, files, made: new Map(), statement: undefined, digestUrls: [], confirm }
}

const publishers = {
  flatcar: {
    channels: ['stable', 'beta', 'alpha', 'lts'],
    arches: ['amd64', 'arm64'],
    origin: 'https://{channel}.release.flatcar-linux.net',
    find: containerLinux('flatcar', 'FLATCAR_VERSION')
  },
  'fedora-coreos': {
    channels: ['stable', 'testing', 'next'],
    arches: ['x86_64', 'aarch64', 'ppc64le', 's390x'],
    origin: 'https://builds.coreos.fedoraproject.org',
    find: fedoraCoreos
  },
  coreos: {
    channels: ['stable', 'beta', 'alpha'],
    arches: ['amd64', 'arm64'],
    origin: 'https://{channel}.release.core-os.net',
    find: containerLinux('coreos', 'COREOS_VERSION')
  },
  custom: { channels: [], arches: [], origin: '', find: custom }
} as const satisfies Readonly<Record<SourceConfig['os'], Publisher>>

const newest = /^(?:current(?:-\d+)?|latest)$/

/** A configured source with its defaults; AppError config_invalid says what it lacks. */
export function openSource (config: SourceConfig): Source {
  const { os, version = 'current', keys, files = [], allow_expired_keys: allowExpiredKeys } = config
  const { channels, arches, origin }: Publisher = publishers[os]
  const refuse = (what: string): never => { throw new AppError('config_invalid', what) }
  const channel = config.channel ?? channels[0] ?? ''
  const arch = config.arch ?? arches[0] ?? ''
  if (channels.length > 0 && !channels.includes(channel)) refuse(`expected channel to be one of ${channels.join(', ')} for ${os}`)
  if (arches.length > 0 && !arches.includes(arch)) refuse(`expected arch to be one of ${arches.join(', ')} for ${os}`)
  if (channel !== '' && !isAliasName(channel)) refuse('expected a channel that can be the name of a folder')
  if (arch !== '' && !isSafeName(arch)) refuse('expected an architecture that can be the name of a folder')
  if (os !== 'custom' && config.name !== undefined) refuse('only custom sources have a name')
  const name = os === 'custom' ? config.name ?? 'custom' : os
  if (os === 'custom' && (!isAliasName(name) || (Object.hasOwn(publishers, name) && name !== 'custom'))) refuse('expected a name that is no publisher\'s, and can be that of a folder')
  const pinned = newest.test(version) ? undefined : version
  if (pinned !== undefined && (!isSafeName(pinned) || channels.includes(pinned))) refuse('expected a version, current or latest')
  const base = config.base_url ?? origin
  if (base === '') refuse('expected a base_url: a custom source has no other')
  if (os === 'custom') {
    if (files.length === 0) refuse('expected the files of a custom source')
    const names = files.map(({ path }) => nameOf(`${base}/${path}`))
    if (new Set(names).size < names.length) refuse('expected files with different names: they stand in one folder')
    const bare = files.find(({ sha256, signature }) => signature === '' && sha256 === undefined)
    if (bare !== undefined) refuse(`${bare.path} has neither a signature nor a sha256, so nothing tells whether it is the right one`)
  }
  const updates = config.updates ?? false
  const updateFileNames = config.update_files ?? []
  if (updates && os === 'custom') refuse('a custom source has no updates')
  if (updateFileNames.length > 0 && !(updates && os === 'flatcar')) refuse('update_files are for a source of flatcar with updates: true')
  const odd = updateFileNames.find(file => !isUpdateFileName(file))
  if (odd !== undefined) refuse(`expected update_files such as oem-vmware.gz or flatcar-zfs.gz, not ${odd}`)
  const updateServer = config.update_server ?? (config.base_url === undefined ? updateServers[os] : undefined)
  if (config.update_server !== undefined && !(updates && ['flatcar', 'coreos'].includes(os))) refuse('update_server is for a source of flatcar or coreos with updates: true')
  if (updateServer?.startsWith('https://') === false) refuse('expected an update_server of https: what it tells is taken for proof')
  const at = base.replaceAll('{channel}', channel)
  const value = basicAuthorization(new URL(at))
  return {
    // current-2023 and current-2024 are two sources of one channel.
    id: [name, channel, arch, pinned ?? (/^current-/.test(version) ? version : undefined)].filter(part => part !== undefined && part !== '').join('/'),
    os,
    channel,
    arch,
    pinned,
    follow: version === 'latest' ? 'current' : version,
    baseUrl: withoutLastSlashes(at.replace(/^(https?:\/\/)[^/?#]*@/, '$1')),
    authorization: value === undefined ? undefined : { origin: new URL(at).origin, value },
    folder: arch === '' || arch === arches[0] ? name : `${name}/${arch}`,
    files,
    updates,
    updateFiles: updateFileNames,
    updateServer,
    keys,
    allowExpiredKeys
  }
}

/** What may be the name of a link beside the releases. */
const isAliasName = (name: string): boolean => isSafeName(name) && !/^\d/.test(name)

const isDefaultOrigin = ({ os, channel, baseUrl }: Source): boolean => baseUrl === publishers[os].origin.replaceAll('{channel}', channel)

function updatesAtPeer (source: Source, all: readonly WantedFile[]): readonly WantedFile[] {
  if (!source.updates) return []
  return [payloadName(source.os), ...source.updateFiles].filter(name => name !== undefined).map(wanted => {
    const file = all.find(({ name, update }) => name === wanted && update === true)
    if (file === undefined) throw new AppError('image_metadata_invalid', `${source.id}: ${source.baseUrl} does not mirror ${wanted}: updates: true is needed there too`)
    return file
  })
}

/**
 * A release of another core-provisioner, which serves its own under /assets as they are laid out here; undefined when there
 * is none.
 */
async function findAtPeer (source: Source, fetcher: Fetcher): Promise<Release | undefined> {
  const { baseUrl, folder, pinned, channel, follow } = source
  if (!new URL(baseUrl).pathname.endsWith('/assets')) return undefined
  const link = follow !== 'current' || channel === '' ? follow : channel
  const ask = async (from: Fetcher, name: string): Promise<Manifest | undefined> => {
    const url = `${baseUrl}/${folder}/${name}/${manifestName}`
    const text = await from.text(url).catch((error: unknown) => {
      if (error instanceof MissingError) return undefined
      throw error
    })
    const manifest = text === undefined ? undefined : parseManifest(text)
    if (text !== undefined && manifest === undefined) throw new AppError('image_metadata_invalid', `${url} describes no release`)
    return manifest
  }
  const manifest = await ask(fetcher, pinned ?? link)
  if (manifest === undefined) return undefined
  const { version } = manifest
  if (!isSafeName(version)) throw new AppError('image_metadata_invalid', `${baseUrl}: ${JSON.stringify(version)} is no version`)
  if (pinned !== undefined && pinned !== version) throw new AppError('image_mixed', `${baseUrl}: what stands under ${pinned} is ${version}`)
  const place = `${baseUrl}/${folder}/${version}`
  const all = manifest.files.map(({ name, sha1, sha256, signature }): WantedFile => ({
    name,
    url: `${place}/${name}`,
    // Of an update's file the source's own update server may tell, where it has none.
    signatureUrl: signature !== undefined && isSafeName(signature) ? `${place}/${signature}` : sha1 === undefined ? undefined : `${place}/${name}.sig`,
    sha256,
    aliases: source.os === 'fedora-coreos' ? fedoraNames(name, version) : [],
    ...sha1 !== undefined && { update: true }
  }))
  const images = all.filter(({ update }) => update !== true)
  const files = source.os === 'custom' ? all : [...chosen(source, images), ...updatesAtPeer(source, all)]
  const unsigned = files.find(({ signatureUrl }) => signatureUrl === undefined)
  if (unsigned !== undefined && source.os !== 'custom') throw new AppError('image_signature_missing', `${unsigned.url} has no signature`)
  const statement = await fetcher.bytes(`${place}/version.txt`).catch((error: unknown) => {
    if (error instanceof MissingError) return undefined
    throw error
  })
  return {
    version,
    files,
    made: statement === undefined ? new Map() : new Map([['version.txt', statement.toString()]]),
    statement: statement === undefined ? undefined : { url: `${place}/version.txt`, text: statement },
    digestUrls: [],
    confirm: async again => {
      const found = await ask(again, version)
      if (found?.version !== version) throw new AppError('image_mixed', `${place}: its files changed while they were fetched`)
    }
  }
}

export const findRelease = async (source: Source, fetcher: Fetcher): Promise<Release> => {
  const release = await findAtPeer(source, fetcher) ?? await publishers[source.os].find(source, fetcher)
  const { channels, arches }: Publisher = publishers[source.os]
  // Releases stand beside the links to them and the folders of other architectures.
  if (!isSafeName(release.version) || newest.test(release.version) || [...channels, ...arches, source.channel].includes(release.version)) throw new AppError('image_metadata_invalid', `${source.id}: ${JSON.stringify(release.version)} is no version`)
  if (release.files.some(({ name }) => name === manifestName)) throw new AppError('image_metadata_invalid', `${source.id}: no file may be called ${manifestName}`)
  return release
}

/** `files` of a source that is not custom chooses among its publisher's. */
function chosen (source: Source, files: readonly WantedFile[]): readonly WantedFile[] {
  if (source.files.length === 0) return files
  const isCalled = ({ name, aliases }: WantedFile, path: string): boolean => name === path || aliases.includes(path)
  const unknown = source.files.find(({ path }) => !files.some(file => isCalled(file, path)))
  if (unknown !== undefined) throw new AppError('config_invalid', `${source.id} has no file ${unknown.path}; it has ${files.map(({ name, aliases }) => aliases[0] ?? name).join(', ')}`)
  return files.filter(file => source.files.some(({ path }) => isCalled(file, path)))
}

function nameOf (url: string): string {
  const name = decodeURIComponent(new URL(url).pathname.split('/').pop() ?? '')
  if (!isSafeName(name)) throw new AppError('image_metadata_invalid', `${url} does not end in the name of a file`)
  return name
}

function versionIn (text: string, variable: string, url: string): string {
  const value = new RegExp(`^${variable}="?([^"\\s]+)"?\\s*$`, 'm').exec(text)?.[1]
  if (value !== undefined && isSafeName(value)) return value
  throw new AppError('image_metadata_invalid', `${url} has no line ${variable}=...`)
}

function withoutLastSlashes (url: string): string {
  let { length } = url
  while (url[length - 1] === '/') length--
  return url.slice(0, length)
}

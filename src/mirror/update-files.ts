// What installed machines update themselves with, of the publishers that have it apart from their images: Flatcar's and Container
// Linux's payloads with what belongs to them, and what Fedora says of the releases of a stream.
import { join } from 'node:path'
import { AppError } from '../base/errors.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { makeFolder } from '../disk/make-folder.js'
import { shown } from './http-client.js'
import type { Fetcher, Source, WantedFile } from './source.js'

/** Where payloads are when `base_url` is not configured. */
const origins: Partial<Record<Source['os'], string>> = {
  flatcar: 'https://update.release.flatcar-linux.net',
  coreos: 'https://update.release.core-os.net'
}

const payloads: Readonly<Record<string, string>> = { flatcar: 'flatcar_production_update.gz', coreos: 'update.gz' }

/** The system's own payload of an operating system. */
export const payloadName = (os: string): string | undefined => Object.hasOwn(payloads, os) ? payloads[os] : undefined

/** Whether it may be named in `update_files`: an OEM's files, or an extension. */
export const isUpdateFileName = (name: string): boolean => /^(?:oem|flatcar)-[\w.-]{1,100}\.gz$/.test(name)

/** None unless the source asks for them. `isDefault` says that the source has no base_url of its own. */
export function updateFiles (source: Source, version: string, isDefault: boolean): readonly WantedFile[] {
  const { os, arch, baseUrl, updates, updateFiles: more } = source
  const payload = payloads[os]
  if (!updates || payload === undefined) return []
  const place = `${isDefault ? origins[os] ?? baseUrl : baseUrl}/${arch}-usr/${version}`
  return [payload, ...more].map(name => ({
    name, url: `${place}/${name}`, signatureUrl: `${place}/${name}.sig`, sha256: undefined, aliases: [], update: true
  }))
}

/** Below the folder of Fedora CoreOS. */
const streamFolder = (stream: string): string => join('updates', stream)
const streamFiles = ['releases.json', 'updates.json'] as const

/** Those of a stream in a mirror: its releases, and its updates. */
export function streamDocuments (assetsPath: string, stream: string): readonly [releases: string, updates: string] {
  const pathOf = (file: string): string => join(assetsPath, 'fedora-coreos', streamFolder(stream), file)
  return [pathOf(streamFiles[0]), pathOf(streamFiles[1])]
}

/** Fetches both documents of a stream before it replaces either. AppError image_download_failed, image_metadata_invalid. */
export async function keepStreamMetadata (source: Source, fedoraFolder: string, fetcher: Fetcher): Promise<void> {
  const { baseUrl, channel } = source
  const urls = new URL(baseUrl).pathname.endsWith('/assets')
    ? streamFiles.map(name => `${baseUrl}/fedora-coreos/updates/${channel}/${name}`)
    : [`${baseUrl}/prod/streams/${channel}/releases.json`, `${baseUrl}/updates/${channel}.json`]
  const texts: string[] = []
  for (const url of urls) {
    const text = await fetcher.text(url)
    if (streamOf(text) !== channel) throw new AppError('image_metadata_invalid', `${shown(url)} does not describe the stream ${channel}`)
    texts.push(text)
  }
  const folder = join(fedoraFolder, streamFolder(channel))
  await makeFolder(folder)
  for (const [index, text] of texts.entries()) await writeFileAtomic(join(folder, streamFiles[index]!), text)
}

function streamOf (text: string): unknown {
  try {
    return (Object(JSON.parse(text)) as Readonly<Record<string, unknown>>)['stream']
  } catch {
    return undefined
  }
}

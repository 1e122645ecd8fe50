// Fedora CoreOS's descriptions of releases: the stream metadata (what is newest) and a release's own, which differ in shape.
import { AppError, messageOf } from '../base/errors.js'

export interface Artifact {
  readonly location: string
  readonly signature: string | undefined
  readonly sha256: string
}

export interface StreamRelease {
  readonly version: string
  /** Kernel, initramfs and rootfs for PXE, and the image for disks of 512 byte sectors, as far as the release has them. */
  readonly artifacts: readonly Artifact[]
  /** What is said of those that it lacks. */
  readonly missing: readonly AppError[]
}

const disk = 'raw.xz'
const pxe = ['kernel', 'initramfs', 'rootfs'] as const

/** `/streams/stable.json`: architectures.<arch>.artifacts.metal.{release, formats}. AppError image_metadata_invalid. */
export function readStreamMetadata (text: string, arch: string, url: string, stream: string): StreamRelease {
  const document = ofStream(parsed(text, url), stream, url)
  const metal = at(document, ['architectures', arch, 'artifacts', 'metal'], url)
  return { version: textOf(at(metal, ['release'], url), url), ...artifacts(at(metal, ['formats'], url), url) }
}

/** `/prod/streams/stable/builds/<version>/release.json`: release, architectures.<arch>.media.metal.artifacts. */
export function readReleaseMetadata (text: string, arch: string, url: string, stream: string): StreamRelease {
  const document = ofStream(parsed(text, url), stream, url)
  return {
    version: textOf(at(document, ['release'], url), url),
    ...artifacts(at(document, ['architectures', arch, 'media', 'metal', 'artifacts'], url), url)
  }
}

function artifacts (formats: unknown, url: string): Pick<StreamRelease, 'artifacts' | 'missing'> {
  const found: Artifact[] = []
  const missing: AppError[] = []
  for (const path of [...pxe.map(name => ['pxe', name]), [disk, 'disk']]) {
    try {
      found.push(artifact(at(formats, path, url), url))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      missing.push(error)
    }
  }
  return { artifacts: found, missing }
}

function artifact (value: unknown, url: string): Artifact {
  const location = textOf(at(value, ['location'], url), url)
  const sha256 = textOf(at(value, ['sha256'], url), url).toLowerCase()
  const signature = (value as Readonly<Record<string, unknown>>)['signature']
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new AppError('image_metadata_invalid', `${url}: the sha256 of ${location} is none`)
  return { location: httpUrl(location, url), signature: typeof signature === 'string' && signature !== '' ? httpUrl(signature, url) : undefined, sha256 }
}

function httpUrl (text: string, url: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text
  throw new AppError('image_metadata_invalid', `${url}: ${JSON.stringify(text)} is no URL`)
}

function parsed (text: string, url: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new AppError('image_metadata_invalid', `${url} is not JSON: ${messageOf(error)}`)
  }
}

/** Another stream's document, good and signed as its images are, is not what was asked for. One that names none is taken. */
function ofStream (document: unknown, stream: string, url: string): unknown {
  const said: unknown = Object(document).stream
  if (said === undefined || said === stream) return document
  throw new AppError('image_mixed', `${url} is of the stream ${JSON.stringify(said)}, not of ${stream}`)
}

function at (value: unknown, path: readonly string[], url: string): unknown {
  let here = value
  for (const key of path) {
    const next: unknown = typeof here === 'object' && here !== null && Object.hasOwn(here, key) ? (here as Readonly<Record<string, unknown>>)[key] : undefined
    if (next === undefined) throw new AppError('image_metadata_invalid', `${url} has no ${path.join('.')}`)
    here = next
  }
  return here
}

function textOf (value: unknown, url: string): string {
  if (typeof value === 'string') return value
  throw new AppError('image_metadata_invalid', `${url}: expected text, not ${JSON.stringify(value)}`)
}

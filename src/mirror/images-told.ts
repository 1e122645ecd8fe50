// What the mirror's thread tells the service of thousands of releases: text that is made here, in the thread, and passed on as it
// is, so that whoever answers machines goes through none of them.
import type { PublishedFile } from './layout.js'
import type { ImagesShown, ReleaseShown, SourceShown } from './mirror.js'
import { payloadName } from './update-files.js'

/** A release that installed machines may update to: whole, with the payload among `files`, the system's own first. */
export interface UpdateRelease {
  readonly os: string
  readonly arch: string
  readonly channel: string
  readonly version: string
  /** `/assets/flatcar/4230.2.1` */
  readonly path: string
  readonly files: readonly PublishedFile[]
}

export interface ImagesTold {
  readonly sources: readonly SourceShown[]
  readonly updates: readonly UpdateRelease[]
  /** All that is shown, as JSON. */
  readonly json: Uint8Array
  /** In Prometheus's text format; ages are those of the moment. */
  readonly metrics: Uint8Array
}

/** When all sources had been looked at; undefined when one never was, or in a future that a clock invented. */
export function lastChecked ({ sources }: Pick<ImagesTold, 'sources'>, now: number): number | undefined {
  const times = sources.map(({ checked = '' }) => Date.parse(checked))
  return times.every(time => time <= now) ? Math.min(...times) : undefined
}

export function tellImages (shown: ImagesShown): ImagesTold {
  const encoder = new TextEncoder()
  return {
    sources: shown.sources,
    updates: shown.releases.flatMap(updateIn),
    json: encoder.encode(JSON.stringify(shown)),
    metrics: encoder.encode(metricsOf(shown))
  }
}

function updateIn ({ os, arch, channel, version, path, files, problems }: ReleaseShown): readonly UpdateRelease[] {
  const name = payloadName(os)
  const payload = files.find(file => file.name === name && file.sha1 !== undefined)
  if (payload === undefined || Object.keys(problems).length > 0) return []
  return [{ os, arch, channel, version, path, files: [payload, ...files.filter(file => file.sha1 !== undefined && file !== payload)] }]
}

type Sample = readonly [labels: Readonly<Record<string, string>>, number: number]

function metricsOf ({ sources, releases }: ImagesShown): string {
  const ofReleases = (value: (release: ReleaseShown) => number): readonly Sample[] =>
    releases.map(release => [{ path: release.path }, value(release)])
  return [
    gauge('image_release_info', 'Mirrored releases: version, links to it, key that it was verified by',
      releases.map(({ path, version, aliases, keys }) => [{ path, version, aliases: aliases.join(','), key: keys.join(',') }, 1])),
    gauge('image_release_age_seconds', 'Time since a mirrored release was published here', ofReleases(({ ageSeconds }) => ageSeconds)),
    gauge('image_release_bytes', 'Bytes of a mirrored release', ofReleases(({ bytes }) => bytes)),
    gauge('image_release_problems', 'Files of a mirrored release that the last verification found bad',
      ofReleases(({ problems }) => Object.keys(problems).length)),
    gauge('image_source_success_seconds', 'When an image source was last up to date, in seconds since the epoch',
      sources.map(({ source, succeeded }) => [{ source }, Date.parse(succeeded ?? '1970-01-01T00:00:00Z') / 1000])),
    gauge('image_source_failed', 'Image sources whose last try failed, by what went wrong',
      sources.map(({ source, error }) => [{ source, error: error?.code ?? '' }, error === undefined ? 0 : 1]))
  ].join('\n')
}

function gauge (name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, number]) => `${name}{${Object.entries(labels).map(([label, value]) => `${label}="${escape(value)}"`).join(',')}} ${number}`)
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines, ''].join('\n')
}

const escape = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

// What is mirrored: a source as it is configured, and a release as the publisher describes it.

export interface CustomFile {
  /** Below the source's base URL; the last part of it is the file's name. */
  readonly path: string
  /** 64 hex digits. */
  readonly sha256?: string | undefined
  /** What is added to the URL for its detached signature; '' for a file that has none, which then needs a sha256. */
  readonly signature: string
}

export interface SourceConfig {
  readonly os: 'flatcar' | 'fedora-coreos' | 'coreos' | 'custom'
  readonly channel?: string | undefined
  readonly version?: string | undefined
  readonly arch?: string | undefined
  /** Stands in for the publisher's origin; `{channel}` in it is the channel. */
  readonly base_url?: string | undefined
  /** Of a custom source: its folder. */
  readonly name?: string | undefined
  /** Of a custom source: what it has; of the others: which of the publisher's files, when not all. */
  readonly files?: readonly CustomFile[] | undefined
  /** Whether what installed machines update themselves with is mirrored too, and which files of it beside the system's own. */
  readonly updates?: boolean | undefined
  readonly update_files?: readonly string[] | undefined
  /** The publisher's Omaha, which tells digests of what has no signature. */
  readonly update_server?: string | undefined
  /** Fingerprints: of all keys that are pinned only these count. */
  readonly keys: readonly string[]
  /** Takes signatures that a key made before it ended: for archives. */
  readonly allow_expired_keys: boolean
}

export interface Source {
  /** `flatcar/stable/amd64`; unique among the sources. */
  readonly id: string
  readonly os: SourceConfig['os']
  /** '' for a custom source that has none. */
  readonly channel: string
  readonly arch: string
  /** undefined to follow what the publisher has now, which `follow` names in the publisher's word. */
  readonly pinned: string | undefined
  readonly follow: string
  /** Without the name and password that it may have been configured with. */
  readonly baseUrl: string
  readonly authorization: { readonly origin: string, readonly value: string } | undefined
  /** Below assets_path: `flatcar`, and `flatcar/arm64` for other architectures than the PC's. */
  readonly folder: string
  readonly files: readonly CustomFile[]
  readonly updates: boolean
  /** `oem-vmware.gz`, `flatcar-zfs.gz`. */
  readonly updateFiles: readonly string[]
  /** Over TLS. */
  readonly updateServer: string | undefined
  readonly keys: readonly string[]
  readonly allowExpiredKeys: boolean
}

export interface WantedFile {
  readonly name: string
  readonly url: string
  /** undefined for a file that its publisher does not sign: then there has to be a digest. */
  readonly signatureUrl: string | undefined
  readonly sha256: string | undefined
  /** Other names, made as links beside the file: without the version, and as the publisher called it in other years. */
  readonly aliases: readonly string[]
  /** Whether installed machines update themselves with it: a file of another place, which no list of digests names. */
  readonly update?: true
}

export interface Release {
  readonly version: string
  readonly files: readonly WantedFile[]
  /** Small files that are made here from what was read and checked. */
  readonly made: ReadonlyMap<string, string>
  /** What tells the version, which may be signed: URL.sig. */
  readonly statement: { readonly url: string, readonly text: Buffer } | undefined
  /** Where lists of digests may be, signed likewise. */
  readonly digestUrls: readonly string[]
  /** Asks the publisher again whether this is still one release; AppError image_mixed when it is not. */
  readonly confirm: (fetcher: Fetcher) => Promise<void>
}

/** Small documents of a publisher. */
export interface Fetcher {
  /** AppError image_download_failed (MissingError when the publisher does not have it), image_too_large. */
  text: (url: string) => Promise<string>
  bytes: (url: string) => Promise<Buffer>
}

/** Stands in each published release and says what it is; a folder without it was made by somebody else. */
export const manifestName = 'release.json'

/** One path component that is safe as a version, a file or an alias. */
export const isSafeName = (name: string): boolean => /^[A-Za-z0-9][\w.+~-]{0,127}$/.test(name)

// A mirror over folders of a test, with the test's own keys pinned.
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.js'
import { openSource } from '../../src/mirror/catalog.js'
import { Mirror, type MirrorOptions } from '../../src/mirror/mirror.js'
import type { SourceConfig } from '../../src/mirror/source.js'
import type { SyncResult } from '../../src/mirror/sync.js'
import type { TestKey } from './publisher.js'

export interface TestMirrorOptions extends Partial<Omit<MirrorOptions, 'sources' | 'keys'>> {
  readonly folder: string
  readonly keys: readonly TestKey[]
}

export const sourceConfig = (config: Partial<SourceConfig> & Pick<SourceConfig, 'os'>): SourceConfig => ({ keys: [], allow_expired_keys: false, ...config })

export class TestMirror {
  readonly assets: string
  readonly mirror: Mirror

  constructor (sources: ReadonlyArray<Partial<SourceConfig> & Pick<SourceConfig, 'os'>>, { folder, keys, ...more }: TestMirrorOptions) {
    this.assets = join(folder, 'assets')
    mkdirSync(join(folder, 'keys'), { recursive: true })
    for (const { fingerprint, publicKey } of keys) writeFileSync(join(folder, 'keys', fingerprint), publicKey)
    this.mirror = new Mirror({
      assetsPath: this.assets,
      statePath: join(folder, 'state'),
      sources: sources.map(source => openSource(sourceConfig(source))),
      keys: keys.map(({ fingerprint }) => ({ file: join(folder, 'keys', fingerprint), fingerprint })),
      keep: 2,
      timeout: 60_000,
      maxSize: 2 ** 30,
      caFile: '',
      caKey: 'images.ca_file',
      env: {},
      clock: systemClock,
      ...more
    })
  }

  sync (): Promise<readonly SyncResult[]> { return this.mirror.sync({ signal: new AbortController().signal }) }

  /** Every file that machines can see in a folder, links followed, by its path below it. */
  seen (folder: string): Map<string, Buffer> { return seenFiles(join(this.assets, folder)) }
}

export function seenFiles (folder: string, prefix = ''): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  if (!existsSync(folder)) return found
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) for (const [name, bytes] of seenFiles(path, `${prefix}${entry.name}/`)) found.set(name, bytes)
    else if (entry.isFile()) found.set(`${prefix}${entry.name}`, readFileSync(path))
  }
  return found
}

export const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true

// The service's side of the mirror's thread, over folders of a test.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { openSource } from '../../src/mirror/catalog.js'
import { RemoteMirror, type RemoteMirrorOptions } from '../../src/mirror/remote-mirror.js'
import { sourceConfig } from './mirror.js'
import type { TestKey } from './publisher.js'

/** `program` is one for the thread instead of the mirror's own. */
export function remoteMirror (
  t: Test, url: string, { program = '', key, ...more }: Partial<RemoteMirrorOptions> & { readonly program?: string, readonly key?: TestKey } = {}
): { readonly mirror: RemoteMirror, readonly crashes: Error[], readonly assets: string } {
  const folder = t.testdir({ 'key.asc': key?.publicKey ?? '', 'program.mjs': program })
  const crashes: Error[] = []
  const mirror = new RemoteMirror({
    mirror: {
      assetsPath: join(folder, 'assets'),
      statePath: join(folder, 'state'),
      sources: [openSource(sourceConfig({ os: 'flatcar', base_url: url }))],
      keys: key === undefined ? [] : [{ file: join(folder, 'key.asc'), fingerprint: key.fingerprint }],
      keep: 0,
      timeout: 10_000,
      maxSize: 2 ** 30,
      caFile: '',
      caKey: 'images.ca_file',
      env: {}
    },
    clock: systemClock,
    onCrash: error => { crashes.push(error) },
    ...program !== '' && { entry: pathToFileURL(join(folder, 'program.mjs')) },
    ...more
  })
  t.teardown(() => mirror.close())
  return { mirror, crashes, assets: join(folder, 'assets') }
}

// A document of Fedora CoreOS is of the stream that it was asked for.
import t from 'tap'
import { readReleaseMetadata, readStreamMetadata } from '../../src/mirror/stream-metadata.js'

const release = '40.20240920.3.0'
const stream = (name?: string): string => JSON.stringify({ stream: name, architectures: { x86_64: { artifacts: { metal: { release, formats: {} } } } } })
const build = (name?: string): string => JSON.stringify({ stream: name, release, architectures: { x86_64: { media: { metal: { artifacts: {} } } } } })

t.test('one that says another is refused, one that says none is taken', t => {
  for (const [read, made] of [[readStreamMetadata, stream], [readReleaseMetadata, build]] as const) {
    const version = (name?: string): string => read(made(name), 'x86_64', 'https://a/stable.json', 'stable').version
    t.equal(version('stable'), release)
    t.equal(version(), release)
    t.throws(() => version('next'), { code: 'image_mixed', message: 'https://a/stable.json is of the stream "next", not of stable' })
  }
  t.end()
})

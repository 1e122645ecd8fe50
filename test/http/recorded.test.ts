// Every recorded request to Matchbox 0.9.0, sent over a socket to this server.
import { pino } from 'pino'
import t from 'tap'
import { systemClock } from '../../src/clock.js'
import { openFileStore } from '../../src/store/file-store.js'
import { listen } from '../helpers/http-app.js'
import { type Recorded, differences, exchange, layOutVariant, recording, requestOf } from '../helpers/matchbox-fixture.js'

/** Where this server answers otherwise, and why. */
const otherwise: Readonly<Record<string, string>> = {
  'path-08': '/healthz is a path of this program',
  'proto-lf-only': "Node's parser takes no line that ends without a carriage return"
}

// Container Linux Configs are not translated yet.
const awaitsTranspiler = ({ tags, path, response }: Recorded): boolean => response.status === 200 && !tags.includes('raw') &&
  (tags.includes('clc') || /^\/ignition\?t=(?:everything|i-clc)/.test(path ?? ''))

for (const variant of Object.keys(recording.variants)) {
  t.test(`as Matchbox 0.9.0 answers: ${variant}`, async t => {
    const { dataPath, assetsPath } = layOutVariant(variant, t.testdir())
    const store = await openFileStore({ dataPath, tombstoneMs: 0, clock: systemClock, log: pino({ level: 'silent' }), watch: false })
    t.teardown(() => store.close())
    const { port } = await listen(t, { store, assetsPath })
    for (const recorded of recording.cases) {
      if (recorded.variant !== variant || recorded.sort_unstable === true) continue
      if (awaitsTranspiler(recorded)) continue
      const reason = otherwise[recorded.name]
      const found = differences(recorded, await exchange(port, requestOf(recorded)))
      if (reason === undefined) t.same(found, [], `${recorded.name} (${recorded.tags.join(', ')})`)
      else t.not(found.length, 0, `${recorded.name} differs: ${reason}`)
    }
  })
}

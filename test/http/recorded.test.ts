// Every recorded request to Matchbox 0.9.0, sent over a socket to this server.
import { pino } from 'pino'
import t from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { openFileStore } from '../../src/store/file-store.js'
import { listen } from '../helpers/http-app.js'
import { differences, exchange, layOutVariant, recording, requestOf } from '../helpers/matchbox-fixture.js'

/** Where this server answers otherwise, and why. */
const otherwise: Readonly<Record<string, string>> = {
  'ignition-i-butane-fcos': 'it is Butane, which Matchbox takes from 0.10 on',
  'ignition-i-butane-flatcar': 'it is Butane, which Matchbox takes from 0.10 on',
  'path-08': '/healthz is a path of this program',
  'proto-lf-only': "Node's parser takes no line that ends without a carriage return"
}

for (const variant of Object.keys(recording.variants)) {
  t.test(`as Matchbox 0.9.0 answers: ${variant}`, async t => {
    const { dataPath, assetsPath } = layOutVariant(variant, t.testdir())
    const store = await openFileStore({ dataPath, tombstoneMs: 0, clock: systemClock, log: pino({ level: 'silent' }), watch: false })
    t.teardown(() => store.close())
    const { port } = await listen(t, { store, assetsPath })
    for (const recorded of recording.cases) {
      if (recorded.variant !== variant || recorded.sort_unstable === true) continue
      const reason = otherwise[recorded.name]
      const found = differences(recorded, await exchange(port, requestOf(recorded)))
      if (reason === undefined) t.same(found, [], `${recorded.name} (${recorded.tags.join(', ')})`)
      else t.not(found.length, 0, `${recorded.name} differs: ${reason}`)
    }
  })
}

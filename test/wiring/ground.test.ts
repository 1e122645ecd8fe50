// What the listeners stand on: each part that cannot be as configured is told, and hides none of the others.
import t from 'tap'
import type { AppError } from '../../src/base/errors.js'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { openGround } from '../../src/wiring/ground.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

const log = createLog({ level: 'error', pretty: false, destination: logLines().stream })

t.test('a key ring and images that are both wrong are both told, and the rest stands', async t => {
  const folder = t.testdir({ store: {} })
  const set = [`data_path=${folder}/store`, 'assets_path=', `signing.key_ring_path=${folder}/none.gpg`, 'images.sources=[{ os: flatcar }]']
  const loaded = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set })
  const options = { log, clock: new FakeClock(), passphrase: '', env: {}, live: false }
  const told: AppError[] = []
  const ground = await openGround(loaded, { ...options, onProblem: error => { told.push(error) } })
  t.match(told.map(({ message }) => message), [/signing\.key_ring_path: .*none\.gpg/, /images\.sources: expected none/])
  t.match(ground, { signer: undefined, sources: [] })
  t.same(ground.store.problems(), [])
  await ground.close()

  await t.rejects(openGround(loaded, { ...options, onProblem: error => { throw error } }), { message: /none\.gpg/ }, 'what onProblem throws ends it')
})

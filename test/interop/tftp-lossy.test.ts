// Other people's TFTP clients while packets are lost, doubled and reordered on the way, in both directions.
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { kernelUdp } from '../../src/net/udp.js'
import { lossy } from '../helpers/fake-udp.js'
import { randomBytes } from '../helpers/random.js'
import { memoryFiles, serve } from '../helpers/tftp-server.js'
import { again, clients } from '../helpers/tftp-tools.js'
import { needs } from '../helpers/tools.js'

/** Each loss costs a second or more, so that the file is short and everybody waits at the same time. */
const content = randomBytes(3, 5000)

const folder = t.testdir({})

t.test('the bytes are right every time', async t => {
  // Blocks of 8 bytes would be hundreds. The npm package never sorts the blocks of a window (its reader.js looks at
  // `_windowsSize`, which is nothing), so that with windows any loss spoils what it writes, whoever serves it.
  const patient = clients.filter(({ name }) => !name.includes('least') && (!name.startsWith('npm') || name.includes('no window')))
  await Promise.all([0.01, 0.1].flatMap(share => patient.map(async ({ tools, name, get }, seed) => {
    if (!needs(t, ...tools)) return
    const network = lossy(kernelUdp, { seed, lose: share, double: share, delay: share })
    const { server } = await serve(network, systemClock, memoryFiles({ a: content }))
    t.teardown(() => server.close(0))
    const started = systemClock.now()
    const got = await again(get)(server.addresses[0]!.port, 'a', join(folder, `${share} ${seed}`))
    t.ok(got.equals(content), `${share * 100} % (seed ${seed}): ${name}, ${systemClock.now() - started} ms`)
  })))
})

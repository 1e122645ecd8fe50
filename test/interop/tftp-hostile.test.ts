// Bad TFTP input through the whole program on real sockets; `npm run soak -- tftp-hostile` is the same for longer.
import t from 'tap'
import { sendHostile } from '../helpers/tftp-hostile.js'
import { shortFolder } from '../helpers/short-folder.js'

t.test('each kind of bad input gets its answer, and is forgotten', async t => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
  t.comment(`FUZZ_SEED=${seed}`)
  const folder = shortFolder(t)
  const { mistakes, expected, counted, bounds, reads, sent, memory, seconds } = await sendHostile({ rounds: 1, count: 8000, seed, folder })
  t.comment({ sent, counted, bounds, reads, memory, seconds })
  t.same(mistakes, [])
  t.same(counted, expected)
  t.same(bounds, { client: 512, all: 1024 })
  t.ok(reads.whole > 2)
})

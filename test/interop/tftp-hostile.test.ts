// Bad TFTP input through the whole program on real sockets; `npm run soak -- tftp-hostile` is the same for longer.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { sendHostile } from '../helpers/tftp-hostile.js'

t.test('each kind of bad input gets its answer, and is forgotten', async t => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
  t.comment(`FUZZ_SEED=${seed}`)
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'))
  t.teardown(() => { rmSync(folder, { recursive: true }) })
  const { mistakes, expected, counted, bounds, reads, sent, memory, seconds } = await sendHostile({ rounds: 1, count: 8000, seed, folder })
  t.comment({ sent, counted, bounds, reads, memory, seconds })
  t.same(mistakes, [])
  t.same(counted, expected)
  t.equal(bounds.client, 512)
  // Transfers that nobody confirms give way to new ones: the bound on all is only told where four addresses fill it within 200 ms.
  t.ok(bounds.all === 0 || bounds.all === 1024, `${bounds.all}`)
  t.ok(reads.whole > 2)
})

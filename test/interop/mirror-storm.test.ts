// A storm of boots while a large image is mirrored: the thread that answers machines has no more to do than without.
// `npm run soak -- mirror-storm` is the same with 2 GiB, and tells how long machines waited.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type MirrorStorm, mirrorStorm } from '../helpers/mirror-storm.js'
import { namespaceProblem } from '../helpers/netns.js'
import { able } from '../helpers/tools.js'

t.test('a sync is no work for the thread that answers machines', async t => {
  if (!able(t, namespaceProblem())) return
  const storm = async (mebibytes: number): Promise<MirrorStorm> => {
    const folder = mkdtempSync(join(tmpdir(), 'storm-'))
    try {
      const result = await mirrorStorm({ folder, mebibytes, boots: 100, perSecond: 20 })
      t.comment({ mebibytes, ...result })
      return result
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  const [without, during] = [await storm(0), await storm(512)]
  t.equal(during.failed, 0, 'every boot got all it asked for')
  t.ok(during.acknowledged > 0)
  t.ok(during.received > 0, 'the sync was under way')
  t.ok(during.published)
  // By the processor's time, which a busy machine takes nothing from. Hashing alone would be as much again several times.
  t.ok(during.computed < 1.5 * without.computed, `${Math.round(during.computed)} ms during a sync, ${Math.round(without.computed)} without`)
})

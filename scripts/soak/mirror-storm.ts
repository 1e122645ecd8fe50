// Boots with and without a sync of a large image meanwhile: `npm run soak -- mirror-storm [MEBIBYTES] [BOOTS] [PER_SECOND]`, as root, on
// the program as it is built. Without numbers 2048, 600 and 20.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mirrorStorm } from '../../test/helpers/mirror-storm.js'
import { assertAtMost, numberOf } from '../lib/number-arguments.js'

export async function run (words: readonly string[]): Promise<void> {
  const mebibytes = numberOf('MEBIBYTES', words[0] ?? '2048')
  const boots = numberOf('BOOTS', words[1] ?? '600')
  const perSecond = numberOf('PER_SECOND', words[2] ?? '20')
  assertAtMost(words, 3)
  for (const size of [0, mebibytes]) {
    const folder = mkdtempSync(join(tmpdir(), 'storm-'))
    try {
      const { later, ...result } = await mirrorStorm({ folder, mebibytes: size, boots, perSecond })
      process.stdout.write(`${size} MiB ${JSON.stringify({ ...result, later: Object.fromEntries(later) })}\n`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

// Boots with and without a sync of a large image meanwhile: `npm run soak -- mirror-storm [MEBIBYTES] [BOOTS] [PER_SECOND]`, as root, on
// the program as it is built. Without numbers 2048, 600 and 20.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mirrorStorm } from '../../test/helpers/mirror-storm.js'

export async function run ([mebibytes = '2048', boots = '600', perSecond = '20']: readonly string[]): Promise<void> {
  for (const size of [0, Number(mebibytes)]) {
    const folder = mkdtempSync(join(tmpdir(), 'storm-'))
    try {
      const { later, ...result } = await mirrorStorm({ folder, mebibytes: size, boots: Number(boots), perSecond: Number(perSecond) })
      process.stdout.write(`${size} MiB ${JSON.stringify({ ...result, later: Object.fromEntries(later) })}\n`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

// Kills `images sync` with SIGKILL at random points and compares what machines can see with what was published.
// Options: --kills N (100), --seed N.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type KillResult, killAgainAndAgain } from '../../test/helpers/mirror-kill.js'
import { random } from '../../test/helpers/random.js'
import { numberOf, seedOf } from '../lib/number-arguments.js'

const told = ({ kills, ended, duringDownload, published, resumed, damage }: KillResult): string =>
  [
  `${kills} kills (${duringDownload} during a download, ${ended} after the end)`,
  `${published} releases published`,
  `${resumed} downloads resumed`,
  `${damage.length} damaged`
  ].join(', ')

export async function run (args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { kills: { type: 'string', default: '100' }, seed: { type: 'string' } } })
  const seed = seedOf('--seed', values.seed)
  const kills = numberOf('--kills', values.kills)
  const folder = mkdtempSync(join(tmpdir(), 'soak-mirror-'))
  console.log(`seed ${seed}`)
  const tell = (progress: KillResult): void => { if (progress.kills % 20 === 0) console.log(told(progress)) }
  const result = await killAgainAndAgain(folder, kills, random(seed), tell)
  console.log(told(result))
  for (const line of result.damage) console.log(`  ${line}`)
  rmSync(folder, { recursive: true, force: true })
  if (result.damage.length > 0) process.exitCode = 1
}

// Kills the program with SIGKILL at random points while eight clients put groups and configs, and compares what was
// acknowledged with what is on disk. Options: --puts N (2000), --kills N (50), --seed N.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crash } from '../../test/helpers/grpc-program.js'
import { makePki } from '../../test/helpers/pki.js'
import { random } from '../../test/helpers/random.js'
import { numberOf, seedOf } from '../lib/number-arguments.js'

export async function run (args: readonly string[]): Promise<void> {
  const options = { puts: { type: 'string', default: '2000' }, kills: { type: 'string', default: '50' }, seed: { type: 'string' } } as const
  const { values } = parseArgs({ args: [...args], options })
  const seed = seedOf('--seed', values.seed)
  const [puts, kills] = [numberOf('--puts', values.puts), numberOf('--kills', values.kills)]
  const folder = mkdtempSync(join(tmpdir(), 'soak-grpc-'))
  console.log(`seed ${seed}, up to ${puts} puts of a group and a config, ${kills} kills`)
  const { acknowledged, damage } = await crash(folder, makePki(), puts, kills, random(seed))
  console.log(`${acknowledged} puts acknowledged, ${damage.length} damaged or lost`)
  for (const line of damage) console.log(`  ${line}`)
  rmSync(folder, { recursive: true, force: true })
  if (damage.length > 0) process.exitCode = 1
}

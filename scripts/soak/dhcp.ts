// The DHCP server killed at random times while machines take leases: `npm run soak -- dhcp [ROUNDS] [SEED]`, as root. Every
// ACK that was seen on the wire has to be in the lease file; ends with exit status 1 when one is not.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killAgainAndAgain } from '../../test/helpers/dhcp-soak.js'
import { random } from '../../test/helpers/random.js'
import { assertAtMost, numberOf, seedOf } from '../lib/number-arguments.js'

export async function run (args: readonly string[]): Promise<void> {
  const rounds = numberOf('ROUNDS', args[0] ?? '1000')
  const seed = seedOf('SEED', args[1])
  assertAtMost(args, 2)
  const folder = mkdtempSync(join(tmpdir(), 'soak-dhcp-'))
  let round = 0
  const { acknowledged, lost, naks } = await killAgainAndAgain(rounds, folder, random(seed), ({ acknowledged, lost }) => {
    round++
    if (round % 50 === 0) process.stdout.write(`${round} of ${rounds} kills, ${acknowledged} leases acknowledged, ${lost.length} lost\n`)
  })
  process.stdout.write(`seed ${seed}: ${rounds} kills, ${acknowledged} leases acknowledged, ${lost.length} lost, ${naks} refused\n`)
  if (lost.length === 0) rmSync(folder, { recursive: true })
  else {
    process.stderr.write(`not in ${folder}: ${lost.slice(0, 10).join('; ')}\n`)
    process.exitCode = 1
  }
}

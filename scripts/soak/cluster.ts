// A fleet in trouble: `npm run soak -- cluster [SECONDS] [SEED]`, as root, ten minutes without a number. Three etcd and three
// provisioners of which every two seconds one is stopped, killed or cut off; ends with exit status 1 when an address was given to two
// machines at once, a holder was refused its address, an acknowledged lease is not in etcd, or a process ended by itself.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fleetSoak } from '../../test/helpers/fleet-soak.js'
import { assertAtMost, numberOf, seedOf } from '../lib/number-arguments.js'
import { formatTable } from '../lib/table.js'

export async function run (words: readonly string[]): Promise<void> {
  const seconds = numberOf('SECONDS', words[0] ?? '600')
  const seed = seedOf('SEED', words[1])
  assertAtMost(words, 2)
  const folder = mkdtempSync(join(tmpdir(), 'soak-cluster-'))
  const began = Date.now()
  process.stdout.write(`seed ${seed}\n`)
  const { broken, wire, troubles, compactions, acksWithoutEtcd, held } = await fleetSoak({
    folder,
    seed,
    seconds,
    onLine: line => { process.stdout.write(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} ${line}\n`) }
  })
  const rows: Array<readonly [string, string | number]> = [
    ['seed', seed],
    ['seconds of trouble', seconds],
    ...[...troubles].sort(([a], [b]) => a < b ? -1 : 1),
    ['compactions', compactions],
    ...['DISCOVER', 'OFFER', 'REQUEST', 'ACK', 'NAK', 'RELEASE'].map(type => [type, wire.count(type)] as const),
    ['ACKs while etcd was away', acksWithoutEtcd],
    ['longest time without an ACK', `${(wire.longestSilence / 1000).toFixed(1)} s`],
    ['machines', wire.machines],
    ['times that one was given another address', wire.moves],
    ['leases held in the end', held],
    ['broken', broken.length]
  ]
  process.stdout.write(`\n${formatTable([['what', 'how many'], ...rows.map(([what, count]) => [what, String(count)])])}\n`)
  if (broken.length === 0) rmSync(folder, { recursive: true })
  else {
    process.stderr.write(`${broken.slice(0, 20).join('\n')}\nthe provisioners' folders are in ${folder}\n`)
    process.exitCode = 1
  }
}

// The short form that CI runs: `npm run bench -- guard [--rounds N] [--floors FILE]`. What a DHCP exchange, a script, a config, a request
// and a loader cost in CPU, each as a ratio to a reference beside it in the same run (scripts/lib/guard-parts.ts), against the floors in
// scripts/bench/floors.json. The two take turns, and each is counted at its cheapest; a part that seems to be below its floor is
// looked at for longer. Ends 1 when a ratio is below its floor.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openParts, partNames } from '../lib/guard-parts.js'
import { compare, type Floors, judge } from '../lib/guard.js'
import { numberOf } from '../lib/number-arguments.js'
import { formatTable } from '../lib/table.js'

/** Milliseconds of CPU of one turn. */
const turn = 25

export async function run (args: readonly string[]): Promise<void> {
  const options = { rounds: { type: 'string', default: '17' }, floors: { type: 'string', default: join(import.meta.dirname, 'floors.json') } } as const
  const { values } = parseArgs({ args: [...args], options })
  const rounds = numberOf('--rounds', values.rounds)
  const floors = JSON.parse(readFileSync(values.floors, 'utf8')) as Floors
  const { parts, close } = await openParts()
  const ratios: Record<string, number> = {}
  const costs: Record<string, number> = {}
  try {
    for (const name of partNames) {
      const { ratio, each } = await compare(parts[name], { turn, rounds, floor: floors.floors[name] })
      ratios[name] = ratio
      costs[name] = each
    }
  } finally {
    await close()
  }
  const judged = judge(ratios, floors)
  console.log(formatTable([['part', 'µs of CPU', 'of its reference', `floor of ${floors.set}`, ''], ...judged.map(({ name, ratio, floor, kept }) =>
    [name, ((costs[name] ?? NaN) * 1000).toFixed(1), ratio.toFixed(3), floor === undefined ? 'none' : floor.toFixed(3), kept ? '' : 'BELOW'])]))
  if (judged.some(({ kept }) => !kept)) process.exitCode = 1
}

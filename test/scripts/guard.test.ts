// The guard against growing slow: it tells what is below its floor, and its run ends so.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compare, type Floors, judge, timesFor } from '../../scripts/lib/guard.js'
import { partNames } from '../../scripts/lib/guard-parts.js'
import { surroundings } from '../helpers/program.js'

const floors = JSON.parse(readFileSync(join(import.meta.dirname, '../../scripts/bench/floors.json'), 'utf8')) as Floors

t.test('every part has a floor that could be missed, and a day on which it was set', t => {
  t.same(Object.keys(floors.floors).sort(), [...partNames].sort())
  t.ok(Object.values(floors.floors).every(floor => floor > 0))
  t.match(floors.set, /^\d{4}-\d\d-\d\d$/)
  t.end()
})

t.test('what is below its floor, has none, or is not measured any more is not kept', t => {
  const judged = judge({ fast: 0.5, slow: 0.1, new: 1 }, { set: '2026-01-01', floors: { fast: 0.4, slow: 0.2, gone: 0.1 } })
  t.same(judged.filter(({ kept }) => !kept).map(({ name }) => name), ['slow', 'new', 'gone'])
  t.end()
})

t.test('work is repeated until it can be counted', async t => {
  let most = 0
  const spin = (times: number): void => {
    most = times
    for (let n = 0; n < times * 1e5; n++) Math.sqrt(n)
  }
  t.equal(await timesFor(spin, 20), most)
  t.ok(most > 1)
})

t.test('what is dear the first time alone is repeated until it can be counted all the same', async t => {
  const done = new Set<number>()
  const spin = (times: number): void => {
    for (let n = 0; n < times; n++) for (let i = 0; i < (done.has(n % 100) ? 1e4 : 1e6); i++) done.add(n % 100)
  }
  t.ok(await timesFor(spin, 20) > 100)
})

t.test('a part that seems to be below its floor is looked at for longer', async t => {
  const spin = (times: number): void => { for (let n = 0; n < times * 1e5; n++) Math.sqrt(n) }
  const turns = async (floor: number): Promise<number> => {
    let turns = 0
    await compare({ work: times => { turns++; spin(times) }, reference: spin }, { turn: 1, rounds: 3, floor })
    return turns
  }
  t.ok(await turns(Infinity) >= 15)
  t.ok(await turns(0) < 15 + 12)
})

t.test('a run below a floor ends 1 and says which', t => {
  t.testdir({ 'floors.json': JSON.stringify({ set: floors.set, floors: { ...floors.floors, tftp: 1000 } }) })
  const args = ['-u', 'NODE_OPTIONS', process.execPath, '--import=./scripts/lib/typescript.js', 'scripts/bench.ts', 'guard', '--rounds', '1', '--floors', join(t.testdirName, 'floors.json')]
  const { status, stdout } = spawnSync('env', args, { encoding: 'utf8', env: surroundings() })
  t.equal(status, 1, stdout)
  t.match(stdout, /^tftp +\S+ +\S+ +1000\.000 +BELOW$/m)
  t.end()
})

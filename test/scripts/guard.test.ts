// The guard against growing slow: it tells what is below its floor, and its run ends so.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Floors, judge, timesFor } from '../../scripts/lib/guard.js'
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

t.test('a run below a floor ends 1 and says which', t => {
  t.testdir({ 'floors.json': JSON.stringify({ set: floors.set, floors: { ...floors.floors, tftp: 1000 } }) })
  const args = ['-u', 'NODE_OPTIONS', process.execPath, '--import=tsx', 'scripts/bench.ts', 'guard', '--rounds', '1', '--floors', join(t.testdirName, 'floors.json')]
  const { status, stdout } = spawnSync('env', args, { encoding: 'utf8', env: surroundings() })
  t.equal(status, 1, stdout)
  t.match(stdout, /^tftp +\S+ +\S+ +1000\.000 +BELOW$/m)
  t.end()
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { GuardUseFile } from '../../src/machines/guard-use-file.js'
import { mac } from '../helpers/dhcp.js'

const log = pino({ level: 'silent' })
const secret = Buffer.alloc(32, 7)
const [machine, now, window] = [mac('52:54:00:00:00:01'), 5_000_000, 600_000]

async function opened (t: Test, path: string, run = 'a'): Promise<GuardUseFile> {
  const uses = new GuardUseFile({ path, log, secret, run })
  t.teardown(() => uses.close())
  await uses.load()
  return uses
}

t.test('the disk takes none: what may be used several times is counted, what may be used once is asked for again', async t => {
  const uses = await opened(t, join(t.testdir(), 'uses.jsonl'))
  const [several, once] = [uses.mint(machine, now), uses.mint(machine, now + 1)]
  t.equal(await uses.take(machine, several, now, { window, count: 2 }), undefined)
  await uses.close()
  t.equal(await uses.take(machine, several, now, { window, count: 2 }), undefined)
  t.match(await uses.take(machine, several, now, { window, count: 2 }), /used 2 times already/)
  for (let times = 0; times < 2; times++) await t.rejects(uses.take(machine, once, now, { window, count: 1 }), { code: 'write_failed' }, 'it is not used up by that')
})

t.test('what the file holds: no token, and uses of another run of the machine do not count', async t => {
  const path = join(t.testdir(), 'uses.jsonl')
  const before = await opened(t, path)
  const token = before.mint(machine, now)
  t.equal(await before.take(machine, token, now, { window, count: 1 }), undefined)
  t.notMatch(readFileSync(path, 'utf8'), token)
  const same = await opened(t, path)
  t.match(await same.take(machine, token, now, { window, count: 1 }), /used 1 time already/)
  const other = await opened(t, path, 'b')
  t.equal(await other.take(machine, token, now, { window, count: 1 }), undefined)
})

t.test('a line that is none is told of and left out', async t => {
  const path = join(t.testdir({ 'uses.jsonl': '{"format":"guard_use","version":1}\n{"run":"a","name":1}\nnull\n{\n' }), 'uses.jsonl')
  const uses = await opened(t, path)
  t.equal(await uses.take(machine, uses.mint(machine, now), now, { window, count: 1 }), undefined)
})

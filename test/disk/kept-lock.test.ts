import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { lockHolder } from '../../src/disk/folder-lock.js'
import { KeptLock } from '../../src/disk/kept-lock.js'
import { FakeClock } from '../helpers/fake-clock.js'

const opened = async (path: string): Promise<KeptLock> => {
  const lock = await KeptLock.open(path)
  if ('holder' in lock) throw new Error(`held by ${lock.holder}`)
  return lock
}

/** A look is a call of the file system's: as many turns of the loop as that takes. */
async function looked (clock: FakeClock): Promise<void> {
  clock.advance(5000)
  await new Promise(resolve => { setImmediate(resolve) })
}

t.test('one has it at a time, and who has it is told', async t => {
  const path = join(t.testdir(), 'lock')
  const first = await opened(path)
  t.same(await KeptLock.open(path), { holder: String(process.pid) })
  await first.release()
  await (await opened(path)).release()
})

t.test('one whose file was removed is taken again; of who was faster is told, and when he is gone', async t => {
  const path = join(t.testdir(), 'lock')
  const clock = new FakeClock()
  const told: Array<string | undefined> = []
  const first = await opened(path)
  const stop = first.watch({ clock, onHolder: holder => { told.push(holder) }, onError: error => { t.fail(String(error)) } })
  rmSync(path)
  while (told.length === 0) await looked(clock)
  t.same(told, [undefined])
  t.equal(await lockHolder(path), process.pid)

  rmSync(path)
  const second = await opened(path)
  while (told.length === 1) await looked(clock)
  t.equal(told.at(-1), String(process.pid), 'who was faster')
  await second.release()
  while (told.at(-1) !== undefined) await looked(clock)
  stop()
  t.equal(clock.pending, 0)
  t.same(await KeptLock.open(path), { holder: String(process.pid) }, 'its own again')
  await first.release()
  await (await opened(path)).release()
})

t.test('what keeps it from being taken again is told, and taken back', async t => {
  const folder = t.testdir()
  const path = join(folder, 'state/lock')
  const clock = new FakeClock()
  const told: string[] = []
  const lock = await opened(path)
  t.teardown(lock.watch({ clock, onHolder: holder => { told.push(`holder ${holder ?? 'none'}`) }, onError: () => { told.push('error') } }))
  rmSync(join(folder, 'state'), { recursive: true })
  writeFileSync(join(folder, 'state'), 'a file in its place')
  while (told.length === 0) await looked(clock)
  t.equal(told[0], 'error')
  rmSync(join(folder, 'state'))
  mkdirSync(join(folder, 'state'))
  while (told.at(-1) === 'error') await looked(clock)
  t.equal(told.at(-1), 'holder none')
  await lock.release()
})

// What is said of folders that fail and come back.
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { FolderWarnings, type FolderWarningsOptions } from '../../src/disk/folder-warnings.js'
import { FakeClock } from '../helpers/fake-clock.js'

t.test('what is amiss is told as it comes and goes, and what was told at the start is not told again', async t => {
  const [clock, told] = [new FakeClock(), [] as string[]]
  let amiss: ReadonlyArray<string | undefined> = ['a fails', undefined]
  const folders = new FolderWarnings({
    looks: [async () => amiss[0], async () => amiss[1]],
    atStart: ['a fails', 'of something else'],
    clock,
    log: {
      warn: ({ warning }: { warning: string }, what: string) => { told.push(`${what} ${warning}`) },
      info: ({ warning }: { warning: string }, what: string) => { told.push(`${what} ${warning}`) }
    } as unknown as FolderWarningsOptions['log']
  })
  const looked = async (now: typeof amiss): Promise<readonly string[]> => {
    amiss = now
    clock.advance(30_000)
    await setImmediate()
    return told.splice(0)
  }
  t.same(folders.all, ['a fails', 'of something else'])
  await setImmediate()
  t.same(folders.all, ['of something else', 'a fails'])
  t.same(await looked(['a fails', 'b fails']), ['folder.amiss b fails'])
  t.same(folders.all, ['of something else', 'a fails', 'b fails'])
  t.same(await looked(['a fails', 'b fails']), [])
  t.same(await looked([undefined, 'b fails otherwise']), ['folder.amiss b fails otherwise', 'folder.well a fails', 'folder.well b fails'])
  t.same(folders.all, ['of something else', 'b fails otherwise'])
  folders.close()
  t.equal(clock.pending, 0)
})

t.test('a look that hangs is waited for, and no other begins', async t => {
  const clock = new FakeClock()
  let looks = 0
  const folders = new FolderWarnings({ looks: [() => { looks++; return new Promise(() => {}) }], atStart: ['x'], clock, log: {} as FolderWarningsOptions['log'] })
  clock.advance(300_000)
  t.equal(looks, 1)
  t.same(folders.all, ['x'])
  folders.close()
})

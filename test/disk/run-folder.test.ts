// A folder of one process, and those that killed ones left; the lock that a process has, as others see it.
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { lockFolder, lockHolder, takeLock } from '../../src/disk/folder-lock.js'
import { openRunFolder } from '../../src/disk/run-folder.js'

const uid = process.getuid!()

t.test('what nobody has any more is taken away, what somebody has or may have put there is not', t => {
  const parent = t.testdir({ 'run-file': '', 'other-left': {} })
  for (const [name, mode] of [['run-left', 0o700], ['run-open', 0o755]] as const) {
    mkdirSync(join(parent, name))
    writeFileSync(join(parent, name, 'x'), '')
    chmodSync(join(parent, name), mode)
  }
  const first = openRunFolder(parent, 'run-', uid)
  t.equal(statSync(first.path).mode & 0o777, 0o700)
  const second = openRunFolder(parent, 'run-', uid)
  const names = (): string[] => readdirSync(parent).map(name => join(parent, name)).sort()
  t.same(names(), [join(parent, 'other-left'), join(parent, 'run-file'), join(parent, 'run-open'), first.path, second.path].sort())
  writeFileSync(join(first.path, 'x'), '')
  first.remove()
  t.notOk(existsSync(first.path))
  t.ok(existsSync(second.path))
  second.remove()
  if (uid === 0) {
    mkdirSync(join(parent, 'run-theirs'), { mode: 0o700 })
    chownSync(join(parent, 'run-theirs'), 12_345, 12_345)
    openRunFolder(parent, 'run-', uid).remove()
    t.ok(existsSync(join(parent, 'run-theirs')), 'another user\'s')
  }
  t.throws(() => openRunFolder(join(parent, 'nowhere'), 'run-', uid), { code: 'write_failed', message: /nowhere/ })
  t.end()
})

t.test('a lock: one at a time, seen by others without being taken, free when it is let go', async t => {
  const path = join(t.testdir(), 'folder/.partial/lock')
  t.equal(await lockHolder(path), undefined, 'nothing is there')
  const unlock = await lockFolder(path)
  t.equal(await lockHolder(path), process.pid)
  t.same(await takeLock(path), { holder: `${process.pid}` })
  await t.rejects(lockFolder(path), { code: 'images_busy', message: `another process works on ${join(path, '../..')} (pid ${process.pid}); try again when it is done` })
  await unlock()
  t.equal(await lockHolder(path), undefined, 'whatever the file says')
  const again = await takeLock(path)
  t.ok('release' in again)
  if ('release' in again) await again.release()
  await t.rejects(takeLock('/dev/null/lock'), { code: 'write_failed' })
})

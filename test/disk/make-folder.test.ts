import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeFolder } from '../../src/disk/make-folder.js'

t.test('a folder and those above it, and again', async t => {
  const root = t.testdir()
  const path = join(root, 'a/b/c')
  t.equal(await makeFolder(path, 0o700), join(root, 'a'))
  t.equal(statSync(path).mode & 0o777, 0o700)
  t.equal(await makeFolder(path), undefined)
  mkdirSync(join(root, 'd'))
  t.equal(await makeFolder(join(root, 'd/e/')), join(root, 'd/e'))
  await Promise.all(Array.from({ length: 20 }, () => makeFolder(join(root, 'many/at/once'))))
  t.ok(existsSync(join(root, 'many/at/once')))
})

t.test('what stands in the way is told as it is', async t => {
  const root = t.testdir()
  writeFileSync(join(root, 'file'), '')
  await t.rejects(makeFolder(join(root, 'file')), { code: 'EEXIST' })
  await t.rejects(makeFolder(join(root, 'file/a/b')), { code: 'ENOTDIR' })
  await t.rejects(makeFolder('/proc/nobody/a'), { code: 'ENOENT' }, 'and ends')
})

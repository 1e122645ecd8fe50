import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { removeFile, writeFileAtomic } from '../../src/disk/atomic-file.js'
import { onSmallDisk } from '../helpers/small-disk.js'

t.test('a file is replaced whole, its folder made, nothing left beside it', async t => {
  const folder = t.testdir()
  const path = join(folder, 'a/b/file')
  await writeFileAtomic(path, 'one')
  await writeFileAtomic(path, Buffer.from('two'), { mode: 0o600 })
  t.equal(readFileSync(path, 'utf8'), 'two')
  t.equal(statSync(path).mode & 0o777, 0o644, 'a mode is for a file that was not there')
  await writeFileAtomic(join(folder, 'key'), 'three', { mode: 0o600 })
  t.equal(statSync(join(folder, 'key')).mode & 0o777, 0o600)
  t.same(readdirSync(join(folder, 'a/b')), ['file'])
  await removeFile(path)
  await removeFile(path)
  t.same(readdirSync(join(folder, 'a/b')), [])
})

t.test('a file that is replaced keeps mode, owner and group', async t => {
  const path = join(t.testdir({ key: 'old' }), 'key')
  chmodSync(path, 0o640)
  if (process.getuid?.() === 0) chownSync(path, 0, 12345)
  const { mode, uid, gid } = statSync(path)
  await writeFileAtomic(path, 'new', { mode: 0o600 })
  t.equal(readFileSync(path, 'utf8'), 'new')
  const { mode: newMode, uid: newUid, gid: newGid } = statSync(path)
  t.same([newMode, newUid, newGid], [mode, uid, gid])
})

t.test('what cannot be written says so and leaves the old file', async t => {
  const folder = t.testdir({ file: 'old' })
  await t.rejects(writeFileAtomic(join(folder, 'file/below'), 'x'), { code: 'write_failed' })
  mkdirSync(join(folder, 'dir'))
  await t.rejects(writeFileAtomic(join(folder, 'dir'), 'x'), { code: 'write_failed' })
  t.equal(readFileSync(join(folder, 'file'), 'utf8'), 'old')
  t.same(readdirSync(folder).sort(), ['dir', 'file'])
})

t.test('no space left', t => {
  const ran = onSmallDisk(t, { size: '32k', script: 'fill-disk.ts' })
  if (ran === undefined) return t.end()
  t.same(ran.answer, { code: 'disk_full', kind: 'exhausted', old: 'old', files: ['file'] }, ran.stderr)
  t.end()
})

import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { removeFile, writeFileAtomic } from '../../src/store/atomic-file.js'

t.test('a file is replaced whole, its folder made, nothing left beside it', async t => {
  const folder = t.testdir()
  const path = join(folder, 'a/b/file')
  await writeFileAtomic(path, 'one')
  await writeFileAtomic(path, Buffer.from('two'), { mode: 0o600 })
  t.equal(readFileSync(path, 'utf8'), 'two')
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.same(readdirSync(join(folder, 'a/b')), ['file'])
  await removeFile(path)
  await removeFile(path)
  t.same(readdirSync(join(folder, 'a/b')), [])
})

t.test('what cannot be written says so and leaves the old file', async t => {
  const folder = t.testdir({ file: 'old' })
  await t.rejects(writeFileAtomic(join(folder, 'file/below'), 'x'), { code: 'write_failed' })
  mkdirSync(join(folder, 'dir'))
  await t.rejects(writeFileAtomic(join(folder, 'dir'), 'x'), { code: 'write_failed' })
  t.equal(readFileSync(join(folder, 'file'), 'utf8'), 'old')
  t.same(readdirSync(folder).sort(), ['dir', 'file'])
})

// A device with no space is a small tmpfs, in a mount namespace of its own.
const mount = (command: string): string[] => ['-m', 'sh', '-c', `mount -t tmpfs -o size=32k tmpfs "$1" && ${command}`, 'sh']
const noMount = spawnSync('unshare', [...mount('true'), tmpdir()]).status !== 0 && 'only root can mount a file system'

t.test('no space left', { skip: noMount }, t => {
  const folder = t.testdir()
  const script = join(import.meta.dirname, '../helpers/fill-disk.ts')
  const { stdout, stderr } = spawnSync('unshare', [...mount(`exec "${process.execPath}" --import=tsx "${script}" "$1"`), folder], { encoding: 'utf8' })
  t.same(JSON.parse(stdout || '{}'), { code: 'disk_full', kind: 'exhausted', old: 'old', files: ['file'] }, stderr)
  t.end()
})

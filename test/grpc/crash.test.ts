// The program killed while clients write, and a disk that is full. The long form is `npm run soak -- grpc`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { crash } from '../helpers/grpc-program.js'
import { makePki } from '../helpers/pki.js'
import { random } from '../helpers/random.js'

t.test('killed at random points, no file is torn and no acknowledged write is lost', { timeout: 90_000 }, async t => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  // A socket's path may have 107 bytes, which t.testdir() has already.
  const folder = mkdtempSync(join(tmpdir(), 'crash-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const { acknowledged, damage } = await crash(folder, makePki(), 400, 3, random(seed))
  t.same(damage, [])
  t.ok(acknowledged > 50, `${acknowledged} puts were acknowledged`)
})

// A device with no space is a small tmpfs, in a mount namespace of its own.
const mount = (command: string): string[] => ['-m', 'sh', '-c', `mount -t tmpfs -o size=128k tmpfs "$1" && ${command}`, 'sh']
const noMount = spawnSync('unshare', [...mount('true'), tmpdir()]).status !== 0 && 'only root can mount a file system'

t.test('no space left is RESOURCE_EXHAUSTED, and what was there stays whole', { skip: noMount }, t => {
  const script = join(import.meta.dirname, '../helpers/grpc-full-disk.ts')
  const command = mount(`exec "${process.execPath}" --import=tsx "${script}" "$1"`)
  const { stdout, stderr } = spawnSync('unshare', [...command, t.testdir()], { encoding: 'utf8', timeout: 60_000 })
  t.same(JSON.parse(stdout || '{}'), {
    put: 'RESOURCE_EXHAUSTED',
    message: 'no space is left where the file goes',
    disk: 'old',
    read: 'old',
    other: 'RESOURCE_EXHAUSTED',
    files: ['old.ign'],
    again: 'OK'
  }, stderr)
  t.end()
})

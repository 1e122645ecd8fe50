// The program killed while clients write, and a disk that is full. The long form is `npm run soak -- grpc`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { crash } from '../helpers/grpc-program.js'
import { makePki } from '../helpers/pki.js'
import { random } from '../helpers/random.js'
import { onSmallDisk } from '../helpers/small-disk.js'

t.test('killed at random points, no file is torn and no acknowledged write is lost', async t => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  // A socket's path may have 107 bytes, which t.testdir() has already.
  const folder = mkdtempSync(join(tmpdir(), 'crash-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const { acknowledged, damage } = await crash(folder, makePki(), 400, 3, random(seed))
  t.same(damage, [])
  t.ok(acknowledged > 50, `${acknowledged} puts were acknowledged`)
})

t.test('no space left is RESOURCE_EXHAUSTED, and what was there stays whole', t => {
  const ran = onSmallDisk(t, { size: '128k', script: 'grpc-full-disk.ts' })
  if (ran === undefined) return t.end()
  t.same(ran.answer, {
    put: 'RESOURCE_EXHAUSTED',
    message: 'no space is left where the file goes',
    disk: 'old',
    read: 'old',
    other: 'RESOURCE_EXHAUSTED',
    files: ['old.ign'],
    again: 'OK'
  }, ran.stderr)
  t.end()
})

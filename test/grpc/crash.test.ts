// The program killed while clients write, and a disk that is full. The long form is `npm run soak -- grpc`.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { crash, layOutProgram, startProgram } from '../helpers/grpc-program.js'
import { makePki } from '../helpers/pki.js'
import { random } from '../helpers/random.js'
import { shortFolder } from '../helpers/short-folder.js'
import { onSmallDisk } from '../helpers/small-disk.js'

t.test('killed at random points, no file is torn and no acknowledged write is lost', async t => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  // A socket's path may have 107 bytes, which t.testdir() has already.
  const folder = shortFolder(t)
  const { acknowledged, damage } = await crash(folder, makePki(), 400, 3, random(seed))
  t.same(damage, [])
  t.ok(acknowledged > 50, `${acknowledged} puts were acknowledged`)
})

t.test('what was said to be deleted is gone, killed at once and started again', async t => {
  const folder = shortFolder(t)
  const pki = makePki()
  const config = layOutProgram(folder, pki)
  for (let round = 0; round < 3; round++) {
    const running = await startProgram(config, pki)
    t.teardown(() => { running.program.child.kill('SIGKILL') })
    const client = running.client()
    const ids = Array.from({ length: 20 }, (_, n) => `g${n}`)
    for (const id of ids) t.ok('response' in await client.call('GroupPut', { group: { id, profile: 'p', selector: { id }, metadata: Buffer.from('{}') } }))
    t.ok(ids.every(id => existsSync(join(folder, `data/groups/${id}.json`))))
    const answers = await Promise.all(ids.slice(round).map(id => client.call('GroupDelete', { id }).then(answer => {
      // In the turn in which it was said.
      return { answer, there: existsSync(join(folder, `data/groups/${id}.json`)) }
    })))
    running.program.child.kill('SIGKILL')
    t.same(answers.map(({ answer, there }) => ['response' in answer, there]), answers.map(() => [true, false]))
    client.close()
    await running.program.end()
    const again = await startProgram(config, pki)
    const reader = again.client()
    const { response } = await reader.call('GroupList', {}) as { response?: { groups?: ReadonlyArray<{ id: string }> } }
    t.same(response?.groups?.map(({ id }) => id).sort() ?? [], ids.slice(0, round).sort())
    reader.close()
    await again.program.end('SIGTERM')
  }
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

import { join } from 'node:path'
import t from 'tap'
import { LinkThread, looksHere } from '../../src/disk/link-looks.js'
import { builtProgram } from '../helpers/built.js'

t.test('a thread says what links say, and when it has ended they are read without it', async t => {
  builtProgram()
  const root = t.testdir({ '1.0': { file: '' }, stable: t.fixture('symlink', '1.0') })
  const paths = ['stable', '1.0', '1.0/file', 'nothing'].map(name => join(root, name))
  const crashes: Error[] = []
  const thread = await LinkThread.start(error => { crashes.push(error) })
  for (let i = 0; i < 100; i++) t.same(thread.links(paths), ['1.0', '', '', undefined])
  t.equal(thread.real(join(root, 'stable/file')), looksHere.real(join(root, '1.0/file')))
  t.equal(thread.real(join(root, 'nothing')), undefined)
  await thread.close()
  t.same(thread.links(paths), ['1.0', '', '', undefined])
  t.same(crashes, [])
})

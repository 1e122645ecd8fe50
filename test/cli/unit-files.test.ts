import { join } from 'node:path'
import t from 'tap'
import { pathsByPattern, unitFilesOnDisk } from '../../src/cli/unit-files.js'

t.test('files by a pattern, as EnvironmentFile= takes it', t => {
  const folder = t.testdir({ 'a.env': 'A=1\n', 'b.env': '', '.c.env': '', 'd.txt': '', 'e+f.env': '', inner: { 'x1.env': '', 'x2.env': '' } })
  const found = (pattern: string): readonly string[] => pathsByPattern(join(folder, pattern)).map(path => path.slice(folder.length + 1))
  t.same(found('*.env'), ['a.env', 'b.env', 'e+f.env'])
  t.same(found('.*.env'), ['.c.env'])
  t.same(found('?.env'), ['a.env', 'b.env'])
  t.same(found('[!a].env'), ['b.env'])
  t.same(found('[ab].env'), ['a.env', 'b.env'])
  t.same(found('e+f.*'), ['e+f.env'])
  t.same(found('in*/x[0-1].env'), ['inner/x1.env'])
  t.same(found('none/*.env'), [])
  t.same(found('a.env/*'), [])
  t.equal(unitFilesOnDisk.read(join(folder, 'a.env')), 'A=1\n')
  t.equal(unitFilesOnDisk.read(join(folder, 'none')), undefined)
  t.end()
})

// What stands where a folder should, and where a file is that a folder only links to.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { behindLink } from '../../src/disk/behind-link.js'
import { noFolder } from '../../src/disk/no-folder.js'

t.test('the path itself, or the file that it leads through', async t => {
  const folder = t.testdir({ file: '', sub: { file: '' } })
  for (const [path, at] of [['file', 'file'], ['file/a', 'file'], ['sub/file/a/b', 'sub/file'], ['sub/none/a', 'sub']] as const) t.equal(await noFolder(join(folder, path)), `${join(folder, at)} is no folder`, path)
  t.equal(await noFolder(relative(process.cwd(), join(folder, 'file/a'))), `${join(folder, 'file')} is no folder`)
  t.equal(await noFolder('/'), '/ is no folder')
  t.equal(await noFolder('/none/such'), '/ is no folder')
})

t.test('a link to a file is that file, one that leads nowhere is told', async t => {
  const folder = t.testdir({ real: { file: 'x' } })
  const at = (name: string): string => join(folder, name)
  symlinkSync('real/file', at('link'))
  symlinkSync('link', at('twice'))
  symlinkSync('gone', at('broken'))
  for (const [name, target] of [['real/file', 'real/file'], ['none', 'none'], ['link', 'real/file'], ['twice', 'real/file']] as const) t.equal(await behindLink(at(name)), at(target), name)
  await t.rejects(behindLink(at('broken')), { code: 'write_failed', message: `${at('broken')} is a link to gone, where there is nothing to replace: ENOENT: no such file or directory, realpath '${at('broken')}'` })
  rmSync(at('real'), { recursive: true })
  mkdirSync(at('real'))
  writeFileSync(at('real/file'), '')
  t.equal(await behindLink(at('link')), at('real/file'))
})

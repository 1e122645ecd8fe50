// Links in a folder of images: made and moved in one step, whatever an interrupted one left, and never over what somebody else made.
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { temporaryPrefix } from '../../src/disk/atomic-file.js'
import { moveLink, removeDeadLinks, removeRelease } from '../../src/mirror/layout.js'

t.test('a link is made, moved, or stands', async t => {
  const before: Readonly<Record<string, (folder: string) => void>> = {
    nothing: () => {},
    'the same link': folder => { symlinkSync('2.0.0', join(folder, 'stable')) },
    'another link': folder => { symlinkSync('1.0.0', join(folder, 'stable')) },
    'a link to nothing': folder => { symlinkSync('0.0.0', join(folder, 'stable')) }
  }
  const root = t.testdir()
  for (const [what, make] of Object.entries(before)) {
    const folder = join(root, what)
    for (const name of ['1.0.0', '2.0.0']) mkdirSync(join(folder, name), { recursive: true })
    make(folder)
    const { ino } = lstatSync(join(folder, 'stable'), { throwIfNoEntry: false }) ?? {}
    await moveLink(folder, 'stable', '2.0.0')
    t.equal(readlinkSync(join(folder, 'stable')), '2.0.0', what)
    t.same(readdirSync(folder).sort(), ['1.0.0', '2.0.0', 'stable'], `${what}: nothing else is left`)
    if (what === 'the same link') t.equal(lstatSync(join(folder, 'stable')).ino, ino, 'it is not made anew')
  }
})

t.test('a move that was cut off half-way, by a kill or a power cut, keeps none from being made', async t => {
  const folder = t.testdir()
  await moveLink(folder, 'stable', '1.0.0')
  symlinkSync('0.9.0', join(folder, `${temporaryPrefix}stable`))
  await moveLink(folder, 'stable', '2.0.0')
  t.equal(readlinkSync(join(folder, 'stable')), '2.0.0')
  t.same(readdirSync(folder).filter(name => name.startsWith('.')), [])
})

t.test('what somebody made of a link\'s name stays', async t => {
  const folder = t.testdir({ file: 'mine', folder: {} })
  writeFileSync(join(folder, 'file'), 'mine')
  for (const name of ['file', 'folder']) await t.rejects(moveLink(folder, name, '1.0.0'), { code: 'write_failed', message: /somebody made something else of that name/ }, name)
  t.equal(readFileSync(join(folder, 'file'), 'utf8'), 'mine')
  t.ok(lstatSync(join(folder, 'folder')).isDirectory())
  await t.rejects(moveLink(join(folder, 'file'), 'stable', '1.0.0'), { code: 'ENOTDIR' })
})

t.test('of links that lead nowhere those into releases go, and no others', async t => {
  const folder = t.testdir({ '1.0.0': { kernel: '' }, file: '' })
  const links = { alive: '1.0.0/kernel', dead: '2.0.0/kernel', deadToo: '1.0.0/initrd', current: '3.0.0', outside: '../gone/kernel', deep: '2.0.0/a/b', hidden: '.partial/kernel' }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(folder, name))
  await removeDeadLinks(folder)
  t.same(readdirSync(folder).sort(), ['1.0.0', 'alive', 'current', 'deep', 'file', 'hidden', 'outside'])
  await removeDeadLinks(join(folder, 'none'))
})

t.test('a release that is removed leaves nothing, also after one that was cut off while it was removed', async t => {
  const folder = t.testdir({ '1.0.0': { kernel: 'k', inner: { file: '' } }, '2.0.0': {}, '.partial': { 'removed-1.0.0': { kernel: 'of before' } } })
  for (const version of ['1.0.0', '2.0.0']) await removeRelease(join(folder, version))
  t.same([readdirSync(folder), readdirSync(join(folder, '.partial'))], [['.partial'], []])
  mkdirSync(join(folder, 'fresh/3.0.0'), { recursive: true })
  await removeRelease(join(folder, 'fresh/3.0.0'))
  t.same([readdirSync(join(folder, 'fresh')), readdirSync(join(folder, 'fresh/.partial'))], [['.partial'], []])
})

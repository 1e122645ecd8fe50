// Where links below a folder lead: the same for whoever boots, serves and prunes.
import { mkdirSync, realpathSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findLinks, Links } from '../../src/disk/links.js'

t.test('however a link is written', t => {
  const base = realpathSync(t.testdir({ assets: { flatcar: { '1.0': { kernel: '' }, deep: { below: {} } }, file: '' }, outside: { x: '' }, 'assets-other': { x: '' } }))
  const root = join(base, 'assets')
  symlinkSync(root, join(base, 'called'))
  for (const [path, target] of [
    ['flatcar/stable', '1.0'], ['flatcar/dotted', './1.0/'], ['flatcar/up', '../flatcar/1.0'], ['flatcar/whole', join(root, 'flatcar/1.0')], ['called', join(base, 'called/flatcar/1.0')],
    ['flatcar/twice', 'stable'], ['flatcar/through', 'stable/kernel'], ['flatcar/out', '../../outside'], ['flatcar/away', join(base, 'assets-other/x')], ['flatcar/nowhere', 'gone'], ['loop', 'loop']
  ] as const) symlinkSync(target, join(root, path))
  const links = new Links(join(base, 'called'))
  const walk = (path: string): string | undefined => links.walk([], path.split('/'))?.join('/')
  for (const name of ['stable', 'dotted', 'up', 'whole', 'twice']) t.equal(walk(`flatcar/${name}/kernel`), 'flatcar/1.0/kernel', name)
  t.same(['called/kernel', 'flatcar/through', './flatcar//1.0/../stable', 'flatcar/deep/below/..', ''].map(walk), ['flatcar/1.0/kernel', 'flatcar/1.0/kernel', 'flatcar/1.0', 'flatcar/deep', ''])
  for (const path of ['..', 'flatcar/../..', 'flatcar/out', 'flatcar/out/x', 'flatcar/away', 'flatcar/nowhere', 'gone/x', 'loop']) t.equal(walk(path), undefined, path)
  t.same([links.has(['flatcar', 'stable']), links.has(['flatcar', 'nowhere'])], [true, false])
  t.equal(links.at(['flatcar', 'stable']), '1.0')
  t.equal(links.at(['flatcar', '1.0']), '')
  t.equal(links.walk(['flatcar'], ['stable'])?.join('/'), 'flatcar/1.0')
  t.equal(links.walk(['flatcar'], ['..', 'file'])?.join('/'), 'file')
  t.end()
})

t.test('forty links one behind the other, and no more', t => {
  const root = t.testdir({ end: '' })
  for (let n = 1; n <= 41; n++) symlinkSync(n === 1 ? 'end' : `${n - 1}`, join(root, `${n}`))
  t.same([new Links(root).walk([], ['40']), new Links(root).walk([], ['41'])], [['end'], undefined])
  t.end()
})

t.test('a reading holds until one of the links that it looked at is another one', t => {
  const root = t.testdir({ a: {}, b: {} })
  symlinkSync('a', join(root, 'now'))
  const links = new Links(root)
  links.walk([], ['now'])
  links.has(['later'])
  t.equal(links.holds(), true)
  mkdirSync(join(root, 'other'))
  t.equal(links.holds(), true)
  unlinkSync(join(root, 'now'))
  symlinkSync('b', join(root, 'now'))
  t.equal(links.holds(), false)
  t.equal(links.walk([], ['now'])?.join(), 'a', 'and tells the same all the while')
  const again = new Links(root)
  again.has(['later'])
  writeFileSync(join(root, 'later'), '')
  t.equal(again.holds(), false, 'what was not there is')
  const [most, more] = [new Links(root), new Links(root)]
  for (let n = 0; n < 1000; n++) most.has([`${n}`])
  for (let n = 0; n < 1001; n++) more.has([`${n}`])
  t.same([most.holds(), more.holds()], [true, false], 'with more than are looked at again it is taken anew')
  t.end()
})

t.test('all links below a folder, but for those within what is left out and in hidden folders', async t => {
  const root = realpathSync(t.testdir({ flatcar: { '1.0': {}, own: {} }, '.partial': {}, file: '' }))
  for (const [path, target] of [['top', 'file'], ['flatcar/stable', '1.0'], ['flatcar/own/deep', '../1.0'], ['flatcar/1.0/inner', '../../file'], ['.partial/hidden', '../file'], ['broken', 'gone']] as const) symlinkSync(target, join(root, path))
  const found = await findLinks(root, path => path === 'flatcar/1.0')
  t.same([...found].sort((a, b) => a.path < b.path ? -1 : 1), [
    { path: 'flatcar/own/deep', target: join(root, 'flatcar/1.0') }, { path: 'flatcar/stable', target: join(root, 'flatcar/1.0') }, { path: 'top', target: join(root, 'file') }
  ])
  t.same(await findLinks(join(root, 'gone'), () => false), [])
  t.same(await findLinks(join(root, 'file'), () => false), [])
  rmSync(join(root, 'file'))
  symlinkSync('file', join(root, 'file'))
  await t.rejects(findLinks(join(root, 'file'), () => false), { code: 'read_failed', message: /file can't be read, and may hold a link to a release$/ })
})

// What is said of a folder that is a store: what its groups say of each other, and what in it nobody reads.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { lintFolder } from '../../src/doctor/store-look.js'

const log = pino({ level: 'silent' })
const mac = (n: number): string => `52:54:00:00:00:0${n}`
const profile = JSON.stringify({ id: 'p', boot: { kernel: '/assets/k', initrd: [], args: [] } })
const group = (id: string, more: object = {}): string => JSON.stringify({ id, profile: 'p', ...more })

/** Files by their path; a link is `-> where`. Rules of what is found, with the file. */
async function rules (t: Test, files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const folder = t.testdir()
  for (const [path, content] of Object.entries({ 'profiles/p.json': profile, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), join(folder, path))
    else writeFileSync(join(folder, path), content)
  }
  return (await lintFolder(folder, log)).map(({ rule, place, text }) =>
    `${rule ?? ''} ${place === undefined ? '' : 'file' in place ? place.file.slice(folder.length + 1) : ''}: ${text.replaceAll(`${folder}/`, '')}`)
}

t.test('groups that nothing is amiss with', async t => {
  t.same(await rules(t, { 'groups/a.json': group('a', { selector: { mac: mac(1) } }), 'groups/b.json': group('b', { selector: { mac: mac(2) } }), 'groups/c.json': group('c', { selector: { os: 'x' } }) }), [])
})

t.test('two groups of one selector, in whatever spelling', async t => {
  const same = async (one: object, other: object): Promise<readonly string[]> =>
    (await rules(t, { 'groups/a.json': group('a', { selector: one }), 'groups/b.json': group('b', { selector: other }) })).filter(text => text.startsWith('same-selector'))
  for (const [one, other, labels] of [
    [{}, {}, ''], [{ os: 'installed' }, { os: 'installed' }, ' (os=installed)'], [{ mac: mac(1) }, { mac: mac(1).replaceAll(':', '-') }, ` (mac=${mac(1)})`],
    [{ mac: mac(1), os: 'x' }, { os: 'x', mac: mac(1) }, ` (mac=${mac(1)}, os=x)`]
  ] as const) {
    const [found = '', ...more] = await same(one, other)
    t.match(found, /^same-selector groups\/[ab]\.json: the selector is also that of groups\/[ab]\.json:\d+:\d+, which machines get instead/)
    t.ok(labels === '' ? found.endsWith('instead') : / \((?:mac=[\d:]+|os=\w+)(?:, (?:mac=[\d:]+|os=\w+))*\)$/.test(found), found)
    t.same(more, [], 'told once')
  }
  for (const [one, other] of [[{}, { os: 'x' }], [{ os: 'x' }, { os: 'y' }], [{ mac: mac(1) }, { mac: mac(2) }], [{ mac: mac(1) }, { mac: mac(1), os: 'x' }]] as const) t.same(await same(one, other), [])
})

t.test('one address for two machines', async t => {
  const at = async (one: object, other: object): Promise<readonly string[]> =>
    (await rules(t, { 'groups/a.json': group('a', one), 'groups/b.json': group('b', other) })).filter(text => text.startsWith('same-address'))
  const reserved = (n: number, ip: string): object => ({ selector: { mac: mac(n) }, metadata: { ip } })
  t.match(await at(reserved(1, '10.0.0.1'), reserved(2, '10.0.0.1')), [/^same-address groups\/b\.json: the address is also that of groups\/a\.json:\d+:\d+: one of the two/])
  t.same(await at(reserved(1, '10.0.0.1'), reserved(2, '10.0.0.2')), [])
  t.same(await at(reserved(1, '10.0.0.1'), { selector: { mac: mac(1), os: 'x' }, metadata: { ip: '10.0.0.1' } }), [], 'the same machine')
})

t.test('what nobody reads', async t => {
  t.same(await rules(t, {
    'groups/.hidden': '',
    'groups/README.md': '',
    'groups/a.yaml': '',
    'groups/b.json/inner': '',
    'groups/deeper/c.json': '',
    'groups/gone.json': '-> nowhere.json',
    'profiles/x.txt': '',
    'profiles/folder/p2.json': JSON.stringify({ id: 'folder/p2' }),
    'generic/plain': '',
    'generic/back': '-> .',
    'generic/up': '-> ..',
    'other/z': '',
    'ignition/README.md': ''
  }).then(all => all.filter(text => text.startsWith('not-read'))), [
    'not-read generic/back: is not read: it is a link to ., the folder that it lies in',
    'not-read generic/up: is not read: it is a link to .., the folder that it lies in',
    'not-read groups/a.yaml: is not read: only files whose names end in .json are groups',
    'not-read groups/b.json: is not read: it is a folder',
    'not-read groups/deeper: is not read: groups in folders are not read',
    'not-read groups/gone.json: is not read: it is a link to nowhere.json, which is not there',
    'not-read profiles/x.txt: is not read: only files whose names end in .json are profiles'
  ])
})

t.test('a profile that is missing, and one that is there and wrong; an image that is missing', async t => {
  const of = (profile: string): string => group('a', { profile, selector: { os: 'x' } })
  t.match(await rules(t, { 'groups/a.json': of('none') }), [/^missing-profile groups\/a\.json: /])
  t.match(await rules(t, { 'groups/a.json': of('q'), 'profiles/q.json': '{' }), [/^missing-profile groups\/a\.json: /, /^unreadable profiles\/q\.json: /])
  t.match(await rules(t, { 'groups/a.json': of('q'), 'profiles/q.json': '-> q.json' }), [/^unreadable profiles\/q\.json: /], 'of what nobody could read nothing is said to be missing')
  t.match(await rules(t, { 'assets/other': '' }), [/^missing-asset profiles\/p\.json: boots \/assets\/k, which is not there/])
  t.same(await rules(t, { 'assets/k': '' }), [])
  const elsewhere = JSON.stringify({ id: 'p', boot: { kernel: 'http://10.0.0.1/assets/none', initrd: [], args: [] } })
  t.same(await rules(t, { 'assets/k': '', 'profiles/p.json': elsewhere }), [], 'whose address that is nobody knows of a folder alone')
})

t.test('no store', async t => {
  const folder = t.testdir({ empty: {} })
  await t.rejects(lintFolder(join(folder, 'gone'), log), { code: 'read_failed' })
  t.match(await lintFolder(join(folder, 'empty'), log), [{ rule: 'no-store' }])
  for (const name of ['groups', 'profiles', 'ignition', 'generic', 'cloud']) t.same(await lintFolder(t.testdir({ [name]: {} }), log), [], name)
})

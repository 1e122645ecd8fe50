// What templates share, over a store on disk: snippets, files in base64, join; and what breaks in them.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import pino from 'pino'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { openFileStore } from '../../src/store/file-store.js'
import { Program } from '../helpers/program.js'

const mac = '52:54:00:00:00:01'
const log = pino({ level: 'silent' })

async function world (t: Test, main: string, shared: Readonly<Record<string, string>> = {}, metadata: object = { name: 'n1' }) {
  const dataPath = t.testdir({})
  const put = (path: string, text: string): void => {
    mkdirSync(join(dataPath, dirname(path)), { recursive: true })
    writeFileSync(join(dataPath, path), text)
  }
  put('groups/g.json', JSON.stringify({ id: 'g', profile: 'p', selector: { mac }, metadata }))
  put('profiles/p.json', JSON.stringify({ id: 'p', generic_id: 'main', boot: { kernel: '/k' } }))
  put('generic/main', main)
  for (const [path, text] of Object.entries(shared)) put(path, text)
  const store = await openFileStore({ dataPath, tombstoneMs: 0, clock: systemClock, log, watch: false })
  t.teardown(() => store.close())
  const provisioner = createProvisioner({ store })
  const render = (): string => {
    const { body, error } = provisioner.render('generic', { labels: new Map([['mac', mac]]), rawQuery: '', client: undefined })
    return body?.toString() ?? `error: ${error?.message ?? ''}`
  }
  return { dataPath, put, store, render }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

t.test('a template calls what stands in snippets/, by its file or by what it defines', async t => {
  const { render, put, store, dataPath } = await world(t, '{{template "net" .}}{{template "unit" .name}}{{block "own" .}}default{{end}}{{define "mine"}}main{{end}}{{template "mine"}}', {
    'snippets/net': 'net of {{.name}};{{template "unit" "inner"}}',
    'snippets/units.yaml': '{{define "unit"}}unit {{.}};{{end}}{{define "own"}}overruled?{{end}}{{define "mine"}}snippet{{end}}',
    'snippets/plain': 'no action',
    'snippets/deep/below': '{{define "net"}}another{{end}}'
  })
  t.equal(render(), 'net of n1;unit inner;unit n1;defaultmain', 'and its own definitions go before theirs')
  put('snippets/net', 'changed;')
  put('generic/main', '{{template "net" .}}{{template "plain"}}')
  await store.rescan()
  t.equal(render(), 'changed;no action', 'edits are live')
  rmSync(join(dataPath, 'snippets/net'))
  await store.rescan()
  t.match(render(), /^error: generic\/main: .*template "net" not defined$/)
})

t.test('what breaks in a snippet breaks those who call it, and is told with its place', async t => {
  const { render, put, store } = await world(t, 'a\n\n{{template "bad" .}}', { 'snippets/bad': 'line 1\nline 2 {{.missing}}', 'snippets/worse': '{{if}}' })
  t.match(render(), /^error: generic\/main: template: bad:2:9: executing "bad" at <\.missing>: map has no entry for key "missing"$/)
  put('generic/main', 'fine {{.name}}')
  await store.rescan()
  t.equal(render(), 'fine n1')
  put('generic/main', '{{template "worse"}}')
  await store.rescan()
  t.match(render(), /template "worse" not defined; snippets\/worse: template: worse:1: missing value for if/)
  put('snippets/loop', '{{template "loop" .}}')
  put('generic/main', '{{template "loop" .}}')
  await store.rescan()
  t.match(render(), /exceeded maximum template depth/)
})

t.test('files/<folder>/<file> is rendered and at hand in base64', async t => {
  const { render, put, store } = await world(t, '{{index .files "etc/motd"}} {{index .files "etc/plain"}}', {
    'files/etc/motd': 'this is {{.name}}, {{template "who"}}', 'files/etc/plain': 'plain', 'files/top': 'x', 'files/a/b/c': 'x', 'snippets/who': 'me'
  })
  t.equal(render(), `${base64('this is n1, me')} ${base64('plain')}`)
  put('generic/main', '{{range $name, $content := .files}}{{$name}} {{end}}{{len .files}}')
  await store.rescan()
  t.equal(render(), 'etc/motd etc/plain 2')
  for (const name of ['top', 'a/b/c', 'etc/none', '../groups/g.json', 'etc/../etc/motd']) {
    put('generic/main', `{{index .files "${name}"}}`)
    await store.rescan()
    t.match(render(), /^error: .*there is no file files\//, name)
  }
  put('files/etc/motd', '{{.nobody}}')
  put('generic/main', '{{index .files "etc/plain"}}')
  await store.rescan()
  t.equal(render(), base64('plain'), 'a file that breaks, breaks those who ask for it')
  put('generic/main', '{{index .files "etc/motd"}}')
  await store.rescan()
  t.match(render(), /^error: files\/etc\/motd: .*map has no entry for key "nobody"/)
})

t.test('join, and a store that has none of it', async t => {
  const metadata = { list: ['a', 1, true, null], files: 'mine' }
  const { render, put, store } = await world(t, '{{join ", " .list}} {{.files}}', {}, metadata)
  t.equal(render(), 'a, 1, true, <nil> mine', 'metadata of that name stays where there are no files')
  put('generic/main', '{{join ", " .files}}')
  await store.rescan()
  t.match(render(), /error calling join: join needs a list, not string/)
  put('generic/main', '{{join 1 .list}}')
  await store.rescan()
  t.match(render(), /wrong type|expected string/)
  put('generic/main', '{{.files}}')
  await store.rescan()
  t.equal(render(), 'mine')
})

t.test('render on the command line has them too', async t => {
  const { dataPath } = await world(t, '{{template "hi" .}} {{index .files "d/f"}}', { 'snippets/hi': 'hi {{.name}}', 'files/d/f': 'x' })
  const { status, stdout } = await new Program(['render', 'generic', '--label', `mac=${mac}`, '--set', `data_path=${dataPath}`]).end()
  t.equal(status, 0)
  t.match(stdout, `hi n1 ${base64('x')}`)
})

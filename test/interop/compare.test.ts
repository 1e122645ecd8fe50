// compare against what Matchbox itself answered: its recorded answers behind a socket, the data that they were recorded over in the store
// of the built program. The nearest to a Matchbox beside us that there is here; whoever has one compares with it as migrating.md says.
import { createServer } from 'node:http'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { layOutVariant, type Recorded, recording } from '../helpers/matchbox-fixture.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

interface Compared { readonly groups: number, readonly asked: number, readonly differences: ReadonlyArray<Record<'group' | 'path' | 'text', string>> }

/** What was asked plainly: without a condition or a range in its headers. */
const base = new Map(recording.cases.filter(({ variant, method, path, request_headers: headers }) => variant === 'base' && method === 'GET' && path !== null && Object.keys(headers ?? {}).length === 0)
  .map(one => [one.path ?? '', one]))
/** Butane, which Matchbox takes from 0.10 on, and the recorded one is 0.9. */
const butane = [
  { group: 'i-butane-fcos', path: '/ignition?t=i-butane-fcos', text: 'Matchbox answers 404, this appliance 200' },
  { group: 'i-butane-flatcar', path: '/ignition?t=i-butane-flatcar', text: /^line 3: .* from Matchbox, .*version.* from this appliance$/ }
]
const bodyOf = ({ response: { body, body_base64: bytes } }: Recorded): Buffer => bytes === undefined ? Buffer.from(body ?? '') : Buffer.from(bytes, 'base64')

t.test('every document that was recorded is the same, and one that is changed is named', async t => {
  const { dataPath, assetsPath } = layOutVariant('base', t.testdir({}))
  // A group that nobody asked for has nothing to be compared with.
  const paths = [...base.keys()]
  for (const name of readdirSync(join(dataPath, 'groups')).filter(name => name.endsWith('.json'))) {
    const [, key = '', value = ''] = /"selector": *\{\s*"(\w+)": *"([^",]*)/.exec(readFileSync(join(dataPath, 'groups', name), 'utf8')) ?? []
    if (key !== '' && !paths.some(path => path.endsWith(`?${key}=${value}`))) rmSync(join(dataPath, 'groups', name))
  }
  const asked: Recorded[] = []
  const matchbox = createServer(({ url = '' }, response) => {
    const known = base.get(url)
    if (known?.response.status == null) return response.writeHead(501).end('not recorded')
    asked.push(known)
    return response.writeHead(known.response.status).end(bodyOf(known))
  })
  await new Promise<void>(resolve => { matchbox.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { matchbox.close() })
  const set = [`data_path=${dataPath}`, `assets_path=${assetsPath}`, `state_path=${t.testdirName}/state`, 'http.address=127.0.0.1:0', 'rpc.address=', 'tftp.address=', 'store.tombstone=0s', 'log_level=debug', `control_socket=${shortFolder(t)}/s`]
    .flatMap(pair => ['--set', pair])
  const program = new Program(['serve', ...set])
  t.teardown(async () => { await program.end('SIGTERM') })
  const { at } = await program.logged('http.listen') as { at: string }
  await program.logged('appliance.ready')
  const compare = async (data: string): Promise<Compared> => {
    asked.length = 0
    const { stdout, stderr, status } = await new Program(['compare', '--json', '--matchbox', `http://127.0.0.1:${(matchbox.address() as AddressInfo).port}`, '--with', `http://${at.replace('/tcp', '')}`, ...set, '--set', `data_path=${data}`]).end()
    t.equal(status, 1, stderr)
    return JSON.parse(stdout) as Compared
  }

  const first = await compare(dataPath)
  // What depends on the order of a map, or on nothing that is promised, was recorded so.
  const stable = new Set(asked.filter(({ unordered_lines: unordered, sort_unstable: unstable }) => unordered !== true && unstable !== true).map(({ path }) => path ?? ''))
  t.ok(stable.size > 180, `${stable.size} of ${first.asked} documents of ${first.groups} groups were recorded`)
  const told = first.differences.filter(({ path }) => stable.has(path))
  t.match(told, butane)
  t.equal(told.length, butane.length)
  t.same(first.differences.filter(({ path, text }) => !base.has(path) && !text.startsWith('Matchbox answers 501')), [], 'and what was not is told as that')

  const read = program.stdout.match(/"msg":"store\.reload"/g)?.length ?? 0
  writeFileSync(join(dataPath, 'generic/g-plain.tmpl'), 'changed\n')
  const changed = asked.filter(({ path }) => path === '/generic?t=g-plain')
  t.equal(changed.length, 1)
  await program.loggedTimes('store.reload', read + 1)
  const alone = shortFolder(t)
  for (const file of ['groups/g-plain.json', 'profiles/g-plain.json', 'generic/g-plain.tmpl']) cpSync(join(dataPath, file), join(alone, file))
  const second = await compare(alone)
  t.match(second.differences.filter(({ path }) => stable.has(path)), [{ group: 'g-plain', path: '/generic?t=g-plain', text: /^line 1: .* from Matchbox, "changed" from this appliance$/ }])
})

// What the lease file's tests do not see: headers and versions, and a file that somebody else removes or changes.
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { JsonLines, type JsonLinesOptions } from '../../src/disk/json-lines.js'
import { checkHeader } from '../../src/disk/lines-header.js'
import { logLines } from '../helpers/log-lines.js'

interface Count { readonly name: string, readonly n: number }

const header = '{"format":"count","version":2}'
const line = (name: string, n: number): string => JSON.stringify({ name, n })

interface Opened {
  readonly path: string
  readonly file: JsonLines<Count>
  readonly loaded: readonly Count[]
  readonly messages: () => unknown[]
  readonly keep: (name: string, n: number) => Promise<void>
}

async function opened (path: string, more: Partial<JsonLinesOptions<Count>> = {}): Promise<Opened> {
  const { stream, entries } = logLines()
  const values = new Map<string, Count>()
  const file = new JsonLines<Count>({
    path,
    kind: 'count',
    version: 2,
    log: createLog({ level: 'debug', pretty: false, destination: stream }),
    format: value => JSON.stringify(value),
    parse: text => text.startsWith('{') ? JSON.parse(text) as Count : undefined,
    current: () => values.values(),
    ...more
  })
  const loaded = await file.load()
  for (const value of loaded) values.set(value.name, value)
  const keep = async (name: string, n: number): Promise<void> => {
    values.set(name, { name, n })
    await file.append({ name, n })
  }
  return { path, file, loaded, keep, messages: () => entries().map(entry => entry['msg']) }
}

/** What whoever starts now would know. */
async function kept (path: string): Promise<Record<string, number>> {
  const { loaded, file } = await opened(path)
  await file.close()
  return Object.fromEntries(loaded.map(({ name, n }) => [name, n]))
}

const lines = (path: string): string[] => readFileSync(path, 'utf8').trimEnd().split('\n')

t.test('the first line says what the file is, and is no value', async t => {
  const path = join(t.testdir(), 'state', 'counts')
  const first = await opened(path)
  t.equal(readFileSync(path, 'utf8'), '', 'nothing to say yet')
  await first.keep('a', 1)
  await first.file.close()
  t.same(lines(path), [header, line('a', 1)])
  t.equal(statSync(path).mode & 0o777, 0o640)
  const again = await opened(path)
  t.same(again.loaded, [{ name: 'a', n: 1 }])
  await again.keep('a', 2)
  await again.file.close()
  t.same(lines(path), [header, line('a', 1), line('a', 2)])
  t.same(again.messages(), [])
})

t.test('a file from before there were headers is read, and gets one with the next change', async t => {
  const path = join(t.testdir(), 'counts')
  writeFileSync(path, `${line('a', 1)}\n${line('b', 1)}\n`)
  const { loaded, keep, file } = await opened(path)
  t.same(loaded, [{ name: 'a', n: 1 }, { name: 'b', n: 1 }])
  t.same(lines(path), [line('a', 1), line('b', 1)], 'not touched as long as nothing happens: one may go back')
  await keep('b', 2)
  await file.close()
  t.same(lines(path), [header, line('a', 1), line('b', 2)])
})

t.test('a newer file, and one of something else, are refused and stay as they are', async t => {
  const path = join(t.testdir(), 'counts')
  for (const [first, error] of [
    ['{"format":"count","version":3,"more":true}', { code: 'state_newer', message: /counts was written by a newer core-provisioner \(format 3; this one knows 2\)/ }],
    ['{"format":"lease","version":1}', { code: 'read_failed', message: /is a file of lease lines, not of count lines/ }]
  ] as const) {
    const content = `${first}\nwhatever\n{"torn`
    writeFileSync(path, content)
    await t.rejects(opened(path), error)
    t.equal(readFileSync(path, 'utf8'), content)
  }
})

t.test('an older version is read, and kept as this one', async t => {
  const path = join(t.testdir(), 'counts')
  writeFileSync(path, `{"format":"count","version":1}\n${line('a', 1)}\n`)
  const { loaded, keep, file } = await opened(path, { slack: 0 })
  t.same(loaded, [{ name: 'a', n: 1 }])
  for (let n = 2; n < 6; n++) await keep('a', n)
  await file.close()
  t.equal(lines(path)[0], header)
})

t.test('what somebody else does to the file is seen, and it is what is in memory again', async t => {
  for (const [what, act] of Object.entries<(path: string) => void>({
    removed: path => { rmSync(path) },
    'removed with its folder': path => { rmSync(join(path, '..'), { recursive: true }) },
    'emptied in place': path => { truncateSync(path) },
    'cut in the middle of a line': path => { truncateSync(path, 50) },
    'added to': path => { appendFileSync(path, 'x') },
    'replaced by a copy': path => {
      writeFileSync(`${path}.copy`, readFileSync(path))
      renameSync(`${path}.copy`, path)
    }
  })) {
    const { path, keep, file, messages } = await opened(join(t.testdir(), 'state', 'counts'))
    await keep('a', 1)
    await keep('b', 1)
    act(path)
    await keep('b', 2)
    t.same(await kept(path), { a: 1, b: 2 }, what)
    t.same(messages(), ['count.rewritten'], what)
    await keep('c', 3)
    t.equal(lines(path).at(-1), line('c', 3), `${what}: and it goes on`)
    act(path)
    await file.close()
    t.same(await kept(path), { a: 1, b: 2, c: 3 }, `${what} before it is closed`)
  }
})

t.test('a file that cannot be opened again costs what came meanwhile, and no more', async t => {
  const { path, keep, file, messages } = await opened(join(t.testdir(), 'state', 'counts'), { slack: 0 })
  await keep('a', 1)
  // A folder in its place, which neither a rename nor an open gets past.
  rmSync(path)
  mkdirSync(path)
  await t.rejects(keep('a', 2), { code: 'write_failed' })
  await t.rejects(keep('a', 3), { code: 'write_failed' })
  rmSync(path, { recursive: true })
  await keep('a', 4)
  await keep('a', 5)
  await file.close()
  t.same(await kept(path), { a: 5 })
  t.ok(messages().includes('count.unsaved'))
})

const open = (): number => readdirSync('/proc/self/fd').length

t.test('looked at now and then, it is written anew when it is another', async t => {
  const { path, keep, file, messages } = await opened(join(t.testdir(), 'counts'))
  await keep('a', 1)
  const { ino } = statSync(path)
  await file.verify()
  t.equal(statSync(path).ino, ino, 'it is as it was')
  rmSync(path)
  await file.verify()
  t.same(lines(path), [header, line('a', 1)])
  t.same(messages(), ['count.rewritten'])
  await file.verify()
  t.same(messages(), ['count.rewritten'])
  const writing = keep('b', 1)
  await Promise.all([file.verify(), file.verify(), writing])
  t.same(lines(path), [header, line('a', 1), line('b', 1)], 'after what is being written')
  await file.close()
  rmSync(path)
  await file.verify()
  t.throws(() => statSync(path), { code: 'ENOENT' }, 'nobody looks once it is closed')
})

t.test('written anew when all values are others, and whether it could', async t => {
  const values = [{ name: 'a', n: 1 }]
  const { path, keep, file, messages } = await opened(join(t.testdir(), 'state', 'counts'), { current: () => values })
  await keep('a', 1)
  values[0] = { name: 'z', n: 2 }
  t.equal(await file.rewrite(), true)
  t.same(lines(path), [header, line('z', 2)])
  rmSync(path)
  mkdirSync(path)
  t.equal(await file.rewrite(), false)
  t.same(messages(), ['count.unsaved'])
  await file.close()
  t.equal(await file.rewrite(), false, 'nor once it is closed')
  t.same(messages(), ['count.unsaved', 'count.unsaved'], 'and it was tried again at the close')
})

t.test('closing waits for what is being written, and gives its descriptor back', async t => {
  const before = open()
  const { path, keep, file } = await opened(join(t.testdir(), 'counts'))
  t.equal(open(), before + 1)
  const kept = keep('a', 1)
  await file.close()
  t.equal(open(), before)
  t.same(lines(path), [header, line('a', 1)])
  await kept
  await t.rejects(file.append({ name: 'a', n: 2 }), { code: 'write_failed', message: /the file is closed/ })
  t.equal(open(), before)
})

t.test('who wrote a file is told without reading it', async t => {
  const folder = t.testdir({ none: '', own: `${header}\n`, other: '{"format":"lease","version":1}\nx', newer: '{"format":"count","version":3}', odd: 'x'.repeat(5000), folder: {} })
  const known = { format: 'count', version: 2 }
  const before = open()
  for (const name of ['missing', 'none', 'own', 'odd', 'folder']) await checkHeader(join(folder, name), known)
  await t.rejects(checkHeader(join(folder, 'other'), known), { code: 'read_failed', message: /other is a file of lease lines, not of count lines: move it away/ })
  await t.rejects(checkHeader(join(folder, 'newer'), known), { code: 'state_newer' })
  const spread = join(folder, 'spread')
  for (const [length, isRead] of [[1024, true], [1025, false]] as const) {
    // Blanks before the closing brace, so that the line has so many octets.
    writeFileSync(spread, `${'{"format":"count","version":3'.padEnd(length - 1)}}\nmore`)
    if (isRead) await t.rejects(checkHeader(spread, known), { code: 'state_newer' })
    else await checkHeader(spread, known)
  }
  t.equal(open(), before)
})

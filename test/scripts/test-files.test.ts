// `npm test` and `npm run changed` run test files without tap's runner: what passes, what fails and why, on files that do either.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { allTestFiles, runTestFiles, tellTestFiles, type TestFile } from '../../scripts/lib/test-files.js'
import { countsOf, failuresIn, failuresInBrief } from '../../scripts/lib/test-output.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

t.test('a file passes when its process does and it ran something', async t => {
  // Below the project, where tap is found.
  const folder = join('.cache', `test-files-${process.pid}`)
  mkdirSync(join(root, folder), { recursive: true })
  t.teardown(() => { rmSync(join(root, folder), { recursive: true }) })
  const files = {
    good: "import t from 'tap'\nt.test('one', t => { t.equal(1, 1); t.equal(2, 2); t.end() })\nt.test('two', t => { t.comment('as it is'); t.skip('no tool'); t.end() })",
    bad: "import t from 'tap'\nt.test('one', t => { t.equal(1, 1); t.equal(1, 2, 'one is two'); t.end() })",
    deep: "import t from 'tap'\nt.test('outer', async t => { await t.test('before', async t => { t.pass() })\nawait t.test('inner', async t => {\nawait t.rejects(Promise.resolve(), {}, 'refused')\nawait t.rejects(Promise.reject(new Error('other')), { code: 'full' }) }) })\nt.test('hangs', { timeout: 1 }, async () => { await new Promise(resolve => setTimeout(resolve, 2000)) })",
    many: "import t from 'tap'\nfor (let i = 0; i < 9; i++) t.equal(i, -1, 'at ' + i)",
    broken: 'import { nothing } from "./nowhere.js"\nnothing()',
    empty: 'export {}'
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, folder, `${name}.test.ts`), text)
  const results = new Map<string, TestFile>()
  await runTestFiles(Object.keys(files).map(name => join(folder, `${name}.test.ts`)), { root }, result => { results.set(/(\w+)\.test\.ts$/.exec(result.file)?.[1] ?? '', result) })
  t.same(Object.keys(files).map(name => results.get(name)?.passed), [true, false, false, false, false, false])
  t.match(countsOf(results.get('good')?.output ?? ''), { skips: [/no tool/] })
  t.match(countsOf(results.get('good')?.output ?? ''), { passed: 2, failed: 0 })
  t.match(countsOf(results.get('bad')?.output ?? ''), { passed: 1, failed: 1 })
  const said = failuresIn(results.get('bad')?.output ?? '')
  t.match(said, /not ok \d - one is two/)
  t.notMatch(said, /ok 1 - should be equal/, 'and nothing of what passed')
  t.match(failuresIn(results.get('broken')?.output ?? ''), /nowhere/)

  const brief = (name: string): string[] => failuresInBrief('a.test.ts', results.get(name)?.output ?? '')
  t.same(brief('bad'), ['failed: a.test.ts:2: one > one is two: -2 +1'])
  t.same(brief('deep'), [
    'failed: a.test.ts:4: outer > inner > refused',
    'failed: a.test.ts:5: outer > inner > expected to reject: -(no name): (no message) { +Error: other {',
    'failed: a.test.ts: hangs > timeout!: expired: hangs'
  ])
  t.match(brief('many'), [/:2: at 0: --1 \+0$/, /at 1/, /at 2/, 'failed: a.test.ts: and 6 more'])
  t.match(brief('broken'), [/^failed: a\.test\.ts: Error.*nowhere/])
  t.same(failuresInBrief('a.test.ts', 'TAP version 14\nok 1 - fine\n\nended by SIGKILL after 3 s\n# 2.00 s of CPU\n'), ['failed: a.test.ts: ended by SIGKILL after 3 s'])
  t.same(brief('empty'), ['failed: a.test.ts: it ran nothing'])

  const told = t.capture(console, 'log')
  t.equal(await tellTestFiles([join(folder, 'good.test.ts')], { root }, { everyFile: true }), true)
  t.equal(await tellTestFiles([join(folder, 'good.test.ts'), join(folder, 'empty.test.ts')], { root }, { everyFile: false }), false)
  const lines = told().map(({ args }) => String(args[0]))
  told.restore()
  t.match(lines[0], /^skipped: .*good.*no tool/)
  t.match(lines[1], /^ok .*good\.test\.ts \(2 assertions/)
  t.match(lines[2], /^2 passed, 0 failed, 1 skipped; 1 file, no file failed/)
  t.match(lines.at(-1), /^2 passed, 1 failed, 1 skipped; 2 files, 1 failed/)
  t.match(lines.at(-2), /^failed: .*empty\.test\.ts: it ran nothing$/, 'and what failed once more')
})

t.test('every test file is run, once', async t => {
  const files = allTestFiles(root)
  t.ok(files.includes('test/scripts/test-files.test.ts'))
  t.equal(new Set(files).size, files.length)
})

t.test('a folder is there until the last teardown has ended', async t => {
  const seen: boolean[] = []
  await t.test('one that is made first', async t => {
    const folder = t.testdir({ a: 'a' })
    t.teardown(async () => {
      await new Promise(resolve => { setImmediate(resolve) })
      seen.push(existsSync(join(folder, 'a')))
    })
  })
  t.same(seen, [true])
})

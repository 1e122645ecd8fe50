// `npm test` and `npm run changed` run test files without tap's runner: what passes, what fails and why, on files that do either.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { allTestFiles, countsOf, failuresIn, runTestFiles, tellTestFiles, type TestFile } from '../../scripts/lib/test-files.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

t.test('a file passes when its process does and it ran something', async t => {
  // Below the project, where tap is found.
  const folder = join('.cache', `test-files-${process.pid}`)
  mkdirSync(join(root, folder), { recursive: true })
  t.teardown(() => { rmSync(join(root, folder), { recursive: true }) })
  const files = {
    good: "import t from 'tap'\nt.test('one', t => { t.equal(1, 1); t.equal(2, 2); t.end() })\nt.test('two', t => { t.comment('as it is'); t.skip('no tool'); t.end() })",
    bad: "import t from 'tap'\nt.test('one', t => { t.equal(1, 1); t.equal(1, 2, 'one is two'); t.end() })",
    broken: 'import { nothing } from "./nowhere.js"\nnothing()',
    empty: 'export {}'
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, folder, `${name}.test.ts`), text)
  const results = new Map<string, TestFile>()
  await runTestFiles(Object.keys(files).map(name => join(folder, `${name}.test.ts`)), { root }, result => { results.set(/(\w+)\.test\.ts$/.exec(result.file)?.[1] ?? '', result) })
  t.same(Object.keys(files).map(name => results.get(name)?.passed), [true, false, false, false])
  t.match(countsOf(results.get('good')?.output ?? ''), { skips: [/no tool/] })
  t.match(countsOf(results.get('good')?.output ?? ''), { passed: 2, failed: 0 })
  t.match(countsOf(results.get('bad')?.output ?? ''), { passed: 1, failed: 1 })
  const said = failuresIn(results.get('bad')?.output ?? '')
  t.match(said, /not ok \d - one is two/)
  t.notMatch(said, /ok 1 - should be equal/, 'and nothing of what passed')
  t.match(failuresIn(results.get('broken')?.output ?? ''), /nowhere/)

  const told = t.capture(console, 'log')
  t.equal(await tellTestFiles([join(folder, 'good.test.ts')], { root }, { everyFile: true }), true)
  t.equal(await tellTestFiles([join(folder, 'good.test.ts'), join(folder, 'empty.test.ts')], { root }, { everyFile: false }), false)
  const lines = told().map(({ args }) => String(args[0]))
  told.restore()
  t.match(lines[0], /^skipped: .*good.*no tool/)
  t.match(lines[1], /^ok .*good\.test\.ts \(2 assertions/)
  t.match(lines[2], /^2 passed, 0 failed, 1 skipped; 1 file, no file failed/)
  t.match(lines.at(-1), /^2 passed, 1 failed, 1 skipped; 2 files, 1 failed/)
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

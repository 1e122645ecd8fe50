// Test files that were bundled before they run say what those say that are read from their sources: what passed, and in which line what did not.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { runTestFiles, type TestFile } from '../../scripts/lib/test-files.js'
import { failuresIn } from '../../scripts/lib/test-output.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Below the project, where tap is found. */
function filesOf (t: Test, texts: Readonly<Record<string, string>>): readonly string[] {
  const folder = join('.cache', `test-bundles-${process.pid}`)
  mkdirSync(join(root, folder), { recursive: true })
  t.teardown(() => { rmSync(join(root, folder), { recursive: true }) })
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(root, folder, `${name}.test.ts`), text)
  return Object.keys(texts).map(name => join(folder, `${name}.test.ts`))
}

async function results (files: readonly string[], leastBundled: number): Promise<readonly TestFile[]> {
  const all: TestFile[] = []
  await runTestFiles(files, { root, leastBundled }, result => { all.push(result) })
  return files.map(file => all.find(result => result.file === file)!)
}

const texts = {
  places: `import { existsSync } from 'node:fs'
import t from 'tap'
t.equal(new URL('.', import.meta.url).pathname, import.meta.dirname + '/')
t.ok(existsSync(import.meta.filename))
t.equal(process.argv[1], import.meta.filename)
t.match(t.testdirName, /fixtures.\\.cache-test-bundles-\\d+-places\\.test\\.ts$/)
t.ok(existsSync(t.testdir({})))
`,
  awaits: `import t from 'tap'
const { parseMac } = await import('../../src/net/mac.js')
interface Unused { readonly there: boolean }
await t.test('from a source', async t => { t.ok(parseMac('52:54:00:00:00:01')) })
`,
  wrong: `import t from 'tap'
import { parseMac } from '../../src/net/mac.js'
interface Unused { readonly there: boolean }
t.test('wrong', t => {
  t.equal(1, 2, 'one is two')
  t.same({ a: 1 }, { a: [1] })
  t.end()
})
t.test('thrown', async () => { parseMac(undefined as unknown as string) })
`
}

t.test('what is bundled is told as what is not', async t => {
  const files = filesOf(t, texts)
  const [bundled, read] = [await results(files, 1), await results(files, files.length + 1)]
  t.same(bundled.map(({ passed }) => passed), [true, true, false], bundled.map(({ output }) => output).join('\n'))
  t.same(read.map(({ passed }) => passed), [true, true, false])
  // Where tap folds a line depends on how long it was.
  const [said, before] = [bundled, read].map(([, , wrong]) => failuresIn(wrong!.output).replace(/(stack|source): [>|]\d?\n/g, '$1:\n').replace(/\s+/g, ' '))
  t.equal(said, before)
  t.match(said, /wrong\.test\.ts:5:5/)
  t.match(said, /parseMac \(src\/net\/mac\.ts:\d+:\d+\)/)
  t.notMatch(said, /\.cache\/tests/)
  t.notOk(existsSync(join(root, '.cache/tests', String(process.pid))), 'and nothing of it is left')
})

t.test('where one can not be read each file tells for itself', async t => {
  const files = filesOf(t, { fine: "import t from 'tap'\nt.ok(1)\n", broken: "import { nothing } from './nowhere.js'\nnothing()\n" })
  const [fine, broken] = await results(files, 1)
  t.equal(fine?.passed, true)
  t.match(failuresIn(broken?.output ?? ''), /nowhere/)
})

t.test('what a killed run left is gone after the next', async t => {
  const left = join(root, '.cache/tests/4194305')
  mkdirSync(left, { recursive: true })
  await results(filesOf(t, { fine: "import t from 'tap'\nt.ok(1)\n" }), 1)
  t.notOk(readdirSync(join(root, '.cache/tests')).includes('4194305'))
})

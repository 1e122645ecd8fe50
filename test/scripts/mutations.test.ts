// What counts as a small change to a source, and which tests may notice it.
import t from 'tap'
import { concernedTests } from '../../scripts/lib/concerned-tests.js'
import { mutationsOf } from '../../scripts/lib/mutations.js'

const changesOf = (source: string): string[] => mutationsOf('x.ts', source).map(({ kind, start, end, text }) => `${kind}: ${source.slice(0, start)}${text}${source.slice(end)}`)

t.test('each kind of change, at its place', t => {
  t.same(changesOf('if (a < 3) return'), ['negation: if (!(a < 3)) return', 'return: if (a < 3) {}', 'comparison: if (a <= 3) return', 'bound: if (a < 4) return'])
  t.same(changesOf('const most = 5000'), ['bound: const most = 10000'])
  t.same(changesOf('const x = a && true'), ['logic: const x = a || true', 'boolean: const x = a && false'])
  t.same(changesOf('timer.cancel()'), ['call: ;'])
  t.same(changesOf('await handle.sync()'), ['sync: ;', 'await: void handle.sync()'])
  t.match(changesOf('await writeFileAtomic(p, x)'), ['await: void writeFileAtomic(p, x)', /^sync: await \(\(path, data, options\) => .*fs\.writeFile\(path, data, options\)\)\)\(p, x\)$/])
  t.same(changesOf('open(p, O_RDWR | O_DSYNC)'), ['sync: open(p, O_RDWR | O_RDWR)'])
  t.end()
})

t.test('what nobody could notice is none', t => {
  for (const source of ['const f = async () => await g()', 'async function f () { return await g() }', "log.warn({ a: 1 < 2 }, 'x')", "const s = 'a' + b", 'type A = 3', 'x.valueOf()', "import { a } from './b.js'",
    'async function f () { try { g() } catch { return await h() } }']) {
    t.same(changesOf(source), [], source)
  }
  t.same(changesOf('async function f () { try { return await g() } catch {} }'), ['await: async function f () { try { return g() } catch {} }'])
  t.same(changesOf('async function f () { try { g() } catch { return await h() } finally { i() } }'), ['await: async function f () { try { g() } catch { return h() } finally { i() } }'])
  t.same(changesOf('async function f () { try { return await g() } finally { h() } }'), ['await: async function f () { try { return g() } finally { h() } }'])
  t.end()
})

t.test('the nearest tests come first, and those that drive the world not at all', t => {
  const files: Readonly<Record<string, string>> = {
    'src/disk/a.ts': '',
    'src/store/b.ts': "import { a } from '../disk/a.js'",
    'test/disk/a.test.ts': '',
    'test/disk/z.test.ts': '',
    'test/store/b.test.ts': "import { b } from '../../src/store/b.js'",
    'test/other.test.ts': "import { a } from '../src/disk/a.js'",
    'test/interop/c.test.ts': "import { a } from '../../src/disk/a.js'",
    'test/net/d.test.ts': ''
  }
  const testsOf = concernedTests({ files: Object.keys(files), read: path => files[path] ?? '' })
  t.same(testsOf('src/disk/a.ts'), ['test/disk/a.test.ts', 'test/other.test.ts', 'test/store/b.test.ts', 'test/disk/z.test.ts'])
  t.end()
})

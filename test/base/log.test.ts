// The log of a service: lines are written beside its work, all of them before it ends, and a reader that hangs holds up nothing.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { logLines } from '../helpers/log-lines.js'
import { typescript } from '../helpers/typescript.js'

const module = JSON.stringify(fileURLToPath(new URL('../../src/base/log.ts', import.meta.url)))
const program = (lines: number, patience: number): string => `
  import { createLog, endLog } from ${module}
  const log = createLog({ level: 'info', pretty: false, destination: process.stdout, background: true })
  for (let n = 0; n < ${lines}; n++) log.info({ n, filling: 'x'.repeat(100) }, 'test.line')
  process.stderr.write('done')
  process.stdin.once('data', async () => { await endLog(log, ${patience}); process.exit() })`

const start = (lines: number, patience = 1000): ReturnType<typeof spawn> =>
  spawn(process.execPath, [typescript, '--input-type=module', '--eval', program(lines, patience)], { cwd: fileURLToPath(new URL('../..', import.meta.url)) })

t.test('nothing is lost when the process ends', async t => {
  const child = start(5000)
  const written = text(child.stdout!)
  await once(child.stderr!, 'data')
  child.stdin!.write('end\n')
  const lines = (await written).trimEnd().split('\n').map(line => JSON.parse(line) as { n: number, time: string, level: string, msg: string })
  t.same(lines.map(({ n }) => n), Array.from({ length: 5000 }, (_, n) => n), 'all, in their order')
  t.match(lines[0], { level: 'info', msg: 'test.line', time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ })
})

t.test('a reader that hangs holds up neither the work nor, for more than a moment, the end', async t => {
  const child = start(5000)
  t.equal(String((await once(child.stderr!, 'data') as [Buffer])[0]), 'done', 'with a pipe that is long full')
  child.stdin!.write('end\n')
  t.same(await once(child, 'exit'), [0, null])
})

t.test('of a reader that hangs so many octets wait, and it gets whole lines afterwards', async t => {
  const child = start(150_000, 60_000)
  await once(child.stderr!, 'data')
  const written = text(child.stdout!)
  child.stdin!.write('end\n')
  const all = await written
  // Beside what waits in the program a pipe has 64 KiB, and one hand-over may be under way.
  const waiting = 16 * 2 ** 20
  t.ok(all.length > waiting - 2 ** 15 && all.length < waiting + 2 ** 17, `${all.length} of some 26 million`)
  t.ok(all.trimEnd().split('\n').every(line => line.startsWith('{"level":"info"') && line.endsWith('"msg":"test.line"}')))
})

t.test('one that is gone holds up nothing either', async t => {
  const child = start(5000)
  child.stdout!.destroy()
  await once(child.stderr!, 'data')
  child.stdin!.write('end\n')
  t.same(await once(child, 'exit'), [0, null])
})

t.test('without it each line is there at once', t => {
  const { stream, entries } = logLines()
  createLog({ level: 'info', pretty: false, destination: stream }).info({ mac: 'x' }, 'test.line')
  t.match(entries(), [{ level: 'info', mac: 'x', msg: 'test.line' }])
  t.end()
})

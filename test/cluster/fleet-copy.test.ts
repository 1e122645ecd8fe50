// The copy on disk of what provisioners share says what etcd had, and nothing that was gone: a provisioner that starts while etcd is away serves it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { FleetCopy } from '../../src/cluster/fleet-copy.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { able } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

interface Opened {
  readonly put: (key: string, value: string) => void
  readonly remove: (key: string) => void
  readonly confirm: (time: number) => void
  /** What it held when it was opened. */
  readonly found: Readonly<Record<string, string>>
  readonly asOf: number | undefined
  /** Lets a second pass. */
  readonly flush: () => void
  readonly close: () => Promise<void>
  readonly said: () => string[]
}

/** As the shared state uses it. */
async function opened (path: string): Promise<Opened> {
  const clock = new FakeClock()
  const { stream, entries } = logLines()
  const log = createLog({ level: 'warn', pretty: false, destination: stream })
  const current = new Map<string, Buffer>()
  const copy = new FleetCopy({ path, clock, log, current: () => current })
  const { values, asOf } = await copy.load()
  for (const [key, value] of values) current.set(key, value)
  return {
    put: (key, text) => {
      const value = Buffer.from(text)
      current.set(key, value)
      copy.note(key, value)
    },
    remove: key => {
      current.delete(key)
      copy.note(key, undefined)
    },
    confirm: time => { copy.confirm(time) },
    found: Object.fromEntries([...values].map(([key, value]) => [key, value.toString()])),
    asOf,
    flush: () => { clock.advance(1000) },
    close: () => copy.close(),
    said: () => entries().map(({ msg }) => String(msg))
  }
}

t.test('what was put is there again with the time that it is of, and what was removed is not, at whatever time it was', async t => {
  const path = join(t.testdir(), 'fleet.jsonl')
  const first = await opened(path)
  t.match(first, { found: {}, asOf: undefined })
  for (const key of ['before', 'late', 'kept']) first.put(key, key)
  first.put('at once', 'x')
  first.remove('at once')
  first.confirm(1000)
  first.flush()
  first.remove('late')
  await first.close()
  const second = await opened(path)
  t.match(second, { found: { before: 'before', kept: 'kept' }, asOf: 1000 })
  second.remove('before')
  await second.close()
  const third = await opened(path)
  t.same([third.found, third.asOf], [{ kept: 'kept' }, 1000], 'removed before anything was written in this run')
  await third.close()
})

t.test('what was removed while the disk was full is gone once there is room', async t => {
  const folder = join(t.testdir(), 'tiny')
  mkdirSync(folder)
  let problem: string | undefined
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    problem = `no tmpfs can be mounted here: ${String(error).split('\n')[0]}`
  }
  if (!able(t, problem)) return
  try {
    const path = join(folder, 'fleet.jsonl')
    const first = await opened(path)
    for (const key of ['removed', 'kept']) first.put(key, key)
    await first.close()
    const second = await opened(path)
    const rest = join(folder, 'rest')
    t.throws(() => { writeFileSync(rest, Buffer.alloc(64 * 1024)) }, { code: 'ENOSPC' })
    second.put('large', 'x'.repeat(8000))
    second.remove('removed')
    second.flush()
    await until('it is told of', () => second.said().includes('fleet.unsaved'))
    second.put('more', 'x')
    second.flush()
    await until('it is tried again', () => second.said().filter(said => said === 'fleet.unsaved').length === 2)
    rmSync(rest)
    second.put('after', 'x')
    await second.close()
    const { found, close } = await opened(path)
    t.same(Object.keys(found).sort(), ['after', 'kept', 'large', 'more'])
    await close()
  } finally {
    execFileSync('umount', [folder])
  }
})

// What the end of the mirror's thread does to the rest, however it ends: threads that run a program of the test.
import t from 'tap'
import type { Progress, SyncResult } from '../../src/mirror/sync.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { remoteMirror } from '../helpers/remote-mirror.js'
import { until } from '../helpers/until.js'

// The thread keeps no process from ending.
const awake = setInterval(() => {}, 60_000)
t.teardown(() => { clearInterval(awake) })

t.test('an error in it ends it alone, is told with its place, and the next call begins anew', async t => {
  const program = `
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ call, id }) => {
      if (call === 'sync') setTimeout(function deepInside () { throw new Error('assert(!this.paused)') })
      else if (call === 'prune') process.exit(7)
      else parentPort.postMessage({ id, value: { sources: [], releases: [] } })
    })`
  const { mirror, crashes } = remoteMirror(t, 'http://publisher.invalid', { program })
  t.same(await mirror.list(), { sources: [], releases: [] })
  await t.rejects(mirror.sync(() => {}), { code: 'image_download_failed', message: /assert\(!this\.paused\)/ })
  t.match(crashes, [{ message: 'assert(!this.paused)', stack: /deepInside.*program\.mjs/ }])
  t.same(await mirror.list(), { sources: [], releases: [] })
  await t.rejects(mirror.prune([]), { message: /ended with status 7/ })
  t.equal(crashes.length, 2)
})

t.test('no thread can be begun: the call is refused, and nothing waits for it', async t => {
  const { mirror } = remoteMirror(t, 'http://127.0.0.1:1/', { entry: new URL('http://nowhere/') })
  await t.rejects(mirror.list(), { code: 'thread_failed', message: /^no thread can be begun for mirror: / })
  await t.rejects(mirror.sync(() => {}), { code: 'thread_failed' })
  t.doesNotThrow(() => { mirror.stop() })
})

t.test('a thread that is not heard of any more is given up', async t => {
  const program = 'import { parentPort } from \'node:worker_threads\'\nparentPort.on(\'message\', () => { for (;;); })\n'
  const clock = new FakeClock()
  const { mirror, crashes } = remoteMirror(t, 'http://publisher.invalid', { clock, program })
  const waiting = mirror.list()
  clock.advance(300_000)
  await t.rejects(waiting, { message: /nothing was heard of the mirror's thread for 300 seconds/ })
  t.equal(crashes.length, 1)
})

t.test('a thread that still loads is not ended before it has, which would end the process', async t => {
  const flags = new Int32Array(new SharedArrayBuffer(8))
  const program = `
    import { parentPort, workerData } from 'node:worker_threads'
    Atomics.wait(workerData, 0, 0)
    Atomics.store(workerData, 1, 1)
    parentPort.postMessage({ alive: true })
    parentPort.on('message', () => {})`
  const { mirror, crashes } = remoteMirror(t, 'http://publisher.invalid', { program, mirror: flags as never })
  const refused = t.rejects(mirror.list(), { message: /the service ends/ })
  const closed = mirror.close()
  await refused
  Atomics.store(flags, 0, 1)
  Atomics.notify(flags, 0)
  await closed
  t.equal(flags[1], 1)
  t.same(crashes, [])
})

t.test('calls are answered each by its own, with what is told on the way; another thread is begun once this one was idle', async t => {
  const program = `
    import { parentPort, threadId } from 'node:worker_threads'
    const held = []
    let texts = 0
    parentPort.on('message', message => {
      const { call, id } = message
      if (call === 'texts') texts += message.texts.length
      else if (call === 'prune') parentPort.postMessage({ id, value: [{ texts, told: message.texts }] })
      else if (call === 'sync') {
        parentPort.postMessage({ id, progress: { source: 's', received: 1 } })
        parentPort.postMessage({ id, result: { source: 's', siblings: message.siblings } })
        parentPort.postMessage({ id: id + 100, value: 'nobody asked' })
        held.push(id)
      } else if (call === 'stop') for (const id of held) parentPort.postMessage({ id, error: { code: 'image_download_failed', message: 'stopped' } })
      else parentPort.postMessage({ id, value: threadId })
    })`
  const clock = new FakeClock()
  const { mirror, crashes } = remoteMirror(t, 'http://publisher.invalid', { clock, program })
  mirror.stop()
  const [results, progress]: [SyncResult[], Progress[]] = [[], []]
  const syncing = mirror.sync(result => { results.push(result) }, told => { progress.push(told) }, ['http://10.0.0.3:8080'])
  const first = await mirror.list() as unknown
  t.match([results, progress], [[{ source: 's', siblings: ['http://10.0.0.3:8080'] }], [{ source: 's', received: 1 }]])
  t.same([results.length, progress.length], [1, 1])
  clock.advance(299_999)
  t.equal(await mirror.list() as unknown, first, 'one that works is not ended')
  mirror.stop()
  await t.rejects(syncing, { code: 'image_download_failed', message: 'stopped' })
  t.match(await mirror.prune(Array.from({ length: 401 }, () => 'x')), [{ texts: 401, told: 401 }])
  let turns = 0
  const count = (): void => {
    turns++
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  await mirror.prune(Array.from({ length: 2000 }, () => 'x'))
  clearImmediate(counting)
  t.ok(turns >= 10, 'others have their turns while the texts are handed over')
  clock.advance(59_999)
  t.equal(await mirror.list() as unknown, first)
  clock.advance(60_000)
  await until('no timer is left', () => clock.pending === 0)
  t.not(await mirror.list() as unknown, first, 'after a minute without a call it was ended')
  t.same(crashes, [])
})

t.test('one that was given up counts as idle when the next has answered', async t => {
  const program = `
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ call, id }) => { if (call === 'list') parentPort.postMessage({ id, value: 'listed' }); else throw new Error('no') })`
  const clock = new FakeClock()
  const { mirror, crashes } = remoteMirror(t, 'http://publisher.invalid', { clock, program })
  await t.rejects(mirror.sync(() => {}), { message: /ended: no/ })
  t.equal(await mirror.list() as unknown, 'listed')
  clock.advance(60_000)
  t.equal(clock.pending, 0, 'nothing that is over is waited for')
  t.equal(crashes.length, 1)
})

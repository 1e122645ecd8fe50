// A body that comes, but too slowly to be waited for; and one that is silent.
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { steady } from '../../src/mirror/http-client.js'
import { FakeClock } from '../helpers/fake-clock.js'

const timeout = 30_000

async function read (clock: FakeClock, body: PassThrough): Promise<number> {
  let bytes = 0
  for await (const piece of steady('http://publisher/file', body as unknown as IncomingMessage, { clock, timeout })) bytes += piece.length
  return bytes
}

/** Sends a piece every ten seconds, `pieces` in all. */
async function send (clock: FakeClock, body: PassThrough, bytes: number, pieces: number): Promise<void> {
  for (let i = 0; i < pieces && !body.destroyed; i++) {
    body.write(Buffer.alloc(bytes))
    for (let turn = 0; turn < 10; turn++) await new Promise(resolve => { setImmediate(resolve) })
    clock.advance(10_000)
  }
  body.end()
}

t.test('less than 1 KiB a second is not waited for, a little more is', async t => {
  const [clock, slow] = [new FakeClock(), new PassThrough()]
  const reading = t.rejects(read(clock, slow), { code: 'image_download_failed', message: 'http://publisher/file: less than 1024 bytes come in a second' })
  const began = clock.now()
  await send(clock, slow, 9000, 20)
  await reading
  t.equal(clock.now() - began, 150_000, 'each minute by itself: the first had a piece more')

  const enough = new PassThrough()
  const whole = read(clock, enough)
  await send(clock, enough, 11_000, 20)
  t.equal(await whole, 220_000)
  t.equal(clock.pending, 0)
})

t.test('silence ends it', async t => {
  const [clock, body] = [new FakeClock(), new PassThrough()]
  const reading = t.rejects(read(clock, body), { message: /nothing more came/ })
  body.write('x')
  await new Promise(resolve => { setImmediate(resolve) })
  clock.advance(timeout - 1)
  await new Promise(resolve => { setImmediate(resolve) })
  t.equal(body.destroyed, false)
  clock.advance(1)
  await reading
  t.equal(clock.pending, 0)
})

// The recorded answers of butane (test/ignition/butane/vectors.test.ts) hold the output to the byte for short texts; here it
// is held against zlib, which has to read what is written.
import t from 'tap'
import fc from 'fast-check'
import { gunzipSync } from 'node:zlib'
import { gzip } from '../../../src/ignition/gzip/gzip.js'

const reads = (text: Buffer): boolean => gunzipSync(gzip(text)).equals(text)

t.test('zlib reads what is written', t => {
  const seed = Date.now() & 0xffff
  t.comment(`seed ${seed}`)
  const word = fc.constantFrom('the ', 'quick ', 'brown ', 'fox\n', '[Service]\n', 'ExecStart=/usr/bin/', 'a', 'b', '\0', 'é')
  const text = fc.oneof(
    fc.array(word, { maxLength: 3000 }).map(words => Buffer.from(words.join(''))),
    fc.uint8Array({ maxLength: 5000 }).map(bytes => Buffer.from(bytes)),
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 4000 }))
      .map(([bytes, times]) => Buffer.concat(Array<Uint8Array>(times).fill(bytes)))
  )
  fc.assert(fc.property(text, reads), { seed, numRuns: 300, interruptAfterTimeLimit: 10_000 })
  t.end()
})

t.test('texts longer than the window and than a block', t => {
  let state = 7
  const random = (size: number, letters: number): Buffer => Buffer.from(Array.from({ length: size }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return 97 + (state >>> 16) % letters
  }))
  for (const [size, letters] of [[65274, 9], [65275, 9], [65536, 26], [65537, 26], [98304, 3], [150000, 26], [200000, 1]] as const) {
    t.ok(reads(random(size, letters)), `${size} of ${letters} letters`)
  }
  t.ok(gzip(random(40000, 200)).length < 40100, 'what cannot be made shorter is stored')
  t.end()
})

t.test('nothing', t => {
  t.equal(gzip(Buffer.alloc(0)).toString('hex'), '1f8b08000000000002ff010000ffff0000000000000000')
  t.end()
})

// Token buckets: a burst, then the steady rate; many keys take little memory.
import t from 'tap'
import { RateLimiter, TokenBucket } from '../../src/base/rate-limit.js'

t.test('a burst, then the steady rate', t => {
  const bucket = new TokenBucket({ burst: 3, perSecond: 2 }, 1000)
  t.same([1000, 1000, 1000, 1000, 1400, 1500, 1500].map(now => bucket.take(now)), [true, true, true, false, false, true, false])
  t.same([60_000, 60_000, 60_000, 60_000].map(now => bucket.take(now)), [true, true, true, false], 'a pause fills it, no further')
  t.equal(bucket.take(0), false, 'a clock set back fills nothing')
  t.equal(bucket.take(500), true, 'and goes on from there')
  t.end()
})

t.test('one key does not hurt another', t => {
  const limiter = new RateLimiter<string>({ burst: 2, perSecond: 1 }, 10)
  const flood = Array.from({ length: 100 }, () => limiter.take('flood', 0))
  t.equal(flood.filter(taken => taken).length, 2)
  t.equal(limiter.take('other', 0), true)
  t.end()
})

t.test('a million keys are forgotten again, one in use is not', t => {
  const limiter = new RateLimiter<string>({ burst: 2, perSecond: 0 }, 1000)
  let taken = 0
  for (let n = 0; n < 100_000; n++) {
    limiter.take(String(n), n)
    if (limiter.take('flood', n)) taken++
  }
  t.ok(limiter.size <= 2000, `${limiter.size} keys`)
  t.equal(taken, 2)
  t.end()
})

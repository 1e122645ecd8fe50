// The loop breaker: three loaders in two minutes and no script.
import t from 'tap'
import { LoaderLoop } from '../../src/dhcp/loader-loop.js'
import { mac, testMac } from '../helpers/dhcp.js'

const second = 1000

t.test('the third loader in two minutes breaks the loop, for that machine alone', t => {
  const loop = new LoaderLoop()
  t.same([0, 30, 60].map(at => loop.loaderSent(testMac, at * second)), [false, false, true])
  t.equal(loop.usesOther(testMac), true)
  t.equal(loop.usesOther(mac('52:54:00:00:00:99')), false)
  t.same([...loop.flipped], [testMac])
  t.end()
})

t.test('a script in between says that the loader works', t => {
  const loop = new LoaderLoop()
  t.equal(loop.loaderSent(testMac, 0), false)
  t.equal(loop.loaderSent(testMac, 1), false)
  loop.scriptFetched(testMac)
  t.equal(loop.loaderSent(testMac, 2), false)
  t.equal(loop.usesOther(testMac), false)
  t.end()
})

t.test('three loaders in more than two minutes are three boots', t => {
  const loop = new LoaderLoop()
  t.same([0, 60, 120, 180, 240].map(at => loop.loaderSent(testMac, at * second)), [false, false, false, false, false])
  t.end()
})

t.test('when the other one leads nowhere either it is the first again, and the count begins anew', t => {
  const loop = new LoaderLoop()
  t.same([0, 1, 2, 3, 4, 5].map(at => loop.loaderSent(testMac, at)), [false, false, true, false, false, true])
  t.equal(loop.usesOther(testMac), false)
  t.end()
})

t.test('what was learned is there after a restart', t => {
  const loop = new LoaderLoop({ flipped: [testMac] })
  t.equal(loop.usesOther(testMac), true)
  loop.scriptFetched(testMac)
  t.equal(loop.usesOther(testMac), true, 'a loader that works is kept')
  t.end()
})

t.test('many machines take little memory', t => {
  const loop = new LoaderLoop()
  for (let n = 0; n < 20_000; n++) loop.loaderSent(mac(`52:54:00:${[n >> 16, n >> 8 & 255, n & 255].map(b => b.toString(16).padStart(2, '0')).join(':')}`), n)
  t.equal(loop.flipped.size, 0)
  t.end()
})

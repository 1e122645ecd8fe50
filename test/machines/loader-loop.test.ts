// The loop breaker: three loaders in two minutes and no script.
import t from 'tap'
import { LoaderLoop } from '../../src/machines/loader-loop.js'
import { mac, testMac } from '../helpers/dhcp.js'

const second = 1000

t.test('the third loader in two minutes is one too many, for that machine alone', t => {
  const loop = new LoaderLoop()
  t.same([0, 30, 60].map(at => loop.loaderSent(testMac, at * second)), [false, false, true])
  t.equal(loop.loaderSent(mac('52:54:00:00:00:99'), 60 * second), false)
  t.end()
})

t.test('a script in between says that the loader works', t => {
  const loop = new LoaderLoop()
  t.equal(loop.loaderSent(testMac, 0), false)
  t.equal(loop.loaderSent(testMac, 1), false)
  loop.scriptFetched(testMac)
  t.equal(loop.loaderSent(testMac, 2), false)
  t.end()
})

t.test('three loaders in more than two minutes are three boots', t => {
  const loop = new LoaderLoop()
  t.same([0, 60, 120, 180, 240].map(at => loop.loaderSent(testMac, at * second)), [false, false, false, false, false])
  t.end()
})

t.test('after one too many the count begins anew', t => {
  const loop = new LoaderLoop()
  t.same([0, 1, 2, 3, 4, 5].map(at => loop.loaderSent(testMac, at)), [false, false, true, false, false, true])
  t.end()
})

t.test('of many machines the one not heard of for longest is forgotten', t => {
  const loop = new LoaderLoop()
  const other = (n: number): ReturnType<typeof mac> => mac(`02:00:00:${[n >> 16, n >> 8 & 255, n & 255].map(b => b.toString(16).padStart(2, '0')).join(':')}`)
  const send = (which: ReturnType<typeof mac>): boolean => loop.loaderSent(which, 0)
  send(testMac)
  send(testMac)
  for (let n = 0; n < 4095; n++) send(other(n))
  t.equal(send(testMac), true, 'that one still counts')
  send(testMac)
  send(testMac)
  for (let n = 0; n < 4096; n++) send(other(n))
  t.equal(send(testMac), false)
  t.end()
})

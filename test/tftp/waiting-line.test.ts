import t from 'tap'
import { forgottenAfter, mostWaiting, type WaitingItem, WaitingLine } from '../../src/tftp/waiting-line.js'

const of = (address: string, port = 1): WaitingItem => ({ key: `${address}:${port}`, address })
const anybody = (): boolean => true
const taken = (line: WaitingLine<WaitingItem>, isFree: (address: string) => boolean = anybody): string[] => {
  const keys: string[] = []
  for (let next = line.first(isFree); next !== undefined; next = line.first(isFree)) {
    line.remove(next)
    keys.push(next.key)
  }
  return keys
}

t.test('known machines first, then addresses in turn, and of each its requests as they came', async t => {
  const line = new WaitingLine<WaitingItem>()
  for (const port of [1, 2, 3]) line.put(of('a', port), false, 0)
  for (const port of [1, 2]) line.put(of('b', port), false, 0)
  line.put(of('c'), true, 0)
  t.equal(line.put(of('a', 1), false, 1), undefined, 'asked again, it keeps its turn')
  t.equal(line.size, 6)
  t.same(taken(line), ['c:1', 'a:1', 'b:1', 'a:2', 'b:2', 'a:3'])
  t.equal(line.size, 0)
})

t.test('an address that may not have more stands before nobody', async t => {
  const line = new WaitingLine<WaitingItem>()
  for (const address of ['a', 'b', 'a', 'c']) line.put(of(address, line.size), false, 0)
  t.same(taken(line, address => address !== 'a'), ['b:1', 'c:3'])
  t.same(taken(line), ['a:0', 'a:2'])
})

t.test('so many of an address and in all, and one more costs the eldest its turn', async t => {
  const line = new WaitingLine<WaitingItem>()
  for (let port = 0; port < mostWaiting.perAddress; port++) t.equal(line.put(of('a', port), false, port), undefined)
  line.put(of('a', 0), false, 1000)
  t.same(line.put(of('a', 9999), false, 1001), of('a', 1), 'the one that was not asked again for the longest time')
  t.equal(line.size, mostWaiting.perAddress)
  for (let n = line.size; n < mostWaiting.all; n++) line.put(of(`b${n}`), n % 2 === 0, 2000)
  t.equal(line.size, mostWaiting.all)
  t.same(line.put(of('c'), true, 3000), of('a', 2))
  t.equal(line.size, mostWaiting.all)

  const known = new WaitingLine<WaitingItem>()
  for (let n = 0; n < mostWaiting.all; n++) known.put(of(`b${n}`), true, n)
  t.same(known.put(of('c'), true, 20_000), of('b0'), 'a known one goes where there are no others')
})

t.test('known machines are not dropped for others', async t => {
  const line = new WaitingLine<WaitingItem>()
  line.put(of('known'), true, 0)
  for (let n = 0; n < 2 * mostWaiting.all; n++) line.put(of(`b${n}`), false, 1 + n)
  t.equal(line.size, mostWaiting.all)
  t.same(line.first(anybody), of('known'))
})

t.test('who does not ask again is forgotten', async t => {
  const line = new WaitingLine<WaitingItem>()
  line.put(of('a'), false, 0)
  line.put(of('b'), true, 0)
  line.put(of('c'), false, 0)
  line.put(of('a'), false, 10_000)
  t.same(line.forget(forgottenAfter - 1), [])
  t.same(line.forget(forgottenAfter), [of('b'), of('c')])
  t.same(line.forget(10_000 + forgottenAfter), [of('a')])
  t.same([line.size, line.first(anybody)], [0, undefined])
})

import t from 'tap'
import { EventLog, mostKept } from '../../src/control/event-log.js'

const dataOf = (text: string): string[] => [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => data)

t.test('a reader gets what it missed, once and in order', t => {
  const log = new EventLog('run1')
  const ids = ['a', 'b', 'c'].map(data => /^id: (.*)$/m.exec(log.add(data))?.[1] ?? '')
  t.same(ids, ['run1-1', 'run1-2', 'run1-3'])
  t.equal(log.here(), 'id: run1-3\n\n')
  t.equal(new EventLog('run1').here(), 'id: run1-0\n\n')
  t.same(dataOf(log.since('run1-1')), ['b', 'c'])
  t.equal(log.since('run1-3'), '')
  t.match(log.since('run1-0'), /^id: run1-1\ndata: a\n\n/)
  t.end()
})

t.test('what can not be resumed is said, and what there is comes after it', t => {
  const log = new EventLog('run2')
  log.add('a')
  for (const odd of ['run1-1', 'run2-99', 'run2--1', 'run2-1e3', '', 'x'.repeat(10_000), 'run2-1\n', '../run2-1', 'run2-999999999999999999']) {
    t.match(log.since(odd), /^event: gap\ndata: {"reason":"[^"]+another run[^"]+"}\n\nid: run2-1\ndata: a\n\n$/, odd.slice(0, 40))
  }
  t.end()
})

t.test('a flood takes so much memory, and says how many are gone', t => {
  const log = new EventLog('r')
  const count = 10_000
  for (let i = 0; i < count; i++) log.add(`${i} ${'x'.repeat(300)}`)
  const text = log.since('r-1')
  t.ok(text.length <= mostKept + 200, `${text.length}`)
  const [gap = '', ...rest] = dataOf(text)
  t.equal(Number(/(\d+) events are not kept/.exec(gap)?.[1]) + rest.length, count - 1)
  t.match(rest.at(-1), /^9999 x/)
  log.add('y')
  t.match(log.since(`r-${count}`), /^id: r-10001\ndata: y\n\n$/, 'the newest is always there')
  log.add('x'.repeat(2 * mostKept))
  t.match(log.since(`r-${count + 1}`), /1 event is not kept any more/, 'one that alone is too large is not kept')
  t.end()
})

t.test('so many octets are kept, and not one more; an event may have a name', t => {
  const log = new EventLog('r')
  t.equal(log.add('a', 'update'), 'id: r-1\nevent: update\ndata: a\n\n')
  const frame = 'id: r-2\ndata: \n\n'.length
  const room = mostKept - log.since('r-0').length
  log.add('x'.repeat(room - frame))
  t.equal(log.since('r-0').length, mostKept, 'to the octet')
  t.equal(dataOf(log.since('r-0')).length, 2)
  log.add('b')
  t.match(log.since('r-0'), /1 event is not kept/)
  t.same(dataOf(log.since('r-1')).map(({ length }) => length), [room - frame, 1])
  t.equal(log.since('r-3'), '')
  t.match(log.since('r-4'), /another run/)
  t.end()
})

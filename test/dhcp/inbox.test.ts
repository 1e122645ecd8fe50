// What waits to be answered, in turns of the real event loop: an answer that throws takes no other along.
import t from 'tap'
import { Inbox } from '../../src/dhcp/inbox.js'

t.test('one message that can not be answered leaves the others, and those that come later', async t => {
  let now = 0
  const answered: number[] = []
  let rest = (): void => {}
  const inbox = new Inbox<undefined>({
    steady: () => now,
    isKnown: () => false,
    onDropped: () => {},
    answer: data => {
      // Each takes a turn.
      now += 1000
      if (data[0] === 2) throw new Error('of an answer')
      answered.push(data[0]!)
      if (data[0] === 4) rest()
    }
  })
  const receive = (number: number): void => { inbox.receive(Buffer.from([number]), { address: '0.0.0.0', port: 68 }, undefined) }
  const thrown: string[] = []
  const caught = (error: Error): void => { thrown.push(error.message) }
  process.once('uncaughtException', caught)
  t.teardown(() => { process.off('uncaughtException', caught) })
  const over = new Promise<void>(resolve => { rest = resolve })
  for (const number of [1, 2, 3, 4]) receive(number)
  await over
  t.same([answered, thrown, inbox.waiting], [[1, 3, 4], ['of an answer'], 0])
})

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

t.test('machines that somebody named have their part of a turn that others made long', async t => {
  const mac = Buffer.from([0x52, 0x54, 0, 0, 0, 1])
  /** How many of those that wait are answered in the turn after one in which others took so many milliseconds. */
  const answeredAfter = async (held: number, isKnown: boolean): Promise<number> => {
    let now = 0
    let answered = 0
    const turns: number[] = []
    const inbox = new Inbox<undefined>({
      steady: () => now,
      isKnown: () => isKnown,
      onDropped: () => {},
      answer: () => {
        now += 1
        answered++
      }
    })
    for (let n = 0; n < 600; n++) {
      const data = Buffer.alloc(300)
      mac.copy(data, 28)
      data.writeUInt32BE(n, 28)
      inbox.receive(data, { address: '0.0.0.0', port: 68 }, undefined)
    }
    while (turns.length < 3) {
      const before = answered
      await new Promise(resolve => { setImmediate(resolve) })
      turns.push(answered - before)
      now += held
    }
    return turns[2]!
  }
  t.equal(await answeredAfter(0, true), 10)
  t.equal(await answeredAfter(60, true), 30)
  t.equal(await answeredAfter(1000, true), 100, 'no more: others wait too')
  t.equal(await answeredAfter(60, false), 4, 'strangers have no more of it')
})

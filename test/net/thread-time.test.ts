// The processor time of this thread, beside what the whole process has taken.
import t from 'tap'
import { threadSeconds } from '../../src/net/thread-time.js'

t.test('it grows with what this thread computes, in seconds', t => {
  const taken = (): number => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  }
  const [before, processBefore] = [threadSeconds(), taken()]
  let now = before
  for (let turns = 0; turns < 1e8 && !(now - before >= 0.05); turns++) now = threadSeconds()
  t.ok(now - before >= 0.05, `${now - before} s`)
  t.ok(now <= taken(), 'one thread of the process has taken no more than all')
  // The kernel tells of a process in whole microseconds, and of user and system apart.
  t.ok(taken() - processBefore >= 0.049, 'the process has taken it too')
  t.end()
})

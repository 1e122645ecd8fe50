// Looks at whether etcd is there: one at a time, sooner after a failure, and none after the end.
import t from 'tap'
import { Beat } from '../../src/cluster/beat.js'
import { FakeClock } from '../helpers/fake-clock.js'

function site ({ repeats = true, random = 0 } = {}) {
  const clock = new FakeClock()
  const failures: unknown[] = []
  const open: Array<(error?: Error) => void> = []
  let looks = 0
  const look = async (): Promise<void> => {
    looks++
    await new Promise<void>((resolve, reject) => {
      open.push(error => {
        if (error === undefined) resolve()
        else reject(error)
      })
    })
  }
  const beat = new Beat({ clock, repeats, random: () => random, look, onFailure: error => { failures.push(error) } })
  const end = async (error?: Error): Promise<void> => {
    open.shift()!(error)
    await beat.working
  }
  return { clock, beat, failures, end, looks: () => looks }
}

t.test('every two seconds, and never two at once', async t => {
  const { clock, beat, end, looks, failures } = site()
  beat.start()
  clock.advance(1999)
  t.equal(looks(), 0)
  clock.advance(1)
  t.equal(looks(), 1)
  clock.advance(10_000)
  await beat.now()
  t.equal(looks(), 1, 'one is under way')
  await end()
  clock.advance(2000)
  t.equal(looks(), 2)
  await end()
  t.same(failures, [])
  beat.close()
  await beat.now()
  t.same([looks(), clock.pending], [2, 0])
})

t.test('after a failure the next is soon, each pause twice the one before, until the beat is as soon', async t => {
  for (const [random, pauses] of [[0, [200, 400, 800, 1600]], [0.5, [300, 600, 1200, 2400]]] as const) {
    const { clock, beat, end, looks, failures } = site({ random })
    void beat.now()
    for (const [n, pause] of pauses.entries()) {
      await end(new Error(`${n}`))
      t.equal(clock.pending, 1)
      clock.advance(pause - 1)
      t.equal(looks(), n + 1)
      clock.advance(1)
      t.equal(looks(), n + 2, `${pause}`)
    }
    await end(new Error('last'))
    t.equal(clock.pending, 0, 'the beat comes as soon')
    t.equal(failures.length, 5)
    void beat.now()
    await end()
    void beat.now()
    await end(new Error('anew'))
    clock.advance(pauses[0])
    t.equal(looks(), 8, 'what went well begins anew')
    beat.close()
    await end(new Error('late'))
    t.equal(clock.pending, 0)
  }
})

t.test('who does not repeat tries once', async t => {
  const { clock, beat, end, failures } = site({ repeats: false })
  void beat.now()
  await end(new Error('no'))
  t.same([failures.length, clock.pending], [1, 0])
})

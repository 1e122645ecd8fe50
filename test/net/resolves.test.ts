import t from 'tap'
import { resolveProblem } from '../../src/net/resolves.js'
import { FakeClock } from '../helpers/fake-clock.js'

t.test('why a name leads nowhere', async t => {
  const clock = new FakeClock()
  const asked: string[] = []
  const answers: Readonly<Record<string, () => Promise<unknown>>> = {
    here: async () => ({ address: '10.0.0.1' }),
    absent: () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND absent'), { code: 'ENOTFOUND' })),
    odd: () => Promise.reject(new Error('odd')),
    silent: () => new Promise(() => {})
  }
  const problem = (name: string): Promise<string | undefined> => resolveProblem(name, clock, name => {
    asked.push(name)
    return answers[name]!()
  })
  for (const address of ['10.0.0.1', '::1', '[fe80::1]']) t.equal(await problem(address), undefined, address)
  t.same(asked, [], 'an address is asked of nobody')
  t.equal(await problem('here'), undefined)
  t.equal(await problem('absent'), 'ENOTFOUND')
  t.equal(await problem('odd'), 'odd')
  t.equal(clock.pending, 0)
  let told: string | undefined = 'nothing yet'
  const silent = problem('silent').then(found => { told = found })
  clock.advance(1999)
  await new Promise(resolve => setImmediate(resolve))
  t.equal(told, 'nothing yet')
  clock.advance(1)
  await silent
  t.equal(told, 'no answer within 2 s')
})

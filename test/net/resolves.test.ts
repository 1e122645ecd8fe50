import t from 'tap'
import type { AddressesOf } from '../../src/net/addresses-of.js'
import { NameError } from '../../src/net/name-servers.js'
import { resolveProblem } from '../../src/net/resolves.js'
import { FakeClock } from '../helpers/fake-clock.js'

t.test('why a name leads nowhere', async t => {
  const clock = new FakeClock()
  const asked: Array<readonly [name: string, patience: number | undefined]> = []
  const answers: Readonly<Record<string, ReturnType<AddressesOf>>> = {
    here: Promise.resolve([{ address: '10.0.0.1', family: 4 }]),
    absent: Promise.reject(new NameError('absent', 'ENOTFOUND', 'ENOTFOUND')),
    failing: Promise.reject(new NameError('failing', 'EAI_AGAIN', 'the name server 10.0.0.1 answers SERVFAIL')),
    odd: Promise.reject(new Error('odd'))
  }
  const problem = (name: string): Promise<string | undefined> => resolveProblem(name, clock, (name, { patience }) => {
    asked.push([name, patience])
    return answers[name]!
  })
  t.equal(await problem('here'), undefined)
  t.equal(await problem('absent'), 'ENOTFOUND')
  t.equal(await problem('failing'), 'the name server 10.0.0.1 answers SERVFAIL')
  t.equal(await problem('odd'), 'odd')
  t.same(asked[0], ['here', 2000])
  for (const address of ['10.0.0.1', '::1', '[fe80::1]']) t.equal(await resolveProblem(address, clock), undefined, address)
  t.equal(clock.pending, 0)
})

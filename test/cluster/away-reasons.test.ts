// Why etcd is away, as the log has it: each reason once, also one that comes up after the first, and no more than an operator reads.
import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import type { Logger } from '../../src/base/log.js'
import { SharedState } from '../../src/cluster/shared-state.js'
import type { EtcdClient } from '../../src/etcd/etcd-client.js'
import { FakeClock } from '../helpers/fake-clock.js'

function failing () {
  const clock = new FakeClock()
  const said: Array<readonly [string, string]> = []
  const log = pino({}, {
    write: (line: string) => {
      const { msg, error } = JSON.parse(line) as { msg: string, error?: string }
      if (error !== undefined) said.push([msg, error])
    }
  }) as Logger
  let failure = new AppError('etcd_away', 'time is up')
  const etcd = { call: () => Promise.reject(failure) } as unknown as EtcdClient
  const state = new SharedState({ etcd, prefix: '/p/', readOnly: false, clock, log, random: () => 0 })
  const fail = async (error: AppError): Promise<void> => {
    failure = error
    clock.advance(2000)
    await turn()
    await turn()
  }
  return { state, said, fail }
}

t.test('a reason that comes up later is told, once', async t => {
  const { state, said, fail } = failing()
  await state.start()
  t.same(said, [['cluster.away', 'time is up']])
  const certificate = new AppError('etcd_away', 'its certificate has expired')
  for (const error of [certificate, new AppError('etcd_away', 'time is up'), certificate, new AppError('etcd_refused', 'no right'), certificate]) await fail(error)
  t.same(said.slice(1), [['cluster.still_away', 'its certificate has expired'], ['cluster.refused', 'no right']])
  t.equal(state.standing.reason, 'its certificate has expired')
  await state.close()
})

t.test('reasons without end do not fill the log', async t => {
  const { state, said, fail } = failing()
  await state.start()
  for (let n = 0; n < 50; n++) await fail(new AppError('etcd_away', `reason ${n}`))
  t.equal(said.length, 8)
  await state.close()
})

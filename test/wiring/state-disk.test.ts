// A disk of the state that says nothing for a while, played: what is told of it, how often it is asked, and that it is asked no more.
import { stat } from 'node:fs/promises'
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { lookEvery } from '../../src/disk/disk-turns.js'
import { watchStateDisk } from '../../src/wiring/state-disk.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'

t.test('while it does not answer the service is not ready, and says so once', async t => {
  const loaded = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: ['state_path=/srv/state'] })
  const [clock, { stream, entries }] = [new FakeClock(), logLines()]
  const hindrances = new Map<string, string>()
  const asked: string[] = []
  let answer: (error?: Error) => void = () => {}
  const closers: Array<() => Promise<void>> = []
  watchStateDisk({ loaded, clock, log: createLog({ level: 'info', pretty: false, destination: stream }), hindrances, onClose: closer => { closers.push(closer) } }, async path => {
    asked.push(path)
    await new Promise<void>((resolve, reject) => {
      answer = error => {
        if (error === undefined) resolve()
        else reject(error)
      }
    })
  })
  // Each look asks another disk, which answers in its own time: it has when this one has been answered too.
  const pass = async (milliseconds: number): Promise<void> => {
    for (let passed = 0; passed < milliseconds; passed += lookEvery) {
      clock.advance(lookEvery)
      await stat('/')
      await stat('/')
    }
  }
  t.same(asked, [])
  await pass(3000)
  t.same(asked, ['/srv/state'])
  answer()
  await pass(3000)
  t.same([asked.length, hindrances.size], [2, 0], 'it is asked again every three seconds')
  answer(new Error('it is gone: whoever writes says so'))
  await pass(3000)
  t.same([asked.length, hindrances.size], [3, 0])
  while (hindrances.size === 0) await pass(lookEvery)
  await pass(9000)
  t.equal(asked.length, 3, 'who has not answered is not asked again')
  const problem = '--set state_path: state_path: /srv/state does not answer: is the disk or the server behind it there?: no address of a range is given, and nothing that is seen of machines is kept'
  t.same([...hindrances], [['state disk', problem]])
  answer()
  await pass(3000)
  t.equal(hindrances.size, 0)
  t.match(entries(), [{ level: 'warn', problem, msg: 'state.silent' }, { level: 'info', path: '/srv/state', msg: 'state.answers' }])
  t.equal(entries().length, 2)
  for (const closer of closers) await closer()
  answer()
  await pass(3000)
  t.equal(clock.pending, 0)
})

import t from 'tap'
import { Enroller, mostWaiting } from '../../src/machines/enroller.js'
import type { Group } from '../../src/matchbox/group.js'
import { mac } from '../helpers/dhcp.js'

const machine = mac('52:54:00:00:00:01')
const group = (id: string): Group => ({ id, name: id, profile: 'p', selector: new Map(), metadata: undefined })

t.test('each is decided when the one before is kept, and a disk that fails takes no number', async t => {
  const kept: Group[] = []
  const written: string[] = []
  let full = false
  const enroller = new Enroller({
    addGroup: async plan => {
      const one = await plan()
      await new Promise(resolve => { setImmediate(resolve) })
      if (full) throw new Error('no space left')
      if (one !== undefined) kept.push(one)
    },
    onWritten: (_, { id }, how) => { written.push(`${how} ${id}`) }
  })
  const next = async () => await enroller.write(machine, 'enrolled', async () => ({ group: group(`n${kept.length + 1}`) }))
  t.match(await Promise.all([next(), next(), next()]), [{ group: { id: 'n1' }, isNew: true }, { group: { id: 'n2' } }, { group: { id: 'n3' } }])
  full = true
  t.match(await next(), { refusal: /its group could not be written: no space left/ })
  full = false
  t.match(await next(), { group: { id: 'n4' } })
  t.match(await enroller.write(machine, 'adopted', async () => ({ refusal: 'no' })), { refusal: 'no' })
  t.match(await enroller.write(machine, 'adopted', async () => { throw new Error('unreadable') }), { refusal: /unreadable/ })
  t.match(await enroller.write(machine, 'enrolled', async () => group('there')), { group: { id: 'there' }, isNew: false })
  t.same(written, ['enrolled n1', 'enrolled n2', 'enrolled n3', 'enrolled n4'])
})

t.test('only so many wait', async t => {
  let release = (): void => {}
  const gate = new Promise<void>(resolve => { release = resolve })
  const enroller = new Enroller({ addGroup: async plan => { await plan(); await gate }, onWritten: () => {} })
  const all = Array.from({ length: mostWaiting }, () => enroller.write(machine, 'enrolled', async () => ({ group: group('a') })))
  t.match(await enroller.write(machine, 'enrolled', async () => ({ group: group('b') })), { refusal: /has to ask again/ })
  release()
  t.equal((await Promise.all(all)).filter(done => 'group' in done).length, mostWaiting)
  t.match(await enroller.write(machine, 'enrolled', async () => ({ group: group('b') })), { group: { id: 'b' } })
})

import t from 'tap'
import { DiskTurns } from '../../src/disk/disk-turns.js'
import { FakeClock } from '../helpers/fake-clock.js'

/** Operations that are answered by hand. */
function disk (): { readonly call: (name: string) => () => Promise<string>, readonly begun: readonly string[], readonly answer: (name: string) => Promise<void> } {
  const begun: string[] = []
  const open = new Map<string, () => void>()
  return {
    begun,
    call: name => () => {
      begun.push(name)
      return new Promise(resolve => { open.set(name, () => { resolve(name) }) })
    },
    answer: async name => {
      open.get(name)?.()
      await new Promise(resolve => { setImmediate(resolve) })
    }
  }
}

t.test('three at a time, the others in their order', async t => {
  const clock = new FakeClock()
  const turns = new DiskTurns('/mnt', clock)
  const { call, begun, answer } = disk()
  const asked = ['a', 'b', 'c', 'd', 'e'].map(name => turns.take(call(name)))
  t.same(begun, ['a', 'b', 'c'])
  await answer('b')
  t.same(begun, ['a', 'b', 'c', 'd'])
  for (const name of ['a', 'c', 'd', 'e']) await answer(name)
  t.same(await Promise.all(asked), ['a', 'b', 'c', 'd', 'e'])
  t.equal(clock.pending, 0, 'nothing is looked at any more')
})

t.test('a disk that answers nothing keeps three, and everybody else is told; what is owed waits for it', async t => {
  const clock = new FakeClock()
  const turns = new DiskTurns('/mnt', clock)
  const { call, begun, answer } = disk()
  const asked = ['a', 'b', 'c'].map(name => turns.take(call(name)))
  const [waiting, owed] = [turns.take(call('d')), turns.owe(async () => { await call('e')() })]
  clock.advance(4999)
  t.equal(turns.isSilent, false)
  clock.advance(1)
  t.equal(turns.isSilent, true)
  const silence = { code: 'read_failed', message: '/mnt does not answer: is the disk or the server behind it there?' }
  await t.rejects(waiting, silence)
  await t.rejects(turns.take(call('f')), silence)
  t.same(begun, ['a', 'b', 'c'])
  await answer('a')
  t.equal(turns.isSilent, false)
  t.same(begun, ['a', 'b', 'c', 'e'])
  for (const name of ['b', 'c', 'e']) await answer(name)
  t.same(await Promise.all(asked), ['a', 'b', 'c'])
  await owed
  t.equal(await turns.take(async () => 'g'), 'g')
  t.equal(clock.pending, 0)
})

t.test('a disk that is slow is none that is silent; an operation that fails gives its turn on', async t => {
  const clock = new FakeClock()
  const turns = new DiskTurns('/mnt', clock)
  const { call, answer } = disk()
  const names = Array.from({ length: 20 }, (_, i) => String(i))
  const asked = names.map(name => turns.take(call(name)))
  for (const name of names) {
    clock.advance(4000)
    await answer(name)
  }
  t.same(await Promise.all(asked), names)
  for (let i = 0; i < 5; i++) await t.rejects(turns.take(async () => { throw new Error('EIO') }), { message: 'EIO' })
  t.equal(clock.pending, 0)
})

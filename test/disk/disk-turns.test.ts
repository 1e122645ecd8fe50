import t from 'tap'
import { DiskTurns, turnsAtOnce } from '../../src/disk/disk-turns.js'
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

const tick = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })

/** Each look at the disk goes by what another one says. */
const elsewhere = async (): Promise<void> => {}
async function pass (clock: FakeClock, milliseconds: number): Promise<void> {
  for (let left = milliseconds; left > 0; left -= 100) {
    clock.advance(Math.min(left, 100))
    await tick()
  }
}

t.test('three at a time, the others in their order', async t => {
  const clock = new FakeClock()
  const turns = new DiskTurns('/mnt', clock, turnsAtOnce, elsewhere)
  const { call, begun, answer } = disk()
  const asked = ['a', 'b', 'c', 'd', 'e'].map(name => turns.take(call(name)))
  t.same(begun, ['a', 'b', 'c'])
  await answer('b')
  t.same(begun, ['a', 'b', 'c', 'd'])
  for (const name of ['a', 'c', 'd', 'e']) await answer(name)
  t.same(await Promise.all(asked), ['a', 'b', 'c', 'd', 'e'])
  t.equal(clock.pending, 0, 'nothing is looked at any more')
})

t.test('what is owed goes before all others', async t => {
  const turns = new DiskTurns('/mnt', new FakeClock(), 1, elsewhere)
  const { call, begun, answer } = disk()
  const asked = ['a', 'b', 'c'].map(name => turns.take(call(name)))
  const owed = ['d', 'e'].map(name => turns.owe(call(name)))
  for (const name of ['a', 'd', 'e', 'b', 'c']) await answer(name)
  await Promise.all([...asked, ...owed])
  t.same(begun, ['a', 'd', 'e', 'b', 'c'])
})

t.test('whom nobody waits for loses its turn, so many in a turn of the event loop; what is owed is done', async t => {
  const clock = new FakeClock()
  const turns = new DiskTurns('/mnt', clock, 1, elsewhere)
  const { call, begun, answer } = disk()
  let isWanted = true
  const first = turns.take(call('a'))
  const gone = Array.from({ length: 100 }, (_, n) => turns.take(call(`gone ${n}`), () => isWanted))
  const told = gone.map(async turn => await t.rejects(turn, { code: 'read_failed', message: 'nobody waits for it any more' }))
  const owed = turns.owe(async () => { await call('owed')() })
  const last = turns.take(call('z'), () => true)
  isWanted = false
  await answer('a')
  t.same(begun, ['a', 'owed'])
  await answer('owed')
  t.same(begun, ['a', 'owed'], 'not all in one turn')
  await Promise.all(told)
  await tick()
  await answer('z')
  t.same(await Promise.all([first, owed, last]), ['a', undefined, 'z'])
  t.same(begun, ['a', 'owed', 'z'])
  t.equal(clock.pending, 0, 'the turn was given back')
})

t.test('a disk that answers nothing keeps three, and everybody else is told; what is owed waits for it', async t => {
  const clock = new FakeClock()
  const turns = new DiskTurns('/mnt', clock, turnsAtOnce, elsewhere)
  const { call, begun, answer } = disk()
  const asked = ['a', 'b', 'c'].map(name => turns.take(call(name)))
  const [waiting, owed] = [turns.take(call('d')), turns.owe(async () => { await call('e')() })]
  const silence = { code: 'read_failed', message: '/mnt does not answer: is the disk or the server behind it there?' }
  const refused = t.rejects(waiting, silence)
  await pass(clock, 4999)
  t.equal(turns.isSilent, false)
  await pass(clock, 1)
  t.equal(turns.isSilent, true)
  await refused
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
  const turns = new DiskTurns('/mnt', clock, turnsAtOnce, elsewhere)
  const { call, answer } = disk()
  const names = Array.from({ length: 20 }, (_, i) => String(i))
  const asked = names.map(name => turns.take(call(name)))
  for (const name of names) {
    await pass(clock, 4000)
    await answer(name)
  }
  t.same(await Promise.all(asked), names)
  for (let i = 0; i < 5; i++) await t.rejects(turns.take(async () => { throw new Error('EIO') }), { message: 'EIO' })
  t.equal(clock.pending, 0)
})

t.test('a disk is not silent as long as no other answers either; one that fails has answered', async t => {
  const clock = new FakeClock()
  let answer = (): void => {}
  const turns = new DiskTurns('/mnt', clock, turnsAtOnce, () => new Promise((_resolve, reject) => { answer = () => { reject(new Error('EIO')) } }))
  const asked = turns.take(() => new Promise<void>(() => {}))
  await pass(clock, 60_000)
  t.equal(turns.unanswered, 0, 'the machine is too busy to ask')
  for (let looks = 1; looks <= 50; looks++) {
    answer()
    await tick()
    t.equal(turns.unanswered, looks)
    t.equal(turns.isSilent, looks === 50)
    await pass(clock, 100)
  }
  t.ok(asked)
})

t.test('what was answered during a look counts; a look that ends when nothing is asked any more does not', async t => {
  const clock = new FakeClock()
  let looked = (): void => {}
  const turns = new DiskTurns('/mnt', clock, turnsAtOnce, () => new Promise<void>(resolve => { looked = resolve }))
  const { call, answer } = disk()
  const asked = ['a', 'b'].map(name => turns.take(call(name)))
  await pass(clock, 100)
  await answer('a')
  looked()
  await pass(clock, 99)
  t.equal(turns.unanswered, 0)
  await pass(clock, 1)
  await answer('b')
  looked()
  await pass(clock, 1)
  t.equal(turns.unanswered, 0)
  t.same(await Promise.all(asked), ['a', 'b'])
  t.equal(clock.pending, 0)
})

t.test('who waits until it is silent goes on then, and what fails after that ends nothing', async t => {
  const clock = new FakeClock()
  const turns = new DiskTurns('/mnt', clock, turnsAtOnce, elsewhere)
  const { call, answer } = disk()
  const failing = async (name: string): Promise<never> => await call(name)().then(() => { throw new Error('EIO') })
  const [before, after] = [turns.untilSilent(turns.owe(() => failing('a'))), turns.untilSilent(turns.owe(call('b')))]
  const refused = t.rejects(before, { message: 'EIO' })
  await answer('a')
  await refused
  await pass(clock, 5000)
  t.equal(await after, false)
  const late = turns.owe(() => failing('c'))
  t.equal(await turns.untilSilent(late), false, 'silent already')
  // What nobody hears is an error of this process, and of the test.
  for (const name of ['b', 'c']) await answer(name)
  t.equal(turns.isSilent, false)
  const answered = turns.untilSilent(turns.owe(call('d')))
  await answer('d')
  t.equal(await answered, true)
  t.equal(clock.pending, 0)
})

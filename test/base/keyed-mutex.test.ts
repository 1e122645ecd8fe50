import t from 'tap'
import { KeyedMutex } from '../../src/base/keyed-mutex.js'

t.test('on one thing in order, on different ones side by side', async t => {
  const mutex = new KeyedMutex()
  const order: string[] = []
  const ends = new Map<string, () => void>()
  const work = (name: string) => async (): Promise<void> => {
    order.push(`${name} begins`)
    await new Promise<void>(resolve => { ends.set(name, resolve) })
    order.push(`${name} ends`)
  }
  const end = async (name: string, done: Promise<void>): Promise<void> => {
    ends.get(name)!()
    await done
  }
  const [a, b, c] = [mutex.run('x', work('a')), mutex.run('x', work('b')), mutex.run('y', work('c'))]
  await new Promise(resolve => setImmediate(resolve))
  t.same(order, ['a begins', 'c begins'])
  t.same(['x', 'y', 'z'].map(key => mutex.isBusy(key)), [true, true, false])
  let isIdle = false
  const idle = mutex.idle().then(() => { isIdle = true })
  await end('c', c)
  t.same(['x', 'y'].map(key => mutex.isBusy(key)), [true, false])
  await end('a', a)
  await new Promise(resolve => setImmediate(resolve))
  t.equal(order.at(-1), 'b begins')
  t.equal(mutex.isBusy('x'), true, 'another waited')
  t.equal(isIdle, false)
  await end('b', b)
  await idle
  t.equal(mutex.isBusy('x'), false)
})

t.test('work that fails is told to who asked for it, and holds up nobody', async t => {
  const mutex = new KeyedMutex()
  const failed = mutex.run('x', async () => { throw new Error('no') })
  let done = false
  const next = mutex.run('x', async () => { done = true })
  await t.rejects(failed, { message: 'no' })
  await next
  t.equal(done, true)
  t.equal(mutex.isBusy('x'), false)
  await mutex.idle()
})

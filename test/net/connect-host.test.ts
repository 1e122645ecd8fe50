import { type NetConnectOpts, Socket } from 'node:net'
import t, { type Test } from 'tap'
import { connectHost, mostAddresses, mostAttempts } from '../../src/net/connect-host.js'
import { FakeClock } from '../helpers/fake-clock.js'

/** Connections that come to nothing by themselves. */
function dialled (t: Test): { readonly sockets: Socket[], readonly dial: (options: NetConnectOpts) => Socket } {
  const sockets: Socket[] = []
  t.teardown(() => { for (const socket of sockets) socket.destroy() })
  return {
    sockets,
    dial: () => {
      const socket = new Socket()
      sockets.push(socket)
      return socket
    }
  }
}

const turn = async (): Promise<void> => { await new Promise(resolve => { setImmediate(resolve) }) }
const many = (count: number) => async () => Array.from({ length: count }, (_, n) => ({ address: `10.0.${n >> 8}.${n & 255}`, family: 4 }))

t.test('eight addresses are tried at once, the first gives way to the ninth, and all are closed at the end', async t => {
  const clock = new FakeClock()
  const { sockets, dial } = dialled(t)
  const connecting = connectHost('many.test', 80, { clock, timeout: 5000, signal: new AbortController().signal, resolve: many(20) }, dial as never)
  await turn()
  clock.advance(250 * (mostAttempts - 1))
  t.equal(sockets.filter(({ destroyed }) => !destroyed).length, mostAttempts)
  clock.advance(250)
  t.same(sockets.map(({ destroyed }) => destroyed), [true, ...Array.from({ length: mostAttempts }, () => false)])
  clock.advance(5000)
  await t.rejects(connecting, { code: 'ETIMEDOUT' })
  t.ok(sockets.every(({ destroyed }) => destroyed))
  t.equal(clock.pending, 0)
})

t.test('128 addresses of a name are tried, and no more', async t => {
  const clock = new FakeClock()
  const { sockets, dial } = dialled(t)
  const connecting = connectHost('many.test', 80, { clock, timeout: 5000, signal: new AbortController().signal, resolve: many(mostAddresses + 1) }, dial as never)
  await turn()
  const refused = t.rejects(connecting, { code: 'ECONNREFUSED' })
  for (let n = 0; n < sockets.length; n++) sockets[n]?.emit('error', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
  await refused
  t.equal(sockets.length, mostAddresses)
  t.equal(clock.pending, 0)
})

// Datagrams sent without Node's own way: from a descriptor made elsewhere, on loopback.
import t from 'tap'
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { kernelUdp } from '../../src/net/udp.js'

const heard = async (count: number): Promise<{ readonly port: number, readonly texts: Promise<readonly string[]>, readonly close: () => Promise<void> }> => {
  const found: string[] = []
  let done: (texts: readonly string[]) => void = () => {}
  const texts = new Promise<readonly string[]>(resolve => { done = resolve })
  const socket = await kernelUdp.bind({ address: '127.0.0.1', port: 0 }, data => { if (found.push(data.toString()) === count) done(found) })
  return { port: socket.local.port, texts, close: () => socket.close() }
}

const skip = process.getuid?.() === 0 ? false : 'needs root for SO_BINDTODEVICE'

t.test('the memory is the sender\'s again at once, and a refusal is told', { skip }, async t => {
  const hearer = await heard(3)
  t.teardown(() => hearer.close())
  const socket = await kernelUdp.bind({ address: '0.0.0.0', port: 0, fd: openDeviceSocket('lo', 0), broadcast: true }, () => {})
  const memory = Buffer.from('one')
  const to = { address: '127.0.0.1', port: hearer.port }
  for (const text of ['one', 'two', 'six']) {
    memory.write(text)
    t.equal(socket.sendNow?.(memory, to), null)
  }
  t.same(await hearer.texts, ['one', 'two', 'six'])
  t.match(socket.sendNow?.(Buffer.alloc(70_000), to), { message: 'send EMSGSIZE' })
  t.match(socket.sendNow?.(memory, { address: 'somewhere', port: 1 }), { message: 'somewhere is no IPv4 address' })
  await socket.close()
  t.match(socket.sendNow?.(memory, to), { message: 'the socket is closed' }, 'its descriptor may be another\'s by now')
})

t.test('a socket that Node made has only Node\'s way', async t => {
  const socket = await kernelUdp.bind({ address: '127.0.0.1', port: 0 }, () => {})
  t.equal(socket.sendNow, undefined)
  await socket.close()
})

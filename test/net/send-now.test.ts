// Datagrams sent without Node's own way: from a descriptor made elsewhere, on loopback.
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { messageOf } from '../../src/base/errors.js'
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { kernelUdp } from '../../src/net/udp.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { able, needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

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

t.test('a window in one call: its datagrams arrive one by one, in their order, whatever else is sent between', async t => {
  const window = Buffer.from('aaaabbbbccccdd')
  const parts = [window.subarray(0, 4), window.subarray(4, 8), window.subarray(8, 12), window.subarray(12)]
  const apart = [Buffer.from('apart'), Buffer.from('away!'), Buffer.from('x')]
  const many = Array.from({ length: 200 }, (_, n) => Buffer.from(String(n).padStart(3, '0')))
  const together = Buffer.concat(many)
  const sent = [...parts, ...apart, Buffer.from('longer than the pieces'), ...many]
  const hearer = await heard(sent.length)
  t.teardown(() => hearer.close())
  const socket = await kernelUdp.bind({ address: '127.0.0.1', port: 0, direct: true }, () => {})
  t.teardown(() => socket.close())
  const to = { address: '127.0.0.1', port: hearer.port }
  socket.sendAll?.(parts, to)
  socket.sendAll?.(apart, to)
  t.equal(socket.sendNow?.(sent[7]!, to), null, 'longer than what the kernel cuts into')
  socket.sendAll?.(many.map((_, n) => together.subarray(n * 3, n * 3 + 3)), to)
  t.same(await hearer.texts, sent.map(String))
})

t.test('what the kernel has no room for goes later, as it was', async t => {
  const problem = namespaceProblem()
  if (!able(t, problem) || !needs(t, 'tc')) return
  const network = new NetworkNamespace()
  t.teardown(async () => { await network.close() })
  // What waits in its queue is the sender's, who may have 212,992 octets there (net.core.wmem_default).
  try {
    network.exec('tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'tbf', 'rate', '20mbit', 'burst', '3kb', 'limit', '2mb')
  } catch (error) {
    able(t, `no link can be made narrow here: ${messageOf(error)}`)
    return
  }
  const program = fileURLToPath(new URL('../helpers/narrow-link.ts', import.meta.url))
  const printed = await network.spawn(process.execPath, typescript, program, '400').line(/^\[/)
  // Those that had to wait come behind others that were sent later.
  t.same((JSON.parse(printed) as number[]).sort((a, b) => a - b), Array.from({ length: 400 }, (_, n) => n))
})

t.test('a socket of much traffic hears all that waits, and is deaf when it was closed by what it heard', async t => {
  const found: string[] = []
  let done = (): void => {}
  const all = new Promise<void>(resolve => { done = resolve })
  const socket = await kernelUdp.bind({ address: '127.0.0.1', port: 0, direct: true, receiveBuffer: 65536 }, (data, from) => {
    found.push(`${data.toString()} ${from.address} ${from.port === sender.local.port}`)
    if (found.length === 100) {
      void socket.close()
      done()
    }
  })
  const sender = await kernelUdp.bind({ address: '127.0.0.1', port: 0, direct: true }, () => {})
  t.teardown(() => sender.close())
  for (let n = 0; n < 150; n++) sender.sendNow?.(Buffer.from(String(n)), socket.local)
  await all
  await new Promise(resolve => { setImmediate(resolve) })
  t.same(found, Array.from({ length: 100 }, (_, n) => `${n} 127.0.0.1 true`))
})

t.test('an address that is taken, or not here, is told of as by Node', async t => {
  const socket = await kernelUdp.bind({ address: '127.0.0.1', port: 0, direct: true }, () => {})
  t.teardown(() => socket.close())
  await t.rejects(kernelUdp.bind({ ...socket.local, direct: true }, () => {}), { code: 'address_in_use' })
  await t.rejects(kernelUdp.bind({ address: '203.0.113.1', port: 0, direct: true }, () => {}), { code: 'address_not_here' })
})

t.test('of several, each that the kernel refuses is told', async t => {
  const socket = await kernelUdp.bind({ address: '127.0.0.1', port: 0, direct: true }, () => {})
  t.teardown(() => socket.close())
  const refused: string[] = []
  const window = Buffer.alloc(4)
  // From loopback no other network is reached.
  socket.sendAll!([window.subarray(0, 2), window.subarray(2)], { address: '203.0.113.1', port: 9 }, error => { refused.push(error.message) })
  t.same(refused, ['send EINVAL', 'send EINVAL'])
})

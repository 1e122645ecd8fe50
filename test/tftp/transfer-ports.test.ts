import t from 'tap'
import type { Endpoint } from '../../src/net/endpoint.js'
import type { UdpSocket } from '../../src/net/udp.js'
import { type TransferPort, TransferPorts } from '../../src/tftp/transfer-ports.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { FakeUdp } from '../helpers/fake-udp.js'

const here = '192.0.2.1'
const client = (port: number): Endpoint => ({ address: '192.0.2.9', port })

async function set (): Promise<{
  readonly udp: FakeUdp,
  readonly clock: FakeClock,
  readonly ports: TransferPorts,
  readonly foreign: string[],
  readonly heard: string[]
  readonly take: (port: number) => Promise<TransferPort>
  readonly say: (from: number, text: string, to: TransferPort) => Promise<void>
}> {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  const foreign: string[] = []
  const heard: string[] = []
  const ports = new TransferPorts({ network: udp.host(here), clock, onUnserved: (data, from, _socket, wasServed) => { if (!wasServed) foreign.push(`${from.port} ${data.toString()}`) } })
  const mouths = new Map<number, UdpSocket>()
  return {
    udp,
    clock,
    ports,
    foreign,
    heard,
    take: async port => await ports.take(here, client(port), data => { heard.push(`${port} ${data.toString()}`) }),
    say: async (from, text, to) => {
      const mouth = mouths.get(from) ?? await udp.host('192.0.2.9').bind({ address: '0.0.0.0', port: from }, () => {})
      mouths.set(from, mouth)
      mouth.send(Buffer.from(text), to.socket.local)
      await udp.settle()
    }
  }
}

t.test('few transfers have a port each, a crowd shares', async t => {
  const { udp, take, say, heard, foreign, ports } = await set()
  const few = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(take))
  t.equal(new Set(few.map(({ socket }) => socket.local.port)).size, 8)
  t.ok(few.every(({ socket }) => socket.local.address === here))
  const many = await Promise.all(Array.from({ length: 16 }, async (_, i) => await take(9 + i)))
  t.equal(udp.open, 8)
  const crowd = new Map<number, number>()
  for (const { socket: { local } } of [...few, ...many]) crowd.set(local.port, (crowd.get(local.port) ?? 0) + 1)
  t.same([...crowd.values()], Array(8).fill(3), 'as many on each')
  await say(9, 'a', many[0]!)
  await say(10, 'b', many[1]!)
  await say(99, 'c', many[1]!)
  t.same(heard, ['9 a', '10 b'], 'each hears its own client')
  t.same(foreign, ['99 c'])
  await ports.close()
})

t.test('after a transfer', async t => {
  const { udp, clock, take, say, heard, foreign, ports } = await set()
  const first = await take(1)
  first.release()
  await say(1, 'the last ACK again', first)
  t.same([heard, foreign], [[], []], 'who has just left is neither heard nor foreign')
  t.equal((await take(2)).socket, first.socket, 'the socket serves the next client')

  const used = new Set([first.socket.local.port])
  for (let i = 0; i < 7; i++) {
    const next = await take(1)
    used.add(next.socket.local.port)
    clock.advance(1)
    next.release()
  }
  t.equal(used.size, 8, 'the same client gets others')
  const again = await take(1)
  t.equal(again.socket, first.socket, 'and then the one it left longest ago')
  again.release()
  again.release()

  clock.advance(3000)
  ports.tick(clock.now())
  await udp.settle()
  t.equal(udp.open, 1 + 1, 'what nobody uses is closed')
  await say(1, 'much later', first)
  t.same(foreign, ['1 much later'])
  await ports.close()
  t.equal(udp.open, 1)
  t.ok(ports.empty)
})

t.test('a client that begins anew on the port it has', async t => {
  const { take, say, heard, ports } = await set()
  const taken = await Promise.all(Array.from({ length: 9 }, async () => await take(1)))
  const old = taken[0]!
  const current = taken.slice(1).find(({ socket }) => socket === old.socket) ?? old
  old.release()
  await say(1, 'x', current)
  t.same(heard, current === old ? [] : ['1 x'], 'the end of the old transfer takes nothing from the new one')
  await ports.close()
})

t.test('a crowd of former clients is forgotten, the first first', async t => {
  const { take, say, foreign, heard, ports } = await set()
  const stays = await take(1)
  const gone: TransferPort[] = []
  for (let port = 1001; port < 1001 + 8 * 1100; port++) {
    const one = await take(port)
    if (port < 1003 || port > 9798) gone.push(one)
    one.release()
  }
  await say(1001, 'old', gone[0]!)
  await say(9800, 'new', gone.at(-1)!)
  await say(1, 'hello', stays)
  t.same(foreign, ['1001 old'])
  t.same(heard, ['1 hello'])
  await ports.close()
})

t.test('no socket to be had', async t => {
  let failing = true
  const udp = new FakeUdp()
  const network = {
    bind: async (...args: Parameters<ReturnType<FakeUdp['host']>['bind']>) => {
      if (failing) throw new Error('EMFILE')
      return await udp.host(here).bind(...args)
    }
  }
  const clock = new FakeClock()
  const ports = new TransferPorts({ network, clock, onUnserved: () => {} })
  await t.rejects(ports.take(here, client(1), () => {}), { message: 'EMFILE' })
  failing = false
  const port = await ports.take(here, client(2), () => {})
  t.equal(udp.open, 1, 'the next one gets one')
  port.release()
  await ports.close()
  t.equal(udp.open, 0)
})

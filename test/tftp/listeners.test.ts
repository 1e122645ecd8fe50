import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import { createLog } from '../../src/base/log.js'
import type { UdpNetwork } from '../../src/net/udp.js'
import { listen } from '../../src/tftp/listeners.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { FakeUdp } from '../helpers/fake-udp.js'
import { logLines } from '../helpers/log-lines.js'

const silent = createLog({ level: 'error', pretty: false, destination: process.stderr })
const bound = (addresses: ReadonlyArray<{ address: string, port: number }>): string[] => addresses.map(a => `${a.address}:${a.port}`)

t.test('every address of the machine, as they come and go', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  let here = ['127.0.0.1', '192.0.2.1']
  const heard: string[] = []
  const lines = logLines()
  const listeners = await listen({ address: '0.0.0.0', port: 69 }, {
    network: udp.host('192.0.2.1'),
    clock,
    log: createLog({ level: 'info', pretty: false, destination: lines.stream }),
    localAddresses: () => here,
    onDatagram: (data, from, socket) => { heard.push(`${data.toString()} from ${from.address} to ${socket.local.address}`) }
  })
  t.same(bound(listeners.addresses), ['127.0.0.1:69', '192.0.2.1:69'])
  here = ['127.0.0.1', '198.51.100.7']
  clock.advance(5000)
  await udp.settle()
  t.same(bound(listeners.addresses), ['127.0.0.1:69', '198.51.100.7:69'])
  t.same(lines.entries().map(({ msg, address }) => `${String(msg)} ${String(address)}`), ['tftp.address-gone 192.0.2.1', 'tftp.address-new 198.51.100.7'])
  const client = await udp.host('192.0.2.9').bind({ address: '0.0.0.0', port: 0 }, () => {})
  client.send(Buffer.from('hello'), { address: '198.51.100.7', port: 69 })
  client.send(Buffer.from('hello'), { address: '192.0.2.1', port: 69 })
  await udp.settle()
  t.same(heard, ['hello from 192.0.2.9 to 198.51.100.7'])
  await client.close()
  await listeners.close()
  t.equal(udp.open, 0)
  t.equal(clock.pending, 0)
})

t.test('when the kernel does not say its addresses, the sockets stay and the next scan may be told', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  const lines = logLines()
  let here = (): readonly string[] => ['127.0.0.1']
  const listeners = await listen({ address: '0.0.0.0', port: 69 }, {
    network: udp.host('127.0.0.1'), clock, log: createLog({ level: 'warn', pretty: false, destination: lines.stream }), localAddresses: () => here(), onDatagram: () => {}
  })
  here = () => { throw new Error('uv_interface_addresses returned Unknown system error 24') }
  for (let scans = 0; scans < 3; scans++) {
    clock.advance(5000)
    await udp.settle()
  }
  t.same(bound(listeners.addresses), ['127.0.0.1:69'])
  here = () => ['127.0.0.1', '192.0.2.1']
  clock.advance(5000)
  await udp.settle()
  t.same(bound(listeners.addresses), ['127.0.0.1:69', '192.0.2.1:69'])
  t.same(lines.entries().map(({ msg }) => msg), ['tftp.addresses-unknown'], 'said once')
  await listeners.close()
})

t.test('closing waits for an address that is being bound, and binds no other', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  const host = udp.host('127.0.0.1')
  let here = ['127.0.0.1']
  let binds = 0
  let go = (): void => {}
  const network: UdpNetwork = {
    bind: async (...args) => {
      if (binds++ > 0) await new Promise<void>(resolve => { go = resolve })
      return await host.bind(...args)
    }
  }
  const listeners = await listen({ address: '0.0.0.0', port: 69 }, { network, clock, log: silent, localAddresses: () => here, onDatagram: () => {} })
  here = ['127.0.0.1', '192.0.2.1']
  clock.advance(5000)
  await udp.settle()
  // A look that was due when it closed, after the one that is under way.
  here = ['127.0.0.1', '192.0.2.1', '192.0.2.2']
  clock.advance(5000)
  let isClosed = false
  const closing = listeners.close().then(() => { isClosed = true })
  await udp.settle()
  t.notOk(isClosed)
  go()
  await closing
  t.equal(udp.open, 0)
  t.equal(binds, 2)
})

t.test('a start that fails half-way leaves nothing behind', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  const network = udp.host('192.0.2.1')
  const other = await network.bind({ address: '192.0.2.1', port: 69 }, () => {})
  const dependencies = { network, clock, log: silent, localAddresses: () => ['127.0.0.1', '192.0.2.1'], onDatagram: () => {} }
  await t.rejects(listen({ address: '0.0.0.0', port: 69 }, dependencies), { code: 'address_in_use' })
  await t.rejects(listen({ address: '192.0.2.1', port: 69 }, dependencies), { code: 'address_in_use' })
  t.equal(udp.open, 1)
  t.equal(clock.pending, 0)
  await other.close()
  await t.rejects(listen({ address: '0.0.0.0', port: 69 }, { ...dependencies, localAddresses: () => [] }), { code: 'address_not_here' })
})

t.test('without a descriptor left to ask the kernel with, the sockets stay as they are', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  const network = udp.host('192.0.2.1')
  let here = (): string[] => ['127.0.0.1']
  const listeners = await listen({ address: '0.0.0.0', port: 69 }, { network, clock, log: silent, localAddresses: () => here(), onDatagram: () => {} })
  here = () => { throw new AppError('socket_failed', 'cannot ask for this machine\'s addresses: EMFILE') }
  clock.advance(15_000)
  await udp.settle()
  t.same(bound(listeners.addresses), ['127.0.0.1:69'])
  here = () => ['127.0.0.1', '192.0.2.1']
  clock.advance(5000)
  await udp.settle()
  t.equal(listeners.addresses.length, 2, 'and follow it again when it answers')
  await listeners.close()
})

t.test('an address that is gone between being listed and being bound is passed over', async t => {
  const bind = async (): Promise<never> => { throw new AppError('address_not_here', 'no interface has that address') }
  const udp = new FakeUdp()
  const host = udp.host('127.0.0.1')
  const network = { bind: async (...args: Parameters<typeof host.bind>) => args[0].address === '192.0.2.1' ? await bind() : await host.bind(...args) }
  const listeners = await listen({ address: '0.0.0.0', port: 69 },
    { network, clock: new FakeClock(), log: silent, localAddresses: () => ['127.0.0.1', '192.0.2.1'], onDatagram: () => {} })
  t.same(bound(listeners.addresses), ['127.0.0.1:69'])
  await listeners.close()
})

t.test('an address that cannot be had later is tried again', async t => {
  const udp = new FakeUdp()
  const clock = new FakeClock()
  const network = udp.host('192.0.2.1')
  let here = ['127.0.0.1']
  const listeners = await listen({ address: '0.0.0.0', port: 69 }, { network, clock, log: silent, localAddresses: () => here, onDatagram: () => {} })
  const other = await network.bind({ address: '192.0.2.1', port: 69 }, () => {})
  here = ['127.0.0.1', '192.0.2.1']
  clock.advance(5000)
  await udp.settle()
  t.equal(listeners.addresses.length, 1)
  await other.close()
  clock.advance(5000)
  await udp.settle()
  t.equal(listeners.addresses.length, 2)
  await listeners.close()
  t.equal(udp.open, 0)
})

t.test('a descriptor from systemd is one socket, wherever it is bound', async t => {
  const asked: unknown[] = []
  const network: UdpNetwork = {
    bind: async options => {
      asked.push(options)
      return { local: { address: '0.0.0.0', port: 69 }, send: () => {}, close: async () => {} }
    }
  }
  const listeners = await listen({ address: '0.0.0.0', port: 69, sockets: [{ address: '0.0.0.0', port: 69, fd: 3 }] }, { network, clock: new FakeClock(), log: silent, onDatagram: () => {} })
  t.match(asked, [{ fd: 3 }])
  t.same(bound(listeners.addresses), ['0.0.0.0:69'])
  await listeners.close()
})

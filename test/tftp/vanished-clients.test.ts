// Clients that ask and are never heard of again must leave nothing behind. VANISHED sets how many.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { encodePacket } from '../../src/tftp/packet.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { FakeUdp } from '../helpers/fake-udp.js'
import { memoryFiles, serve } from '../helpers/tftp-server.js'

const clients = Number(process.env.VANISHED ?? 10_000)

t.test(`${clients} of them`, async t => {
  const udp = new FakeUdp({ seed: 0 }, { record: false })
  const clock = new FakeClock()
  const counts: Record<string, number> = {}
  const { server, events } = await serve(udp.host('192.0.2.1'), clock, memoryFiles({ a: Buffer.alloc(100_000) }), { address: '192.0.2.1', port: 69 }, {
    onEvent: ({ type }) => { counts[type] = (counts[type] ?? 0) + 1 }
  })
  const request = encodePacket({ opcode: 'RRQ', filename: 'a', mode: 'octet', options: [['blksize', '1468'], ['windowsize', '32']] })
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // The memory of buffers is given back beside the collector, some turns after it.
  const used = async (): Promise<number> => {
    let least = Infinity
    for (let i = 0; i < 10; i++) {
      collect()
      await udp.settle()
      const { heapUsed, external } = process.memoryUsage()
      least = Math.min(least, heapUsed + external)
    }
    return least
  }
  const batch = 500
  let settled = 0
  for (let sent = 0; sent < clients; sent += batch) {
    for (let i = 0; i < batch; i++) {
      let acknowledged = false
      const socket = await udp.host(`198.51.100.${i & 127}`).bind({ address: '0.0.0.0', port: 0 }, (_data, from) => {
        // Half of them answer once, and take a window with them.
        if (i % 2 === 0 && !acknowledged) socket.send(encodePacket({ opcode: 'ACK', block: 0 }), from)
        acknowledged = true
      })
      socket.send(request, { address: '192.0.2.1', port: 69 })
      await Promise.resolve()
      setImmediate(() => setImmediate(() => { void socket.close() }))
    }
    await udp.settle()
    for (let seconds = 0; seconds < 40 && server.transfers > 0; seconds++) clock.advance(1000)
    await udp.settle()
    if (sent === batch) settled = await used()
  }
  t.equal(server.transfers, 0)
  clock.advance(3200)
  await udp.settle()
  t.equal(udp.open, 1, 'the listening socket alone is open')
  t.equal(clock.pending, 0, 'no timer is left')
  t.same(events, [])
  const grown = (await used() - settled) / 2 ** 20
  t.ok(grown < 8, `memory grew by ${grown.toFixed(1)} MiB`)
  t.comment(counts, `memory grew by ${grown.toFixed(1)} MiB`)
  t.equal((counts.vanished ?? 0) + (counts.timeout ?? 0) + (counts.failed ?? 0), clients)
  await server.close()
})

// Room for those who are there: what goes to a neighbour that has not answered ARP is lost while much is held.
import t from 'tap'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { parseMac } from '../../src/net/mac.js'
import { askedEvery, mostHeld, sparing } from '../../src/net/sparing-udp.js'
import type { UdpSocket } from '../../src/net/udp.js'

const there = { address: '10.0.0.1', port: 69 }
const missing = { address: '10.0.0.2', port: 69 }
const routed = { address: '10.9.9.9', port: 69 }
const neighbours = new Map([[there.address, { mac: parseMac('52:54:00:00:00:01') }], [missing.address, { mac: undefined }]])

t.test('whichever way it is sent, and only what goes to such a neighbour', async t => {
  let [share, asked, closed] = [0, 0, false]
  const sent: string[] = []
  const plain: UdpSocket = {
    local: there,
    send: (_data, { address }, done) => {
      sent.push(`send ${address}`)
      done?.(null)
    },
    sendNow: (_data, { address }) => {
      sent.push(`now ${address}`)
      return null
    },
    sendAll: (_datagrams, { address }) => { sent.push(`all ${address}`) },
    readWaiting: () => {},
    unsentShare: () => {
      asked++
      return share
    },
    close: async () => { closed = true }
  }
  const socket = await sparing({ bind: async () => plain }, ip => neighbours.get(formatIpv4(ip))).bind({ address: '', port: 0 }, () => {})
  const tried = (): Array<string | null | undefined> => [there, missing, routed].flatMap(to => {
    let error: Error | null | undefined
    socket.send(Buffer.alloc(1), to, said => { error = said })
    socket.send(Buffer.alloc(1), to)
    socket.sendAll!([Buffer.alloc(1)], to)
    return [error && error.message, socket.sendNow!(Buffer.alloc(1), to)?.message]
  })
  const each = ({ address }: typeof there): string[] => [`send ${address}`, `send ${address}`, `all ${address}`, `now ${address}`]
  share = mostHeld - 0.01
  t.same(tried(), [null, undefined, null, undefined, null, undefined])
  t.same(sent.splice(0), [...each(there), ...each(missing), ...each(routed)])
  t.equal(asked, Math.floor(12 / askedEvery), 'the kernel is not asked each time')
  share = mostHeld
  for (let n = 12 % askedEvery; n < askedEvery; n += 2) {
    t.equal(asked, 1)
    socket.sendAll!([Buffer.alloc(1), Buffer.alloc(1)], there)
  }
  t.equal(asked, 2, 'but with one of so many, whoever they are for')
  sent.splice(0)
  const lost = 'too much is held for others that do not answer ARP'
  t.same(tried(), [null, undefined, lost, lost, null, undefined])
  t.same(sent.splice(0), [...each(there), ...each(routed)])
  share = 0
  t.same(tried(), [null, undefined, null, undefined, null, undefined], 'and while much is held each time')
  t.equal(socket.local, plain.local)
  t.equal(socket.readWaiting, plain.readWaiting)
  await socket.close()
  t.ok(closed)
})

t.test('a socket whose descriptor nobody knows is as it is', async t => {
  const plain: UdpSocket = { local: there, send: () => {}, close: async () => {} }
  t.equal(await sparing({ bind: async () => plain }, () => ({ mac: undefined })).bind({ address: '', port: 0 }, () => {}), plain)
})

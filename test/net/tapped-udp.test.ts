// Whoever listens in on a network hears each datagram once, whichever way it is sent.
import t from 'tap'
import { tapped, type TappedDatagram } from '../../src/net/tapped-udp.js'
import { kernelUdp } from '../../src/net/udp.js'

t.test('datagrams sent alone, at once and together, and what is answered', async t => {
  const heard: string[] = []
  const hear = ({ data, isSent, from, to }: TappedDatagram): void => { heard.push(`${isSent ? 'to' : 'from'} ${(isSent ? to : from).port} ${Buffer.from(data).toString()}`) }
  let arrived = 0
  let done = (): void => {}
  const all = new Promise<void>(resolve => { done = resolve })
  const other = await kernelUdp.bind({ address: '127.0.0.1', port: 0 }, (_, from) => {
    arrived++
    if (arrived === 4) other.send(Buffer.from('thanks'), from)
  })
  t.teardown(() => other.close())
  const socket = await tapped(kernelUdp, hear).bind({ address: '127.0.0.1', port: 0, direct: true }, () => { done() })
  t.teardown(() => socket.close())
  const window = Buffer.from('aabb')
  socket.send(Buffer.from('alone'), other.local)
  t.equal(socket.sendNow?.(Buffer.from('at once'), other.local), null)
  socket.sendAll?.([window.subarray(0, 2), window.subarray(2)], other.local)
  await all
  const { port } = other.local
  t.same(heard, [`to ${port} alone`, `to ${port} at once`, `to ${port} aa`, `to ${port} bb`, `from ${port} thanks`])
})

t.test('a socket that has only Node\'s way has no other through the tap either', async t => {
  const socket = await tapped(kernelUdp, () => {}).bind({ address: '127.0.0.1', port: 0 }, () => {})
  t.teardown(() => socket.close())
  t.same([socket.sendNow, socket.sendAll, socket.readWaiting], [undefined, undefined, undefined])
})

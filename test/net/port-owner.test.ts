import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { inodesOf, portOwner } from '../../src/net/port-owner.js'

t.test('who has a UDP port', async t => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  t.match(await portOwner('udp', port), { pid: process.pid, name: String })
  t.equal(await portOwner('tcp', port), undefined, 'not the TCP port of that number')
  socket.close()
  await once(socket, 'close')
  t.equal(await portOwner('udp', port), undefined)
})

t.test("the kernel's table", t => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
`
  t.same(inodesOf(table, 8080, '0A'), ['4711'], 'a connection is not a listener')
  t.same(inodesOf(table, 80, '0A'), ['4713'])
  t.same(inodesOf('', 80, '0A'), [])
  t.end()
})

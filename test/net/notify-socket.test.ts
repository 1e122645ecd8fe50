// What the service manager is told, to a path and to a name of Linux's abstract namespace.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openNotifySocket } from '../../src/net/notify-socket.js'
import { notifyReceiver } from '../helpers/notify-receiver.js'
import { shortFolder } from '../helpers/short-folder.js'

/** Of so many octets. */
const long = (start: string, length: number): string => start.padEnd(length, 'x')

t.test('a datagram of assignments, a line each', async t => {
  const folder = shortFolder(t)
  for (const path of [join(folder, 's'), `@provisioner-${process.pid}`, long(join(folder, 'p'), 107), long(`@provisioner-${process.pid}`, 107)]) {
    const receiver = notifyReceiver(path)
    const before = readdirSync('/proc/self/fd').length
    const socket = openNotifySocket(path)
    t.equal(socket.send({ READY: 1, STATUS: 'two\nlines' }), true)
    t.same(await receiver.next(), { READY: '1', STATUS: 'two lines' }, path)
    t.equal(socket.sendLast({ STATUS: 'ends' }), true)
    t.same(await receiver.next(), { STATUS: 'ends' }, path)
    receiver.close()
    t.equal(socket.send({ READY: 1 }), false, 'nobody is there any more')
    socket.close()
    t.equal(readdirSync('/proc/self/fd').length, before - 1)
  }
})

t.test('where it can not lead', t => {
  for (const path of ['', '/', '@', 'relative', long('/run/', 108), long('@', 108)]) {
    t.throws(() => openNotifySocket(path), { code: 'socket_failed', message: `NOTIFY_SOCKET: expected a path or @name of at most 107 bytes, not ${JSON.stringify(path)}` })
  }
  t.end()
})

// What each call that asks the kernel for a descriptor says when none is left.
import t from 'tap'
import { openEvent } from '../../src/net/connection.js'
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { Epoll } from '../../src/net/epoll.js'
import { openListeningSocket } from '../../src/net/listening-socket.js'
import { openNotifySocket } from '../../src/net/notify-socket.js'
import { openSocket } from '../../src/net/open-socket.js'
import { receiveDrops } from '../../src/net/receive-queue.js'
import { sourceAddressFor } from '../../src/net/source-address.js'
import { withoutDescriptors } from '../helpers/no-descriptor.js'

t.test('it is told, and with what', t => {
  // Loaded before: that takes descriptors too.
  receiveDrops()
  for (const [name, open, told] of [
    ['a socket of an interface', () => openDeviceSocket('lo', 0), { code: 'socket_failed', message: 'cannot listen on lo:0/udp: socket failed with EMFILE' }],
    ['a listening socket', () => openListeningSocket('127.0.0.1', 0), { code: 'socket_failed', message: /^cannot listen on 127\.0\.0\.1:0\/tcp: .*EMFILE/ }],
    ['a socket to the service manager', () => openNotifySocket('/run/x'), { code: 'socket_failed', message: 'cannot make a socket to tell the service manager: EMFILE' }],
    ['a socket of much traffic', () => openSocket('127.0.0.1', 0), { message: /EMFILE/ }],
    ['an event', () => openEvent(), { message: 'eventfd: EMFILE' }],
    ['what many descriptors are watched with', () => new Epoll(), { message: 'epoll_create1: EMFILE' }]
  ] as const) t.match(withoutDescriptors(() => { try { return open() } catch (error) { return error } }), told, name)
  t.same([...withoutDescriptors(receiveDrops)], [], 'nothing was dropped, as far as can be told')
  t.equal(withoutDescriptors(() => sourceAddressFor(0x7f000001)), undefined, 'which address is sent from can not be told')
  t.equal(sourceAddressFor(0x7f000001), 0x7f000001, 'and all is well afterwards')
  t.end()
})

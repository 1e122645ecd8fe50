import t from 'tap'
import { memoryFile } from '../../src/disk/open-file.js'
import type { UdpSocket } from '../../src/net/udp.js'
import { goesOn, type LeftTransfer, LeftTransfers, returnsWithin, servedFile } from '../../src/tftp/left-transfers.js'
import { mostWaiting } from '../../src/tftp/waiting-line.js'
import type { WantedTransfer } from '../../src/tftp/wanted-transfer.js'

const [one, other] = [1, 2].map(port => ({ local: { address: '192.0.2.1', port } }) as unknown as UdpSocket) as [UdpSocket, UdpSocket]

const left = (address: string, port = 1, { bytes = 'a', ...given }: Partial<LeftTransfer> & { readonly bytes?: string } = {}): LeftTransfer => {
  const asked = { key: `${address}:${port}`, address, bytes: Buffer.from(bytes) } as unknown as WantedTransfer
  return { asked, file: 'a 1 ', progress: { confirmed: 0, sent: 1 }, socket: one, isExpected: true, ...given }
}

t.test('from where a transfer goes on, by what its client confirms', async t => {
  const rows: ReadonlyArray<readonly [confirmed: number, sent: number, block: number, goesOnAfter: number | undefined]> = [
    // The OACK's ACK, that of DATA 1 without an OACK, and what was never sent.
    [0, 0, 0, 0], [0, 1, 1, 1], [0, 0, 1, undefined], [0, 1, 2, undefined],
    // Of a window: none of it, some, all, more; what was confirmed before.
    [8, 4, 8, 8], [8, 4, 10, 10], [8, 4, 12, 12], [8, 4, 13, undefined], [8, 4, 7, undefined],
    // On the wire a number wraps.
    [65_534, 4, 65_535, 65_535], [65_534, 4, 1, 65_537], [131_071, 1, 0, 131_072], [131_071, 1, 1, undefined]
  ]
  for (const [confirmed, sent, block, after] of rows) {
    const transfers = new LeftTransfers()
    transfers.remember(left('a', 1, { progress: { confirmed, sent } }), false, 0)
    const resumption = after === undefined ? undefined : { socket: one, file: 'a 1 ', confirmed: after }
    t.same(transfers.resumed('a:1', one, block)?.resumption, resumption, `${confirmed} confirmed, ${sent} sent, ACK ${block}`)
  }
})

t.test('on which sockets its client is heard', async t => {
  const transfers = new LeftTransfers()
  const on = (): boolean[] => [one, other].map(socket => transfers.isOn('a:1', socket))
  transfers.remember(left('a'), false, 0)
  t.same(on(), [true, false])
  t.equal(transfers.resumed('a:1', other, 0), undefined)
  transfers.remember(left('a', 1, { socket: other }), false, 1)
  t.same(on(), [true, true], 'the same request, repeated: the client may know either')
  transfers.remember(left('a', 1, { socket: other, progress: { confirmed: 3, sent: 1 } }), false, 2)
  t.same(on(), [true, true])
  t.equal(transfers.resumed('a:1', one, 1)?.resumption?.confirmed, 1, 'each where it stood')
  t.equal(transfers.resumed('a:1', other, 4)?.resumption?.confirmed, 4)
  transfers.remember(left('a', 1, { bytes: 'other' }), false, 3)
  t.same(on(), [true, false], 'of another request none')
  transfers.remember(left('a'), false, 4)
  transfers.removeOther('a:1', Buffer.from('a'))
  t.ok(transfers.has('a:1'))
  transfers.removeOther('a:1', Buffer.from('b'))
  t.notOk(transfers.has('a:1'), 'it has begun something else')
})

t.test('a client is remembered for a minute, and then nobody is expected', async t => {
  const transfers = new LeftTransfers()
  transfers.remember(left('a', 1, { isExpected: false }), false, 0)
  t.notOk(transfers.expectsAnybody(0), 'one that was silent for long keeps nothing open')
  transfers.remember(left('b'), false, 0)
  transfers.forget(returnsWithin - 1)
  t.same([transfers.has('a:1'), transfers.has('b:1'), transfers.expectsAnybody(returnsWithin - 1)], [true, true, true])
  transfers.forget(returnsWithin)
  t.same([transfers.has('a:1'), transfers.has('b:1'), transfers.expectsAnybody(returnsWithin)], [false, false, false])
  transfers.remember(left('a'), false, 0)
  transfers.clear()
  t.notOk(transfers.has('a:1'))
})

t.test('so many of an address and in all; who was dropped is a stranger to nobody for a minute', async t => {
  const transfers = new LeftTransfers()
  transfers.remember(left('known'), true, 0)
  for (let port = 0; port < mostWaiting.perAddress; port++) transfers.remember(left('a', port), false, 1)
  t.ok(transfers.isComplete('a'))
  transfers.remember(left('a', 9999), false, 2)
  t.same([transfers.has('a:0'), transfers.has('a:1'), transfers.has('a:9999')], [false, true, true])
  t.same([transfers.isComplete('a'), transfers.isComplete('b')], [false, true], 'another address loses nothing by it')
  transfers.forget(2 + returnsWithin - 1)
  t.notOk(transfers.isComplete('a'))
  transfers.forget(2 + returnsWithin)
  t.ok(transfers.isComplete('a'))
  transfers.remember(left('known'), true, 2 + returnsWithin)
  transfers.remember(left('a', 9999), false, 2 + returnsWithin)
  for (let n = 0; n < mostWaiting.all; n++) transfers.remember(left(`b${n}`), false, 3 + returnsWithin)
  t.same([transfers.has('known:1'), transfers.has('a:9999'), transfers.has(`b${mostWaiting.all - 1}:1`)], [true, false, true])
})

t.test('which file a client may have the rest of', async t => {
  const content = Buffer.alloc(2000)
  const stored = { ...memoryFile('a', content), identity: 'x' }
  const of = (confirmed: number, file = servedFile(stored)): Parameters<typeof goesOn>[0] => ({ socket: one, file, confirmed })
  t.ok(goesOn(of(2), stored, 'octet'))
  t.ok(goesOn(of(0), stored, 'netascii'))
  t.notOk(goesOn(of(1), stored, 'netascii'), 'whose blocks begin anywhere')
  t.notOk(goesOn(of(0), { ...stored, identity: 'y' }, 'octet'), 'changed since')
  t.notOk(goesOn(of(0), { ...stored, path: 'b' }, 'octet'))
  const made = memoryFile('made', content)
  t.ok(goesOn(of(0, servedFile(made)), made, 'octet'))
  t.notOk(goesOn(of(0, servedFile(made)), memoryFile('made', Buffer.alloc(2001)), 'octet'), 'its size was told')
  t.notOk(goesOn(of(1, servedFile(made)), made, 'octet'), 'it may be made otherwise')
})

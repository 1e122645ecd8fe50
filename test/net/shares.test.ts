// What one address may hold of something, and all together; and how many connections the descriptors of a process allow.
import t from 'tap'
import { connectionShares } from '../../src/net/descriptors.js'
import { networkOf } from '../../src/net/ipv4.js'
import { Shares } from '../../src/net/shares.js'

t.test('a share is held by an address, and given back once', t => {
  const shares = new Shares({ all: 3, perAddress: 2 })
  const [first, second] = [shares.take('10.0.0.1'), shares.take('::ffff:10.0.0.1')]
  t.equal(shares.take('10.0.0.1'), undefined, 'one address')
  const other = shares.take('10.0.0.2')
  t.equal(shares.take('10.0.0.3'), undefined, 'all together')
  t.equal(shares.count, 3)
  first!()
  first!()
  t.equal(shares.count, 2)
  const again = shares.take('10.0.0.1')
  t.type(again, 'function')
  t.equal(shares.take('10.0.0.1'), undefined, 'what was given back twice counts once')
  for (const leave of [second, other, again]) leave!()
  t.equal(shares.count, 0)
  for (let n = 0; n < 2; n++) t.type(shares.take('10.0.0.1'), 'function')
  t.equal(shares.take('10.0.0.1'), undefined)
  t.end()
})

t.test('an address of IPv6 stands for its network of 64 bits', t => {
  for (const [address, network] of [
    ['10.0.0.1', '10.0.0.1'], ['::ffff:10.0.0.1', '10.0.0.1'], ['', ''],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'], ['2001:db8:1:2::6', '2001:db8:1:2'], ['2001:db8::6', '2001:db8:0:0'], ['2001:db8::2:3:4:5:6', '2001:db8:0:2'],
    ['::1', '0:0:0:0'], ['::', '0:0:0:0'], ['fe80::1%eth0', 'fe80:0:0:0'], ['1:2:3:4:5:6:7::', '1:2:3:4']
  ] as const) t.equal(networkOf(address), network, address)
  t.end()
})

t.test('connections leave descriptors for the rest', t => {
  const shared = (descriptors: number): readonly number[] => {
    const { http, sent, grpc, ui, control } = connectionShares(descriptors)
    return [http.all, http.perAddress, sent, grpc.all, grpc.perAddress, ui.all, ui.perAddress, control.all, control.perAddress]
  }
  t.same(shared(64 + 192), [72, 36, 3, 24, 12, 12, 6, 12, 12])
  t.same(shared(64 + 17), [6, 3, 0, 2, 1, 1, 1, 1, 1])
  t.same(shared(0), shared(64 + 16), 'sixteen are shared at least')
  t.same(shared(1_000_000), [4096, 2048, 4096, 1000, 500, 200, 100, 600, 600])
  const waiting = (descriptors: number): readonly number[] => Object.values(connectionShares(descriptors).waiting)
  t.same([1024, 12_000, 16_384, 1_000_000].map(waiting), [[0, 0], [0, 0], [4025, 2013], [6000, 3000]])
  t.end()
})

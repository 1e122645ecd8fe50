// Calls whose message does not come whole hold so much, and whoever finishes is answered.
import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import t, { type Test } from 'tap'
import { callOctets, mostUnfinished, UnfinishedCalls } from '../../src/grpc/unfinished-calls.js'
import { startAppliance } from '../helpers/grpc-appliance.js'
import { makePki } from '../helpers/pki.js'

function counting (limits = mostUnfinished) {
  const calls = new UnfinishedCalls(limits)
  const ended: string[] = []
  return { calls, ended, begin: (name: string, address: string) => calls.begin(address, () => { ended.push(name) }) }
}

t.test('of one address and in all so much, and one more octet ends the call that is unfinished for the longest time', t => {
  const { perAddress, all } = mostUnfinished
  const one = counting()
  const first = one.begin('first', '10.0.0.1')
  const second = one.begin('second', '10.0.0.1')
  first.grow(perAddress - 2 * callOctets)
  t.same([one.calls.octets, one.ended], [perAddress, []])
  second.grow(1)
  t.same([one.calls.octets, one.ended], [callOctets + 1, ['first']])
  first.grow(perAddress)
  first.done()
  t.same([one.calls.octets, one.ended], [callOctets + 1, ['first']], 'what is ended counts no more')
  second.done()
  t.equal(one.calls.octets, 0)

  const several = counting()
  const large = several.begin('large', '10.0.0.1')
  several.begin('larger', '10.0.0.2').grow(perAddress - callOctets)
  large.grow(all - perAddress - 2 * callOctets)
  const small = several.begin('small', '10.0.0.3')
  t.same([several.calls.octets, several.ended], [all, []])
  small.grow(1)
  t.same(several.ended, ['larger'], 'of the address with most, and not of who asks for more')
  t.end()
})

t.test('a call that sends nothing counts too', t => {
  const { calls, ended, begin } = counting()
  const most = mostUnfinished.perAddress / callOctets
  for (let n = 0; n < most; n++) begin(String(n), '10.0.0.1')
  t.same([calls.octets, ended], [mostUnfinished.perAddress, []])
  begin('more', '10.0.0.1')
  t.same(ended, ['0'])
  t.end()
})

/** A call whose message of 128 KiB has so many octets yet. */
function unfinished (t: Test, session: ClientHttp2Session, octets: number): { readonly stream: ClientHttp2Stream, readonly status: Promise<string> } {
  const stream = session.request({ ':method': 'POST', ':path': '/rpcpb.Groups/GroupPut', 'content-type': 'application/grpc', te: 'trailers' })
  stream.on('error', () => {})
  t.teardown(() => { stream.destroy() })
  const status = new Promise<string>(resolve => {
    const told = (headers: object): void => { if ('grpc-status' in headers) resolve(String(headers['grpc-status'])) }
    stream.on('response', told).on('trailers', told).on('close', () => { resolve('closed') })
  })
  const begin = Buffer.alloc(5 + octets)
  begin.writeUInt32BE(2 * callOctets, 1)
  stream.write(begin)
  stream.resume()
  return { stream, status }
}

t.test('through a connection: the oldest is told RESOURCE_EXHAUSTED, and who finishes is answered', async t => {
  const pki = makePki()
  const appliance = await startAppliance({ pki, unfinished: { perAddress: 6 * callOctets, all: 10 * callOctets } })
  t.teardown(() => appliance.close())
  const session = connect(`https://${appliance.address}`, { ...pki.client, ca: pki.ca.cert, servername: 'localhost' })
  t.teardown(() => { session.destroy() })
  await once(session, 'connect')
  const first = unfinished(t, session, callOctets)
  const second = unfinished(t, session, callOctets)
  const third = unfinished(t, session, callOctets)
  t.equal(await first.status, '8')
  const answered = session.request({ ':method': 'POST', ':path': '/rpcpb.Groups/GroupList', 'content-type': 'application/grpc', te: 'trailers' })
  const trailers = once(answered, 'trailers')
  answered.resume().end(Buffer.alloc(5))
  t.match(await trailers, [{ 'grpc-status': '0' }])
  for (const { stream } of [second, third]) t.notOk(stream.closed)
  // It is whole now, and refused for what it says.
  second.stream.end(Buffer.alloc(callOctets))
  t.equal(await second.status, '13')
})

// What strangers and clients can have the gRPC port do at once: over sockets, with certificates that nobody would have.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { Pace } from '../../src/base/pace.js'
import { Carrier, longestUnread, mostHandshakeOctets } from '../../src/grpc/carrier.js'
import type { HandshakeReason } from '../../src/grpc/handshake.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { rawClient, startAppliance, tlsCredentials } from '../helpers/grpc-appliance.js'
import { makeCertificate, makePki, type Pair } from '../helpers/pki.js'

const pki = makePki()
const hex = (text: string): Buffer => Buffer.from(text, 'hex')

/** DER (X.690). */
function tlv (tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const length = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

/**
 * A certificate (RFC 5280) that nobody signed, with an RSA key of 16,384 bits and an exponent of 64, whose signatures take OpenSSL as long
 * to look at as any that it looks at: five milliseconds.
 */
function slowCertificate (subject: string, issuer: string): string {
  const sha256Rsa = hex('300d06092a864886f70d01010b0500')
  const name = (text: string): Buffer => tlv(0x30, tlv(0x31, tlv(0x30, hex('0603550403'), tlv(0x0c, Buffer.from(text)))))
  const modulus = randomBytes(2048)
  modulus.writeUInt8(0xc1, 0)
  modulus.writeUInt8(0x01, 2047)
  const key = tlv(0x30, tlv(2, hex('00'), modulus), tlv(2, hex('00ffffffffffffffff')))
  const contents = tlv(0x30, hex('a003020102'), tlv(2, hex('01'), randomBytes(4)), sha256Rsa, name(issuer),
    tlv(0x30, tlv(0x17, Buffer.from('250101000000Z')), tlv(0x17, Buffer.from('450101000000Z'))), name(subject),
    tlv(0x30, hex('300d06092a864886f70d0101010500'), tlv(3, hex('00'), key)), tlv(0xa3, tlv(0x30, hex('300f0603551d130101ff040530030101ff'))))
  const der = tlv(0x30, contents, sha256Rsa, tlv(3, hex('0001'), randomBytes(2047)))
  return `-----BEGIN CERTIFICATE-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`
}

const closeOf = (socket: Socket): Promise<void> => new Promise(resolve => { socket.once('close', () => { resolve() }) })

/** What the server says of a client that shows this; undefined when it gets in. */
async function refusal (t: Test, shown: Pair): Promise<HandshakeReason | undefined> {
  let refused: HandshakeReason | undefined
  const app = await startAppliance({ pki, onHandshakeFailure: reason => { refused = reason } })
  t.teardown(() => app.close())
  const socket = connectTls({ port: app.server.address.port, host: '127.0.0.1', ca: pki.ca.cert, servername: 'localhost', ALPNProtocols: ['h2'], ...shown })
  socket.on('error', () => {})
  // The server's first word, its SETTINGS, comes after it has let the client in.
  await Promise.race([once(socket, 'data'), closeOf(socket)]).catch(() => {})
  socket.destroy()
  const client = rawClient(app.address, tlsCredentials(pki, pki.client))
  t.match(await client.call('GroupList', {}), { response: {} }, 'and the right client gets in')
  client.close()
  return refused
}

t.test('certificates: as many names as fit, and no chain that takes OpenSSL its time', async t => {
  const leaf = makeCertificate(pki.ca, { cn: 'client', use: 'clientAuth' })
  const named = (count: number): Pair => makeCertificate(pki.ca, { use: 'clientAuth', names: Array.from({ length: count }, (_, i) => ({ dns: `n${i}.example.org` })) })
  t.equal(await refusal(t, named(300)), undefined)
  t.equal(await refusal(t, named(1500)), 'too_large')
  const chain = Array.from({ length: 20 }, (_, i) => slowCertificate(`i${i}`, `i${i + 1}`))
  t.equal(await refusal(t, { ...leaf, cert: leaf.cert + chain.join('') }), 'too_large')
  t.ok(Buffer.byteLength(chain.join('')) * 3 / 4 < 100 * 1024, 'which OpenSSL itself would take')
})

/** Both ends of a connection, of which one is carried. */
async function carried (t: Test, pace: Pace): Promise<{ client: Socket, carrier: Carrier, clock: FakeClock, tooLarge: () => boolean }> {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
  t.teardown(() => { client.destroy() })
  const [raw] = await once(server, 'connection') as [Socket]
  raw.on('error', () => {})
  const clock = new FakeClock()
  let isTooLarge = false
  const carrier = new Carrier(raw, { clock, pace, onTooLarge: () => { isTooLarge = true; carrier.destroy() } })
  return { client, carrier, clock, tooLarge: () => isTooLarge }
}

t.test('a handshake has so many octets, and what follows it any number', async t => {
  for (const [sent, secureAt, isTooLarge] of [
    [mostHandshakeOctets, Infinity, false], [mostHandshakeOctets + 1, Infinity, true], [5 * mostHandshakeOctets, 100, false], [5 * mostHandshakeOctets, mostHandshakeOctets, false]
  ] as const) {
    const { client, carrier, tooLarge } = await carried(t, new Pace())
    let got = 0
    carrier.on('data', (octets: Buffer) => {
      got += octets.length
      if (got >= secureAt) carrier.secured()
    })
    const closed = once(carrier, 'close')
    client.end(Buffer.alloc(sent))
    await closed
    t.equal(tooLarge(), isTooLarge, `${sent}, secure after ${secureAt}`)
    t.equal(got, isTooLarge ? mostHandshakeOctets : sent)
  }
})

t.test('it goes on so much a turn of the event loop', async t => {
  let next: (() => void) | undefined
  let now = 0
  const { client, carrier } = await carried(t, new Pace({ budget: 8, steady: () => now, nextTurn: turn => { next = turn } }))
  carrier.secured()
  let got = 0
  carrier.on('data', (octets: Buffer) => {
    got += octets.length
    // As opening and resetting streams may take.
    now += 5
  })
  client.write(Buffer.alloc(40_000))
  const seen: number[] = []
  for (;;) {
    await new Promise(resolve => { setImmediate(resolve) })
    if (got === 40_000) break
    if (next === undefined) continue
    seen.push(got)
    const turn = next
    next = undefined
    turn()
  }
  t.ok(seen.every((octets, i) => octets - (seen[i - 1] ?? 0) <= 16 * 1024), seen.join(' '))
})

t.test('what nobody reads any more is closed', async t => {
  const { client, carrier, clock } = await carried(t, new Pace())
  carrier.secured()
  carrier.on('data', () => {})
  carrier.pause()
  client.write(Buffer.alloc(200_000))
  while (carrier.readableLength < carrier.readableHighWaterMark) await new Promise(resolve => { setImmediate(resolve) })
  clock.advance(longestUnread - 1)
  t.notOk(carrier.destroyed)
  carrier.resume()
  while (carrier.readableLength > 0) await new Promise(resolve => { setImmediate(resolve) })
  clock.advance(1)
  t.notOk(carrier.destroyed, 'it was read')
  carrier.pause()
  client.write(Buffer.alloc(1_000_000))
  while (carrier.readableLength < carrier.readableHighWaterMark) await new Promise(resolve => { setImmediate(resolve) })
  const closed = closeOf(client)
  clock.advance(longestUnread)
  t.ok(carrier.destroyed)
  await closed
})

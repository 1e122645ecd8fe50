// What a stranger sends to every TCP and UDP port of the appliance but DHCP's, in rounds: hostile-traffic.ts SERVER ROUNDS SEED VICTIM.
// Everything that a round opens is closed at its end. Prints `round N` after each, and at last `sent {...}`, what there was of each.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { badKinds, badPackets, requestOf } from './tftp-malformed.js'
import { random } from './random.js'

const [, , server = '', rounds = '1', seed = '0', victim = ''] = process.argv
const ports = { http: 8080, rpc: 8081, https: 8443, tftp: 69 } as const
const chance = random(Number(seed))
const sent: Record<string, number> = {}
const below = (limit: number): number => Math.floor(chance() * limit)
const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => below(256)))
/** Of the addresses that this machine has, one after the other. */
const sources = Array.from({ length: 8 }, (_, i) => `172.30.250.${1 + i}`)
const inventedMac = (): string => `02:ee:${noise(4).toString('hex').replace(/(..)(?=.)/g, '$1:')}`

/** What a client says first, to which the server has to answer with its certificate and a signature of its own. */
const hello = await new Promise<Buffer>(resolve => {
  const wire = new Duplex({ read () {}, write (data: Buffer, _encoding, done) { resolve(data); done() } })
  connectTls({ socket: wire, ALPNProtocols: ['h2', 'http/1.1'] }).on('error', () => {})
})

const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`

/** Things to write to a connection; what comes back is read to the end, or not at all. */
interface Attack {
  readonly port: keyof typeof ports
  readonly bytes: () => string | Buffer
  /** In a round. */
  readonly times: number
  /** Reads nothing; goes at once; reads everything. Otherwise it goes when something came. */
  readonly deaf?: boolean
  readonly hangUp?: boolean
  readonly whole?: boolean
}

const attacks: Readonly<Record<string, Attack>> = {
  'says nothing': { port: 'http', bytes: () => '', times: 60 },
  'pipelines and reads nothing': { port: 'http', bytes: () => get('/assets/image').repeat(1000), times: 10, deaf: true },
  'pipelines documents': { port: 'http', bytes: () => get(`/ignition?mac=${inventedMac()}`).repeat(200), times: 10 },
  'pipelines and goes': { port: 'http', bytes: () => get('/v1/machines/02:00:00:00:00:01?wait=ack&timeout=3600').repeat(200), times: 20, hangUp: true },
  'listens and reads nothing': { port: 'http', bytes: () => get('/v1/events').repeat(3), times: 20, deaf: true },
  'asks for the metrics': { port: 'http', bytes: () => get('/metrics').repeat(20), times: 10 },
  'asks for all machines': { port: 'http', bytes: () => get('/v1/machines').repeat(5), times: 4, deaf: true },
  'odd methods': { port: 'http', bytes: () => 'X / HTTP/1.1\r\nHost: a\r\n\r\n', times: 40 },
  'odd octets': { port: 'http', bytes: () => Buffer.from(get('/\xe9\xff?\x80'), 'latin1'), times: 40 },
  'half a head': { port: 'http', bytes: () => `GET /ipxe?x=${'y'.repeat(100_000)}`, times: 20, deaf: true },
  'a large head': { port: 'http', bytes: () => get('/', `X-A: ${'y'.repeat(200_000)}\r\n`), times: 10 },
  'blanks in a range': { port: 'http', bytes: () => get('/assets/image', `Range: bytes=0-1${' '.repeat(60_000)}x\r\n`), times: 10 },
  'many ranges': { port: 'http', bytes: () => get('/assets/image', `Range: bytes=${'0-0,'.repeat(15_000)}1-1\r\n`), times: 5 },
  'many labels': { port: 'http', bytes: () => get(`/ipxe?${'a=%41&'.repeat(30_000)}`), times: 5 },
  'invented machines': { port: 'http', bytes: () => get(`/ipxe?mac=${inventedMac()}`).repeat(20), times: 20 },
  'speaks for another': {
    port: 'http',
    bytes: () => `${get(`/ipxe?mac=${victim}`)}${get('/boot/snponly.efi').repeat(4)}${get(`/v1/installed?mac=${victim}`, 'Connection: close\r\n')}`,
    times: 5,
    whole: true
  },
  'a body without end': { port: 'http', bytes: () => `POST /ipxe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${'1000\r\n'.repeat(10)}`, times: 10, deaf: true },
  noise: { port: 'http', bytes: () => noise(500), times: 40 },
  'paths that climb': { port: 'http', bytes: () => get(`/assets/${'%2e%2e/'.repeat(below(200))}etc/passwd`), times: 20 },
  'TLS: says nothing': { port: 'https', bytes: () => '', times: 30 },
  'TLS: hello, and no more': { port: 'https', bytes: () => hello, times: 40, deaf: true },
  'gRPC: hello, and no more': { port: 'rpc', bytes: () => hello, times: 40, deaf: true },
  'TLS: noise': { port: 'https', bytes: () => Buffer.concat([Buffer.from([22, 3, 1, 1, 0]), noise(256)]), times: 20 },
  'gRPC: says nothing': { port: 'rpc', bytes: () => '', times: 40 },
  'gRPC: noise': { port: 'rpc', bytes: () => noise(300), times: 20 },
  'gRPC: plain HTTP/2': { port: 'rpc', bytes: () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', times: 10 }
}

/** One connection of an attack: until it is answered, ended, or `over`. */
async function attack (name: string, { port, bytes, deaf = false, hangUp = false, whole = false }: Attack, over: Promise<void>): Promise<void> {
  sent[name] = (sent[name] ?? 0) + 1
  const socket = connect({ host: server, port: ports[port], localAddress: sources[below(sources.length)] })
  socket.on('error', () => {})
  const closed = new Promise<void>(resolve => { socket.once('close', () => { resolve() }) })
  await Promise.race([new Promise(resolve => { socket.once('connect', resolve) }), closed])
  if (deaf) socket.pause()
  socket.write(bytes())
  if (whole) socket.resume()
  const answered = deaf || whole ? over : Promise.race([new Promise<void>(resolve => { socket.once('data', () => { resolve() }) }), over])
  await Promise.race([hangUp ? new Promise(resolve => { setImmediate(resolve) }) : answered, closed])
  socket.destroy()
  await closed
}

async function datagrams (): Promise<void> {
  for (const source of sources) {
    const socket = createSocket('udp4')
    socket.on('message', () => {})
    socket.bind(0, source)
    await once(socket, 'listening')
    const send = (bytes: Buffer): Promise<void> => new Promise(resolve => { socket.send(bytes, ports.tftp, server, () => { resolve() }) })
    for (const kind of badKinds) await send(badPackets[kind](chance).bytes)
    // Asks for a file and never acknowledges a block of it.
    for (let i = 0; i < 20; i++) await send(requestOf(1, 'loader.efi', 'octet', 'timeout', '255', 'windowsize', '64'))
    await send(noise(2000))
    sent['TFTP datagrams'] = (sent['TFTP datagrams'] ?? 0) + badKinds.length + 21
    socket.close()
  }
}

/** Milliseconds that those stay who do not go by themselves. */
const stay = 1500

for (let round = 1; round <= Number(rounds); round++) {
  const over = new Promise<void>(resolve => { setTimeout(resolve, stay) })
  const connections = Object.entries(attacks).flatMap(([name, one]) => Array.from({ length: one.times }, () => ({ name, one, at: chance() })))
  connections.sort((a, b) => a.at - b.at)
  await Promise.all([...connections.map(({ name, one }) => attack(name, one, over)), datagrams()])
  process.stdout.write(`round ${round}\n`)
}
process.stdout.write(`sent ${JSON.stringify(sent)}\n`)
process.exit(0)

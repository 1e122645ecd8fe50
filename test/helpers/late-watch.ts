// A program between a provisioner and etcd: news of leases arrives at the provisioner when it asks for a lease, and not before. So late is
// what another one did, now and then, on a busy machine. node --import=typescript.js late-watch.ts ADDRESS:PORT http://ETCD:PORT
import { connect, constants, createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'

const [at = '', etcd = ''] = process.argv.slice(2)
const [host, port] = at.split(':')
const { HTTP2_HEADER_PATH: path } = constants
const ofLeases = 'leases/'

const upstream = connect(etcd)
let release: Array<() => void> = []

/** Lets a chunk through when it is no news of a lease and none is held before it. */
function lateBy (write: (chunk: Buffer) => void): (chunk: Buffer) => void {
  let held: Buffer[] = []
  const letGo = (): void => {
    for (const chunk of held) write(chunk)
    held = []
  }
  return chunk => {
    if (held.length === 0 && !chunk.includes(ofLeases)) {
      write(chunk)
      return
    }
    held.push(chunk)
    release.push(letGo)
  }
}

function forward (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const asked = upstream.request(headers as OutgoingHttpHeaders)
  const isWatch = headers[path] === '/etcdserverpb.Watch/Watch'
  const isRange = headers[path] === '/etcdserverpb.KV/Range'
  for (const end of [stream, asked]) end.on('error', () => { for (const other of [stream, asked]) other.close() })
  stream.on('data', (chunk: Buffer) => {
    asked.write(chunk)
    if (!isRange || !chunk.includes(ofLeases)) return
    for (const letGo of release) letGo()
    release = []
  })
  stream.on('end', () => { asked.end() })
  stream.on('close', () => { asked.close() })
  let trailers: OutgoingHttpHeaders = {}
  asked.on('trailers', told => { trailers = told })
  asked.on('response', (told, flags) => {
    const isOver = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    stream.respond(told as OutgoingHttpHeaders, isOver ? { endStream: true } : { waitForTrailers: true })
  })
  stream.on('wantTrailers', () => { stream.sendTrailers(trailers) })
  const write = (chunk: Buffer): void => { stream.write(chunk) }
  asked.on('data', isWatch ? lateBy(write) : write)
  asked.on('end', () => { if (!stream.writableEnded) stream.end() })
}

const server = createServer()
server.on('stream', forward)
server.listen(Number(port), host, () => { process.stdout.write('listening\n') })

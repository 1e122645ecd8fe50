// A program that stands between machines and an HTTP server and does to one of them what networks do: the server is away, it
// answers 503, it breaks off. `tsx flaky-http.ts OPTIONS` listens until it is killed, sends empty router advertisements,
// without which iPXE waits 16 seconds, and prints a line for each request.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { createInterface } from 'node:readline'
import { advertiseNothing } from '../../scripts/lib/router-advertisement.js'

/** `away`: this is the last answer, and nobody listens until a line comes on standard input. */
type Fault = 'away' | '503' | 'cut'

export interface FlakyOptions {
  readonly listen: { readonly host: string, readonly port: number }
  readonly upstream: { readonly host: string, readonly port: number }
  readonly bridge: string
  /** What happens to the requests for a path (a prefix of the target) from an address, in this order; then all goes well. */
  readonly faults: ReadonlyArray<{ readonly from: string, readonly path: string, readonly faults: readonly Fault[] }>
  /** Who always gets 503 for a path. */
  readonly never: { readonly from: string, readonly path: string }
}

const { listen, upstream, bridge, faults, never } = JSON.parse(process.argv[2]!) as FlakyOptions
const left = faults.map(({ from, path, faults }) => ({ from, path, faults: [...faults] }))

async function answer (asked: IncomingMessage, reply: ServerResponse): Promise<void> {
  const [from, path] = [asked.socket.remoteAddress, asked.url!]
  const fault = never.from === from && path.startsWith(never.path) ? '503' : left.find(row => row.from === from && path.startsWith(row.path))?.faults.shift()
  console.log(`${from} ${path.replace(/\?.*/, '')} ${fault ?? 'well'}`)
  reply.setHeader('connection', 'close')
  if (fault === '503') {
    reply.writeHead(503, { 'content-length': 0 }).end()
    return
  }
  if (fault === 'away') server.close()
  const [real] = await once(request({ ...upstream, path, headers: asked.headers }).end(), 'response') as [IncomingMessage]
  const body = Buffer.concat(await real.toArray() as Buffer[])
  reply.writeHead(real.statusCode!, { 'content-length': body.length })
  if (fault === 'cut') reply.write(body.subarray(0, body.length >> 1), () => { asked.socket.destroy() })
  else reply.end(body)
}

const server = createServer((asked, reply) => {
  answer(asked, reply).catch((error: unknown) => {
    console.log(`failed: ${String(error)}`)
    reply.destroy()
  })
})
createInterface({ input: process.stdin }).on('line', () => { server.listen(listen.port, listen.host) })
advertiseNothing(Number(readFileSync(`/sys/class/net/${bridge}/ifindex`, 'utf8')))
server.on('listening', () => { console.log('listening') })
server.listen(listen.port, listen.host)

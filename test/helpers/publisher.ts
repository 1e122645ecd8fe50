// A server on loopback that plays the publishers of images, with files and signatures made for the test, and with faults.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createMessage, generateKey, type PrivateKey, sign } from 'openpgp'
import type { Pair } from './pki.js'

export interface TestKey {
  readonly fingerprint: string
  /** The public half, armoured. */
  readonly publicKey: string
  readonly sign: (content: Buffer) => Promise<Buffer>
}

/** A signing key, made at `date` and good for `seconds` from then if given. */
export async function makeKey (name: string, { date = new Date(Date.now() - 86_400_000), seconds = 0 }: { date?: Date, seconds?: number } = {}): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKey({
    userIDs: [{ name, email: `${name}@example.com` }], format: 'object', date, keyExpirationTime: seconds, subkeys: [{ sign: true }]
  })
  const when = seconds === 0 ? new Date(Date.now() - 1000) : new Date(date.getTime() + seconds * 500)
  return {
    fingerprint: publicKey.getFingerprint().toUpperCase(),
    publicKey: publicKey.armor(),
    sign: async content => Buffer.from(await signWith(privateKey, content, when))
  }
}

const signWith = async (key: PrivateKey, content: Buffer, date: Date): Promise<Uint8Array> =>
  await sign({ message: await createMessage({ binary: content }), signingKeys: key, detached: true, format: 'binary', date }) as Uint8Array

export type Fault =
  | { readonly kind: 'status', readonly status: number, readonly retryAfter?: string, readonly times?: number }
  /** Ends the connection after so many bytes. */
  | { readonly kind: 'cut', readonly after: number, readonly times?: number }
  | { readonly kind: 'hang', readonly times?: number }
  /** Sends its first byte and nothing more. */
  | { readonly kind: 'stall', readonly times?: number }
  | { readonly kind: 'endless', readonly times?: number }
  | { readonly kind: 'redirect', readonly to: string, readonly times?: number }

interface File { readonly body: Buffer, readonly etag: string }

export const flatcarFiles = ['flatcar_production_pxe.vmlinuz', 'flatcar_production_pxe_image.cpio.gz', 'flatcar_production_image.bin.bz2'] as const

export class Publisher {
  readonly files = new Map<string, File>()
  readonly faults = new Map<string, Fault>()
  /** `GET /path bytes=5-` of each request. */
  readonly requests: string[] = []
  /** Milliseconds that pass before each 64 KiB. */
  slow = 0
  /** Downloads of image files under way, and the most there were. */
  now = 0
  most = 0
  /** Sends a file at once and closes the connection, as HTTP/1.0 servers do. */
  closes = false
  /** Bytes of a part that is asked for at most; the rest is to be asked for again. */
  longestPart = Infinity
  /** What the authorization header has to be; nothing is told to others. */
  authorization: string | undefined
  /** The authorization header of each request. */
  readonly authorizations: Array<string | undefined> = []
  /** Called before a request is answered. */
  onRequest: (path: string) => void = () => {}
  readonly #server: Server | TlsServer
  readonly #scheme: string
  readonly #timers = new Set<NodeJS.Timeout>()

  private constructor (pair: Pair | undefined) {
    const answer = (request: IncomingMessage, response: ServerResponse): void => { this.#answer(request, response) }
    this.#server = pair === undefined ? createServer(answer) : createTlsServer(pair, answer)
    this.#scheme = pair === undefined ? 'http' : 'https'
  }

  /** Speaks TLS when it is given a certificate. */
  static async start (pair?: Pair): Promise<Publisher> {
    const publisher = new Publisher(pair)
    publisher.#server.listen(0, '127.0.0.1')
    await once(publisher.#server, 'listening')
    return publisher
  }

  get url (): string { return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}` }

  async close (): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#server.closeAllConnections()
    await new Promise(resolve => { this.#server.close(resolve) })
  }

  put (path: string, body: Buffer | string): Buffer {
    const bytes = Buffer.from(body)
    this.files.set(path, { body: bytes, etag: `"${createHash('md5').update(bytes).digest('hex')}"` })
    return bytes
  }

  async putSigned (path: string, body: Buffer, key: TestKey): Promise<Buffer> {
    this.put(`${path}.sig`, await key.sign(body))
    return this.put(path, body)
  }

  /** A Flatcar (or CoreOS) release, and `current` moved to it. Gives the files' bytes by name. */
  async flatcar (version: string, key: TestKey, { arch = 'amd64', bytes = 300_000, prefix = 'flatcar' } = {}): Promise<Map<string, Buffer>> {
    const made = new Map<string, Buffer>()
    for (const flatcarName of flatcarFiles) {
      const name = flatcarName.replace('flatcar', prefix)
      made.set(name, await this.putSigned(`/${arch}-usr/${version}/${name}`, randomBytes(bytes), key))
    }
    const text = `${prefix.toUpperCase()}_BUILD=1\n${prefix.toUpperCase()}_VERSION=${version}\n${prefix.toUpperCase()}_SDK_VERSION="1.2.3"\n`
    this.put(`/${arch}-usr/${version}/version.txt`, text)
    this.put(`/${arch}-usr/current/version.txt`, text)
    return made
  }

  /** A Fedora CoreOS release, and the stream's metadata about it. `origin` is what the metadata's URLs begin with. */
  async fedora (version: string, key: TestKey, { origin = 'https://builds.example.org', stream = 'stable', arch = 'x86_64', bytes = 300_000, kernel = 'live-kernel.' } = {}): Promise<Map<string, Buffer>> {
    const made = new Map<string, Buffer>()
    const artifact = async (what: string): Promise<object> => {
      const name = `fedora-coreos-${version}-${what}`
      const path = `/prod/streams/${stream}/builds/${version}/${arch}/${name}`
      const body = await this.putSigned(path, randomBytes(bytes), key)
      made.set(name, body)
      return { location: origin + path, signature: `${origin}${path}.sig`, sha256: createHash('sha256').update(body).digest('hex') }
    }
    const pxe = {
      kernel: await artifact(`${kernel}${arch}`),
      initramfs: await artifact(`live-initramfs.${arch}.img`),
      rootfs: await artifact(`live-rootfs.${arch}.img`)
    }
    const disk = await artifact(`metal.${arch}.raw.xz`)
    this.put(`/streams/${stream}.json`, JSON.stringify({ stream, architectures: { [arch]: { artifacts: { metal: { release: version, formats: { pxe, 'raw.xz': { disk } } } } } } }))
    this.put(`/prod/streams/${stream}/builds/${version}/release.json`,
      JSON.stringify({ release: version, stream, architectures: { [arch]: { media: { metal: { artifacts: { pxe, 'raw.xz': { disk } } } } } } }))
    return made
  }

  #answer (request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url ?? '/', 'http://publisher').pathname
    this.requests.push(`${request.method ?? ''} ${path} ${request.headers.range ?? ''}`.trim())
    this.authorizations.push(request.headers.authorization)
    this.onRequest(path)
    if (this.authorization !== undefined && request.headers.authorization !== this.authorization) {
      response.writeHead(401).end('no')
      return
    }
    const fault = this.#fault(path)
    const file = this.files.get(path)
    if (fault?.kind === 'hang') return
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter }).end('no')
    } else if (fault?.kind === 'redirect') {
      response.writeHead(302, { location: fault.to }).end()
    } else if (fault?.kind === 'endless') {
      response.writeHead(200)
      const more = (): void => { while (!response.destroyed && response.write(Buffer.alloc(65_536))); }
      response.on('drain', more)
      more()
    } else if (file === undefined) {
      response.writeHead(404).end('not here')
    } else {
      const { body, etag } = file
      const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
      const from = start !== undefined && request.headers['if-range'] === etag ? Number(start) : 0
      if (from > body.length) {
        response.writeHead(416).end()
        return
      }
      const end = from > 0 ? Math.min(body.length, from + this.longestPart) : body.length
      const headers = { etag, 'content-length': end - from, ...from > 0 && { 'content-range': `bytes ${from}-${end - 1}/${body.length}` } }
      response.writeHead(from > 0 ? 206 : 200, { ...headers, ...this.closes && { connection: 'close' } })
      if (fault?.kind === 'stall') {
        response.write(body.subarray(from, from + 1))
        return
      }
      if (this.closes && fault === undefined) {
        response.end(body.subarray(from, end))
        return
      }
      this.#send(response, body.subarray(from, end), fault?.kind === 'cut' ? fault.after : undefined)
    }
  }

  #fault (path: string): Fault | undefined {
    const fault = this.faults.get(path)
    if (fault?.times !== undefined) {
      if (fault.times <= 1) this.faults.delete(path)
      else this.faults.set(path, { ...fault, times: fault.times - 1 })
    }
    return fault
  }

  #send (response: ServerResponse, body: Buffer, cutAfter: number | undefined): void {
    this.now++
    this.most = Math.max(this.most, this.now)
    response.once('close', () => { this.now-- })
    const end = cutAfter ?? body.length
    let at = 0
    const next = (): void => {
      if (response.destroyed) return
      const piece = body.subarray(at, Math.min(end, at + 65_536))
      at += piece.length
      if (at < end) {
        response.write(piece)
        this.#later(next)
      } else if (cutAfter === undefined) {
        response.end(piece)
      } else {
        response.write(piece, () => { response.destroy() })
      }
    }
    next()
  }

  #later (next: () => void): void {
    if (this.slow === 0) {
      setImmediate(next)
      return
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      next()
    }, this.slow)
    this.#timers.add(timer)
  }
}

// The recorded requests to Matchbox: a copy of its data and assets as they were then, and the requests over a raw socket,
// since every HTTP client would tidy up the paths.
import { cpSync, lutimesSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'

export interface Recorded {
  readonly name: string
  readonly variant: string
  readonly method: string
  readonly path: string | null
  readonly path_template?: string
  readonly request_version: string
  readonly request_headers: Readonly<Record<string, string>> | null
  readonly request_headers_template?: Readonly<Record<string, string>>
  readonly request_body?: string
  readonly raw_request?: string
  readonly tags: readonly string[]
  readonly unordered_lines?: boolean
  readonly sort_unstable?: boolean
  readonly response: {
    readonly status: number | null
    readonly headers: Readonly<Record<string, string>>
    readonly body?: string
    readonly body_base64?: string
  }
}

interface Variant { readonly remove: readonly string[], readonly add: Readonly<Record<string, string>>, readonly assets: boolean }
interface Recording {
  readonly asset_mtime: number
  readonly variants: Readonly<Record<string, Variant>>
  readonly cases: readonly Recorded[]
}

const fixture = join(import.meta.dirname, '../fixtures/matchbox')

// Links in assets/, made here since not every checkout keeps them.
const links = { 'link.txt': 'hello.txt', linkdir: 'nested', dangling: 'nowhere', escape: '../data/generic' } as const

export const recording = JSON.parse(readFileSync(join(fixture, 'http-0.9.0.json'), 'utf8')) as Recording

/** Copies data/ and assets/ into `folder` as the variant wants them. */
export function layOutVariant (name: string, folder: string): { dataPath: string, assetsPath: string } {
  const variant = recording.variants[name]!
  const [dataPath, assetsPath] = [join(folder, 'data'), join(folder, 'assets')]
  const removed = new Set(variant.remove.map(path => join(fixture, 'data', path)))
  cpSync(join(fixture, 'data'), dataPath, { recursive: true, verbatimSymlinks: true, filter: path => !removed.has(path) })
  cpSync(join(fixture, 'assets'), assetsPath, { recursive: true, verbatimSymlinks: true })
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(assetsPath, name))
  for (const [path, text] of Object.entries(variant.add)) {
    mkdirSync(dirname(join(dataPath, path)), { recursive: true })
    writeFileSync(join(dataPath, path), text)
  }
  setTimes(folder)
  return { dataPath, assetsPath: variant.assets ? assetsPath : '' }
}

function setTimes (folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) setTimes(join(folder, entry.name))
  for (const name of ['.', ...readdirSync(folder)]) lutimesSync(join(folder, name), recording.asset_mtime, recording.asset_mtime)
}

const repeat = (text: string): string => text.replace(/<repeat:(.):(\d+)>/g, (_, c: string, n: string) => c.repeat(Number(n)))

export function requestOf (recorded: Recorded): Buffer {
  if (recorded.raw_request !== undefined) return Buffer.from(recorded.raw_request)
  const path = recorded.path ?? repeat(recorded.path_template!)
  const template = Object.entries(recorded.request_headers_template ?? {})
  const own = recorded.request_headers ?? Object.fromEntries(template.map(([k, v]) => [k, repeat(v)]))
  const body = recorded.request_body ?? ''
  const headers: Record<string, string> = { Host: 'matchbox.test:8080', Connection: 'close', ...own }
  if (recorded.request_body !== undefined) headers['Content-Length'] = String(Buffer.byteLength(body))
  const lines = Object.entries(headers).map(([k, v]) => `${k}: ${v}\r\n`).join('')
  return Buffer.from(`${recorded.method} ${path} ${recorded.request_version}\r\n${lines}\r\n${body}`)
}

export interface Answered { readonly status: number | null, readonly headers: Readonly<Record<string, string>>, readonly body: Buffer }

/** Sends bytes to a port of this machine and reads until the server ends the connection. */
export function exchange (port: number, request: Buffer): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => { socket.write(request) })
    socket.on('data', data => { parts.push(data) })
    socket.on('error', error => { if (parts.length === 0) reject(error) })
    socket.on('close', () => { resolve(parseAnswer(Buffer.concat(parts))) })
    socket.setTimeout(60_000, () => { socket.destroy(new Error('no answer within a minute')) })
  })
}

function parseAnswer (bytes: Buffer): Answered {
  const end = bytes.indexOf('\r\n\r\n')
  const [status = '', ...lines] = bytes.toString('latin1', 0, end < 0 ? 0 : end).split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).split('-').map(w => w.slice(0, 1).toUpperCase() + w.slice(1).toLowerCase()).join('-')
    headers[name] = Buffer.from(line.slice(colon + 1).trim(), 'latin1').toString('utf8')
  }
  return { status: status === '' ? null : Number(status.split(' ')[1]), headers, body: end < 0 ? bytes : bytes.subarray(end + 4) }
}

const compared = [
  'Content-Type', 'Accept-Ranges', 'Content-Range', 'Last-Modified', 'Location', 'Allow', 'Etag', 'Cache-Control', 'X-Content-Type-Options'
] as const

const linesOf = (body: Buffer): string => body.toString('latin1').split('\n').sort().join('\n')

/** How an answer differs from the recorded one; nothing when it does not. */
export function differences ({ response, unordered_lines: unordered }: Recorded, { status, headers, body }: Answered): string[] {
  const found: string[] = []
  const boundary = /boundary=([^;\s]+)/.exec(headers['Content-Type'] ?? '')?.[1]
  const plain = (text: string): string => boundary === undefined ? text : text.replaceAll(boundary, 'BOUNDARY')
  if (status !== response.status) found.push(`status ${status}, not ${response.status}`)
  for (const name of compared) {
    const value = headers[name] === undefined ? undefined : plain(headers[name])
    if (value !== response.headers[name]) found.push(`${name} ${value}, not ${response.headers[name]}`)
  }
  const want = response.body_base64 !== undefined ? Buffer.from(response.body_base64, 'base64') : Buffer.from(response.body ?? '')
  const got = Buffer.from(plain(body.toString('latin1')), 'latin1')
  if (unordered === true ? linesOf(got) !== linesOf(want) : !got.equals(want)) {
    found.push(`body ${JSON.stringify(got.toString().slice(0, 200))}, not ${JSON.stringify(want.toString().slice(0, 200))}`)
  }
  return found
}

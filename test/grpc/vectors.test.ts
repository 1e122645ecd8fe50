// Matchbox's own answers, replayed over TLS from an empty data directory each, with what is left on disk. Where this
// program differs on purpose, a rule says what is expected instead; each rule has a test of its own in differences.test.ts.
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { parseMac } from '../../src/net/mac.js'
import { type Answer, methods, rawClient, readTree, startAppliance, tlsCredentials } from '../helpers/grpc-appliance.js'
import { clientNamed, makePki } from '../helpers/pki.js'
import { credentials, status } from '@grpc/grpc-js'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
interface Call { readonly rpc: string, readonly request: { [key: string]: Json } }
interface Transport {
  readonly client_cert?: string
  readonly plaintext?: boolean
  readonly max?: string
  readonly ciphers?: string
  readonly gzip?: boolean
}
interface Case extends Call {
  readonly name: string
  readonly before?: Record<string, Json>
  readonly setup?: readonly Call[]
  readonly setup_results?: ReadonlyArray<{ response?: Json, error?: { code: number } }>
  readonly response?: Json
  readonly error?: { readonly code: number, readonly message: string }
  readonly disk: Record<string, Json>
  readonly transport?: Transport
  readonly http_after?: ReadonlyArray<{ readonly path: string, readonly body_lines_sorted: readonly string[] }>
}
const { cases } = JSON.parse(readFileSync(new URL('../fixtures/matchbox/grpc-0.9.0.json', import.meta.url), 'utf8')) as { cases: readonly Case[] }

const isObject = (value: Json | undefined): value is { [key: string]: Json } => typeof value === 'object' && value !== null && !Array.isArray(value)

/** `{"$utf8": ...}` and its like as bytes; everything else as it is. */
function unwrap (value: Json): unknown {
  if (Array.isArray(value)) return value.map(unwrap)
  if (!isObject(value)) return value
  if (typeof value['$utf8'] === 'string') return Buffer.from(value['$utf8'])
  if (typeof value['$base64'] === 'string') return Buffer.from(value['$base64'], 'base64')
  if (Array.isArray(value['$repeat'])) return Buffer.from(String(value['$repeat'][0]).repeat(Number(value['$repeat'][1])))
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, unwrap(v)]))
}

const tree = (files: Record<string, Json>): Record<string, Buffer | null> => Object.fromEntries(Object.entries(files)
  .map(([path, content]) => [path, typeof content === 'string' ? Buffer.from(content) : unwrap(content) as Buffer | null]))

/** The id or name a call is about. */
function subject ({ request }: Call): string | undefined {
  for (const part of [request, request['group'], request['profile']]) {
    if (!isObject(part)) continue
    const id = part['id'] ?? part['name']
    if (typeof id === 'string') return id
  }
  return undefined
}

/** Not one safe path component. */
function isUnsafe (call: Call): boolean {
  if (call.rpc.startsWith('/') || call.rpc.endsWith('List') || call.rpc.startsWith('Select')) return false
  const id = subject(call) ?? ''
  const suffix = /^(Group|Profile)/.test(call.rpc) ? '.json' : ''
  return id === '' || id === '.' || id === '..' || /[/\0]/.test(id) || Buffer.byteLength(id + suffix) > 255
}

/** A hardware address in a put selector that none is. */
function hasBadMac ({ rpc, request }: Call): boolean {
  const group = request['group']
  return rpc === 'GroupPut' && isObject(group) && isObject(group['selector']) &&
    Object.entries(group['selector']).some(([key, value]) => key.toLowerCase() === 'mac' && parseMac(String(value)) === undefined)
}

/** More bytes than can be read back (maxReadableBytes). */
const isTooLarge = ({ request }: Call): boolean => {
  const config = isObject(request['config']) ? request['config']['$repeat'] : undefined
  return Array.isArray(config) && Number(config[1]) > 4 * 1024 * 1024 - 64 * 1024 - 8
}

/** A message as Matchbox would have answered it: addresses in normal form, and what is empty left out. */
function plain (value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('latin1')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, v]: [string, unknown]): Array<[string, unknown]> => {
    if (key === 'metadata' && Buffer.isBuffer(v)) return ['{}', ''].includes(v.toString()) ? [] : [[key, v.toString()]]
    if (key.toLowerCase() === 'mac') return [[key, parseMac(String(v)) ?? v]]
    const inner = plain(v)
    const empty = inner === null || inner === undefined || inner === '' || (typeof inner === 'object' && Object.keys(inner).length === 0)
    return empty ? [] : [[key, inner]]
  })
  return Object.fromEntries(entries)
}

const pki = makePki()
const clients = new Map<string, ReturnType<typeof clientNamed>>()
const pairOf = (name: string): ReturnType<typeof clientNamed> => {
  const pair = clients.get(name) ?? clientNamed(name, pki)
  clients.set(name, pair)
  return pair
}

/** Our codes are finer than Matchbox's UNKNOWN, never coarser than any other. */
const finer: ReadonlySet<number> = new Set([status.INVALID_ARGUMENT, status.NOT_FOUND, status.UNAVAILABLE])

/** Answers that are knowingly others, and none of the rules above says how. */
const otherwise: Readonly<Record<string, string>> = {
  'group-list-duplicate-by-extension': 'Matchbox lists a group once more for each other file of its name; here it is one group'
}

async function replay (t: Test, c: Case): Promise<void> {
  if (c.name in otherwise) t.comment(otherwise[c.name])
  const app = await startAppliance({ pki, before: tree(c.before ?? {}) })
  const { transport = {} } = c
  const creds = transport.plaintext === true
    ? credentials.createInsecure()
    : tlsCredentials(pki, pairOf(transport.client_cert ?? 'client'), transport)
  const client = rawClient(app.address, creds, transport.gzip === true ? { 'grpc.default_compression_algorithm': 2 } : {})
  const run = async (call: Call): Promise<Answer> => await client.call(call.rpc, unwrap(call.request) as object)
  try {
    const refusedSetups = (c.setup ?? []).filter(call => isUnsafe(call) || hasBadMac(call))
    for (const [i, call] of (c.setup ?? []).entries()) {
      const answer = await run(call)
      if (refusedSetups.includes(call)) t.match(answer, { error: { code: status.INVALID_ARGUMENT } }, `setup ${call.rpc} is refused`)
      else if (c.setup_results?.[i]?.error === undefined) t.match(answer, { response: {} }, `setup ${call.rpc}`)
    }
    const disk = await readTree(app.dataPath)
    const answer = await run(c)
    const after = await readTree(app.dataPath)
    if (isUnsafe(c) || hasBadMac(c)) {
      t.match(answer, { error: { code: status.INVALID_ARGUMENT } }, 'refused')
      t.same(after, disk, 'nothing is touched')
    } else if (isTooLarge(c)) {
      t.match(answer, { error: { code: status.RESOURCE_EXHAUSTED } }, 'too large to be read back')
      t.same(after, disk, 'nothing is touched')
    } else if (refusedSetups.length > 0) {
      // What the call was to find was never put.
      if (c.rpc.endsWith('Get')) t.match(answer, { error: { code: status.NOT_FOUND } })
      else t.match(answer, { response: {} })
    } else if (c.error === undefined) {
      // Both as messages: the order of fields and maps on the wire is free.
      const { responseDeserialize } = methods.get(c.rpc.slice(c.rpc.lastIndexOf('/') + 1))!
      const message = (bytes: unknown): unknown => c.rpc.startsWith('/') && Buffer.isBuffer(bytes) ? responseDeserialize(bytes) : bytes
      if (c.name in otherwise) t.match(answer, { response: {} })
      else t.same('response' in answer ? plain(message(answer.response)) : answer, plain(message(unwrap(c.response ?? {}))), 'the answer')
      t.same(after, tree(c.disk), 'the disk')
    } else if (c.rpc.endsWith('Delete') && /no such file/.test(c.error.message)) {
      t.same(answer, { response: {} }, 'deleting what is not there is fine')
      t.same(after, tree(c.disk), 'the disk')
    } else {
      const code = 'error' in answer ? answer.error.code : status.OK
      if (c.error.code === status.UNKNOWN) t.ok(finer.has(code), `a finer code than UNKNOWN: ${status[code]}`)
      else t.equal(code, c.error.code, `the code: ${JSON.stringify(answer)}`)
      if (c.error.code === status.NOT_FOUND) t.match(answer, { error: { message: c.error.message } })
      if ('error' in answer) t.notMatch(answer.error.message, app.dataPath, 'no path is told')
      t.same(after, tree(c.disk), 'the disk')
    }
    for (const { path, body_lines_sorted: lines } of c.http_after ?? []) {
      const { searchParams, search } = new URL(path, 'http://localhost')
      const labels = new Map([...searchParams])
      const { body } = app.provisioner.render('metadata', { labels, rawQuery: search.slice(1), client: undefined })
      t.same(body?.toString().split('\n').sort(), lines, path)
    }
  } finally {
    client.close()
    await app.close()
  }
}

t.test(`${cases.length} vectors`, async t => {
  for (const c of cases) await t.test(c.name, async t => { await replay(t, c) })
})

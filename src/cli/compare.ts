// compare: what Matchbox and this appliance answer to the same questions, for every group of the store: what is to be known
// before machines are told to ask the other one.
import { get as httpGet, type IncomingMessage } from 'node:http'
import { get as httpsGet } from 'node:https'
import type { Duplex } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
import { counted } from '../base/units.js'
import { openStore } from '../wiring/looking.js'
import { AppError, messageOf } from '../base/errors.js'
import type { ListenAddress } from '../config/load.js'
import { documentKinds } from '../matchbox/document-bodies.js'
import { isMacKey } from '../matchbox/group.js'
import { configOptions, parse } from './arguments.js'
import { errorLog } from './error-log.js'
import { tellUnread, unreadOf } from './unread.js'
import { serviceConfig } from './service-config.js'
import { type Command, errorJson, print, printJson } from './command.js'

/** Milliseconds, and octets of one answer. */
const patience = 10_000
const largest = 64 * 1024 * 1024

export interface MatchboxAnswer { readonly status: number, readonly body: string }

export interface Difference {
  readonly group: string
  /** As it was asked: `/ignition?mac=52-54-00-00-00-01`. */
  readonly path: string
  readonly text: string
}

export const compareCommand: Command = {
  name: 'compare',
  run: async (args, io) => {
    const { values } = parse(args, { ...configOptions, matchbox: { type: 'string' }, with: { type: 'string' }, json: { type: 'boolean' } })
    if (values.matchbox === undefined) throw new AppError('usage', 'compare takes --matchbox URL: http://192.168.100.2:8080')
    const { config } = await serviceConfig(values, io)
    const [theirs, ours] = [origin(values.matchbox), origin(values.with ?? ownOrigin(config.http.address))]
    if (theirs === ours) throw new AppError('usage', `--matchbox is ${theirs}, which is this appliance: let one of them listen elsewhere meanwhile`)
    const store = await openStore(config, errorLog(io))
    const groups = [...store.snapshot.groups.values()]
    await store.close()
    const unread = unreadOf(store.problems(), ['groups'])
    tellUnread(unread, 'compare', io)
    const differences: Difference[] = []
    let asked = 0
    for (const { id, selector } of groups) {
      // A selector may list several hardware addresses; a machine has one of them.
      const query = [...selector].map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(isMacKey(key) ? value.split(',')[0] ?? '' : value)}`).join('&')
      for (const document of documentKinds) {
        const path = `/${document}${query === '' ? '' : `?${query}`}`
        const [there, here] = await Promise.all([ask(theirs + path), ask(ours + path)])
        asked++
        const text = differenceOf(there, here)
        if (text === undefined) continue
        differences.push({ group: id, path, text })
        if (values.json !== true) print(io.stdout, `${id}: ${path}: ${text}`)
      }
    }
    const summary = `${counted(groups.length, 'group')}, ${counted(asked, 'document')}, ${differences.length} of them ${differences.length === 1 ? 'differs' : 'differ'}`
    const failure = differences.length > 0
      ? errorJson('answers_differ', summary)
      : unread.length > 0 ? errorJson('read_failed', `left out: ${unread.join('; ')}`) : undefined
    if (values.json === true) printJson(io.stdout, { matchbox: theirs, with: ours, groups: groups.length, asked, differences, ...failure })
    else print(io.stdout, summary)
    return failure === undefined ? 0 : 1
  }
}

/** What a person has to look at; undefined when a machine would do the same with either. */
export function differenceOf (theirs: MatchboxAnswer, ours: MatchboxAnswer): string | undefined {
  if (theirs.status !== ours.status) return `Matchbox answers ${theirs.status}, this appliance ${ours.status}`
  // What is said of an error is for people.
  if (theirs.status !== 200 || theirs.body === ours.body) return undefined
  const [a, b] = [jsonOf(theirs.body), jsonOf(ours.body)]
  if (a !== undefined && b !== undefined && isDeepStrictEqual(a, b)) return undefined
  const [their, our] = [linesOf(theirs.body, a), linesOf(ours.body, b)]
  const at = Array.from({ length: Math.max(their.length, our.length) }).findIndex((_, line) => their[line] !== our[line])
  return `line ${at + 1}: ${quote(their[at])} from Matchbox, ${quote(our[at])} from this appliance`
}

function jsonOf (text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** JSON with a line a value, so that a line says what differs. */
const linesOf = (body: string, json: unknown): string[] => (json === undefined ? body : JSON.stringify(json, null, 2)).split('\n')

const quote = (line: string | undefined): string => line === undefined ? 'nothing' : JSON.stringify(line.length > 200 ? `${line.slice(0, 200)}...` : line)

function origin (text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new AppError('usage', `${JSON.stringify(text)} is no URL: http://192.168.100.2:8080`)
  return `${url.origin}${url.pathname.replace(/\/$/, '')}`
}

const ownOrigin = ({ host, port }: ListenAddress): string => {
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${local.includes(':') ? `[${local}]` : local}:${port}`
}

const ask = async (url: string): Promise<MatchboxAnswer> => await new Promise((resolve, reject) => {
  const failed = (error: unknown): void => { reject(new AppError('read_failed', `${url}: ${messageOf(error)}`, { cause: error })) }
  const request = (url.startsWith('https:') ? httpsGet : httpGet)(url, { agent: false, signal: AbortSignal.timeout(patience) }, response => {
    const parts: Buffer[] = []
    let length = 0
    response.on('data', (part: Buffer) => {
      parts.push(part)
      length += part.length
      if (length > largest) request.destroy(new Error(`the answer is larger than ${largest} octets`))
    })
    response.once('end', () => { resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }) })
    response.once('error', failed)
  })
  request.once('error', failed)
  // Without anybody who takes it, Node closes an answer that leads to another protocol, and nothing more is heard of it.
  request.once('upgrade', ({ statusCode }: IncomingMessage, socket: Duplex) => {
    socket.destroy()
    failed(new Error(`the answer is ${statusCode}, which leads to another protocol`))
  })
})

// GET /v1/machines: all of them or those asked for, in the order of their addresses, sent as they are made: ten thousand
// machines are twenty megabytes that never stand in memory at once.
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { isStage, type Machine, stages } from '../machines/machine.js'
import type { MachineRegistry } from '../machines/registry.js'
import { type Mac, parseMac } from '../net/mac.js'
import { type Shower, shown } from './machine-shown.js'
import { refuse } from './refuse.js'

const json = 'application/json; charset=utf-8'

type Query = Readonly<Record<string, string | undefined>>

/** How many machines are looked at, and become text, at once. */
const lookedAt = 500
const toText = 20

export function registerList (app: FastifyInstance, options: Shower): void {
  const { registry, now } = options
  app.get<{ Querystring: Query }>('/v1/machines', async (request, reply) => {
    const { query } = request
    const { stage, limit, after } = query
    if (stage !== undefined && !isStage(stage)) return refuse(reply, 400, `stage takes one of ${stages.join(', ')}`)
    if (limit !== undefined && !/^[1-9]\d{0,5}$/.test(limit)) return refuse(reply, 400, 'limit takes a number of machines, from 1')
    const from = after === undefined ? undefined : parseMac(after)
    if (after !== undefined && from === undefined) return refuse(reply, 400, 'after takes the hardware address of the last machine of the page before')
    const since = query['since'] === undefined ? undefined : Date.parse(query['since'])
    if (Number.isNaN(since)) return refuse(reply, 400, 'since takes a time such as 2026-11-28T12:00:00Z')
    const wanted = selection(from, machine => isWanted(machine, query, since, registry, now()), options)
    if (limit === undefined) return reply.type(json).send(Readable.from(jsonOf(wanted, options)))
    const page: Machine[] = []
    let more = false
    for await (const machines of wanted) {
      const room = Number(limit) - page.length
      page.push(...machines.slice(0, room))
      more = machines.length > room
      if (more) break
    }
    const last = page.at(-1)
    if (last !== undefined && more) {
      const next = new URLSearchParams()
      for (const [key, value] of Object.entries({ ...query, after: last.mac })) if (value !== undefined) next.set(key, value)
      void reply.header('link', `</v1/machines?${next.toString()}>; rel="next"`)
    }
    return reply.type(json).send(Readable.from(jsonOf([page], options)))
  })
}

function isWanted (machine: Machine, query: Query, since: number | undefined, registry: MachineRegistry, now: number): boolean {
  return (query['stage'] === undefined || machine.stage === query['stage']) &&
    (query['group'] === undefined || machine.group === query['group']) &&
    (since === undefined || machine.lastSeen >= since) &&
    (!isSet(query['unknown']) || registry.isStranger(machine.mac)) &&
    (!isSet(query['stuck']) || registry.troubleOf(machine, now) !== undefined)
}

/** `?stuck`, `?stuck=true` and `?stuck=1` are one. */
const isSet = (value: string | undefined): boolean => value !== undefined && value !== 'false' && value !== '0'

/** Those of all machines that are wanted, some at a time, with other work of the program between them. */
async function * selection (
  from: Mac | undefined, wanted: (machine: Machine) => boolean, { registry, pace }: Shower
): AsyncGenerator<readonly Machine[]> {
  for (let after = from, more = true; more;) {
    const looked = await pace.work(() => {
      const machines = registry.after(after, lookedAt)
      return { last: machines.at(-1)?.mac, found: machines.filter(wanted), more: machines.length === lookedAt }
    })
    after = looked.last
    more = looked.more
    yield looked.found
  }
}

async function * jsonOf (pages: AsyncIterable<readonly Machine[]> | Iterable<readonly Machine[]>, options: Shower): AsyncGenerator<string> {
  let before = '['
  for await (const machines of pages) {
    for (let start = 0; start < machines.length; start += toText) {
      const text = await options.pace.work(() => machines.slice(start, start + toText).map(machine => JSON.stringify(shown(machine, options))).join(','))
      yield `${before}${text}`
      before = ','
    }
  }
  yield before === '[' ? '[]' : ']'
}

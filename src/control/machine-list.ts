// GET /v1/machines: all of them or those asked for, in the order of their addresses, sent as they are made: ten thousand
// machines are twenty megabytes that never stand in memory at once.
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { isStage, type Machine, stages } from '../machines/machine.js'
import type { MachineRegistry } from '../machines/registry.js'
import { parseMac } from '../net/mac.js'
import { type Shower, shown } from './machine-shown.js'
import { refuse } from './refuse.js'

type Query = Readonly<Record<string, string | undefined>>

/** How many machines become text in one turn of the event loop. */
const perTurn = 50

export function registerList (app: FastifyInstance, options: Shower): void {
  const { registry, now } = options
  app.get<{ Querystring: Query }>('/v1/machines', (request, reply) => {
    const { query } = request
    const { stage, limit, after } = query
    if (stage !== undefined && !isStage(stage)) return refuse(reply, 400, `stage takes one of ${stages.join(', ')}`)
    if (limit !== undefined && !/^[1-9]\d{0,5}$/.test(limit)) return refuse(reply, 400, 'limit takes a number of machines, from 1')
    const from = after === undefined ? undefined : parseMac(after)
    if (after !== undefined && from === undefined) return refuse(reply, 400, 'after takes the hardware address of the last machine of the page before')
    const since = query['since'] === undefined ? undefined : Date.parse(query['since'])
    if (Number.isNaN(since)) return refuse(reply, 400, 'since takes a time such as 2026-11-28T12:00:00Z')
    const wanted = registry.list()
      .filter(machine => (from === undefined || machine.mac > from) && isWanted(machine, query, since, registry, now()))
    const page = limit === undefined ? wanted : wanted.slice(0, Number(limit))
    const last = page.at(-1)
    if (last !== undefined && page.length < wanted.length) {
      const next = new URLSearchParams()
      for (const [key, value] of Object.entries({ ...query, after: last.mac })) if (value !== undefined) next.set(key, value)
      void reply.header('link', `</v1/machines?${next.toString()}>; rel="next"`)
    }
    return reply.type('application/json; charset=utf-8').send(Readable.from(jsonOf(page, options)))
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

function * jsonOf (machines: readonly Machine[], options: Shower): Generator<string> {
  for (let start = 0; start < machines.length; start += perTurn) {
    const texts = machines.slice(start, start + perTurn).map(machine => JSON.stringify(shown(machine, options)))
    yield `${start === 0 ? '[' : ','}${texts.join(',')}`
  }
  yield machines.length === 0 ? '[]' : ']'
}

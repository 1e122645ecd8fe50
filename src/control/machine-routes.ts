// What has been seen of machines: /v1/machines, /v1/events, and /v1/installed, by which a machine reports itself.
import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { AppError } from '../base/errors.js'
import type { AddressClaims } from '../machines/address-claims.js'
import { findMachine, type NamedMachine } from '../machines/find-machine.js'
import type { MachineRegistry, StageChange } from '../machines/registry.js'
import { isStage, stages } from '../machines/machine.js'
import { unmapped } from '../net/ipv4.js'
import { type Mac, parseMac } from '../net/mac.js'
import { type ShareLimits, Shares } from '../net/shares.js'
import { EventLog, type UnwrittenEvent } from './event-log.js'
import { EventStreams } from './event-streams.js'
import { registerList } from './machine-list.js'
import { type Shower, shown, type StageShown, time } from './machine-shown.js'
import { refuse } from './refuse.js'

export interface MachineRoutesOptions extends Shower {
  /** Machines that groups name, seen or not. */
  readonly named?: () => Iterable<NamedMachine>
  /** Knows whether an address is a machine's, by more than what the request says. */
  readonly addressClaims: Pick<AddressClaims, 'hear' | 'isAddressOf'>
  /** A machine reported that it is installed, from this address. */
  readonly onInstalled: (mac: Mac, address: string) => void
  /** Has `listener` told of what else is news to who follows /v1/events. */
  readonly onNews?: (listener: (news: object) => void) => void
  /** Told of a request whose answer takes its time, before it waits. */
  readonly hold?: (request: IncomingMessage, response: ServerResponse) => void
}

/** Seconds that `?wait=` may hold an answer, and how many may be held. */
const longestWait = 3600
export const waiters: ShareLimits = { all: 1000, perAddress: 500 }
/** Who follows /v1/events. */
export const eventReaders: ShareLimits = { all: 200, perAddress: 50 }

export function registerMachineRoutes (app: FastifyInstance, options: MachineRoutesOptions): void {
  // Answers that wait and streams end before the server closes, which waits for them.
  const closing = new AbortController()
  // One for each who waits.
  setMaxListeners(0, closing.signal)
  app.addHook('preClose', async () => { closing.abort() })
  registerList(app, options)
  registerMachine(app, options, closing.signal)
  registerEvents(app, options, closing.signal)
  registerInstalled(app, options)
}

/** Of whoever asks over a Unix socket there is none, whatever the type says. */
const addressOf = ({ ip }: { readonly ip: string | undefined }): string => unmapped(ip ?? '')

function registerMachine (app: FastifyInstance, options: MachineRoutesOptions, closing: AbortSignal): void {
  const { registry, hold, named = () => [] } = options
  const places = new Shares(waiters)
  app.get<{ Params: { mac: string }, Querystring: Record<string, string | undefined> }>('/v1/machines/:mac', async (request, reply) => {
    const found = findMachine(request.params.mac, registry, named())
    if ('problem' in found) return refuse(reply, found.several === undefined ? 404 : 409, found.problem)
    const { mac } = found
    const { wait, timeout = '60' } = request.query
    if (wait === undefined) {
      const machine = registry.get(mac)
      return machine === undefined ? refuse(reply, 404, `no machine ${mac} has been seen`) : shown(machine, options)
    }
    if (!isStage(wait)) return refuse(reply, 400, `wait takes one of ${stages.join(', ')}`)
    const seconds = Number(timeout)
    if (!(seconds >= 0 && seconds <= longestWait)) return refuse(reply, 400, `timeout takes seconds, 0 to ${longestWait}`)
    const leave = places.take(addressOf(request))
    if (leave === undefined) return refuse(reply, 503, 'too many are waiting already')
    hold?.(request.raw, reply.raw)
    // Not AbortSignal.any: Node 20's lets go of a timeout that nobody else holds, which then never comes.
    const over = new AbortController()
    const end = (): void => { over.abort() }
    const timer = setTimeout(end, seconds * 1000)
    reply.raw.once('close', end)
    closing.addEventListener('abort', end, { once: true })
    if (closing.aborted) end()
    try {
      const machine = await registry.waitFor(mac, wait, over.signal)
      if (machine !== undefined) return shown(machine, options)
      const now = registry.get(mac)
      return refuse(reply, 408, `${mac} is not ${wait} after ${seconds} s; it is ${now?.stage ?? 'not seen'}`)
    } finally {
      clearTimeout(timer)
      closing.removeEventListener('abort', end)
      leave()
    }
  })
}

/** One server-sent event for each new line in a machine's timeline; what a reader missed comes first. */
function registerEvents (app: FastifyInstance, { registry, hold, onNews }: MachineRoutesOptions, closing: AbortSignal): void {
  const places = new Shares(eventReaders)
  const streams = new EventStreams()
  const log = new EventLog(randomUUID().replaceAll('-', ''))
  registry.onChange(change => { streams.send(log.addUnwritten(told(change))) })
  onNews?.(news => { streams.send(log.add(JSON.stringify(news), 'update')) })
  closing.addEventListener('abort', () => { streams.end() }, { once: true })
  app.get('/v1/events', (request, reply) => {
    const leave = places.take(addressOf(request))
    if (leave === undefined) return refuse(reply, 503, 'too many listen already')
    hold?.(request.raw, reply.raw)
    reply.raw.once('close', leave)
    reply.hijack()
    const last = request.headers['last-event-id']
    streams.add(reply.raw, `: machines\n\n${typeof last === 'string' ? log.since(last) : ''}${log.here()}`)
    return reply
  })
}

/** What is in an event of a machine beside the texts that the machine or its files chose. */
const octetsOfEvent = 200

function told ({ machine: { address, group, profile }, observation }: StageChange): UnwrittenEvent {
  const { mac, at, stage, detail, failed, warning } = observation
  const texts = [detail, failed, warning, group, profile]
  return {
    octets: texts.reduce((sum, text) => sum + (text?.length ?? 0), octetsOfEvent),
    write: () => JSON.stringify({
      mac,
      stage,
      at: time(at),
      ...detail !== undefined && { detail },
      ...failed !== undefined && { failed },
      ...warning !== undefined && { warning },
      ...address !== undefined && { address },
      ...group !== undefined && { group },
      ...profile !== undefined && { profile }
    } satisfies StageShown)
  }
}

/** Why what was just recorded of a machine would not survive; undefined when it would. */
export async function unkeptOf (registry: Pick<MachineRegistry, 'kept'>, mac: Mac): Promise<string | undefined> {
  try {
    await registry.kept(mac)
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error.message
    throw error
  }
}

function registerInstalled (app: FastifyInstance, { registry, addressClaims, onInstalled }: MachineRoutesOptions): void {
  void app.register((scope, _options, done) => {
    // Installers post with whatever their wget or curl sends; what they say is of no interest, that they say it is.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, parsed) => { parsed(null, undefined) })
    scope.route<{ Querystring: Record<string, string | undefined> }>({
      method: ['GET', 'POST'],
      url: '/v1/installed',
      exposeHeadRoute: false,
      bodyLimit: 64 * 1024,
      handler: async (request, reply) => {
        const mac = parseMac(String(request.query['mac'] ?? ''))
        if (mac === undefined) return refuse(reply, 400, 'give the hardware address of the machine: ?mac=52-54-00-12-34-56')
        const address = addressOf(request)
        await addressClaims.hear(mac, address)
        if (!addressClaims.isAddressOf(mac, address)) return refuse(reply, 403, `this came from ${address}, which is not known to be the address of ${mac}`)
        onInstalled(mac, address)
        const unkept = await unkeptOf(registry, mac)
        if (unkept !== undefined) return refuse(reply, 503, `${unkept}; report it again`)
        return reply.send({ mac, installed: true })
      }
    })
    done()
  })
}

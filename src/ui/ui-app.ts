// /ui/: pages for people, on a listener of their own. Read-only. A page is whole without JavaScript; with it the first one is live.
import { readFileSync } from 'node:fs'
import type { RequestListener, Server } from 'node:http'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { randomUUID } from 'node:crypto'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Clock, Timer } from '../base/clock.js'
import { EventLog } from '../control/event-log.js'
import { EventStreams } from '../control/event-streams.js'
import { shown, type Shower } from '../control/machine-shown.js'
import { hostProblem } from '../go/http/host-header.js'
import { unmapped } from '../net/ipv4.js'
import { type Mac, parseMac } from '../net/mac.js'
import { type Limits, Shares } from '../net/shares.js'
import type { TlsIdentity } from '../net/tls-identity.js'
import type { Access } from './access.js'
import { Boots, pageRows } from './boots.js'
import { bootsPage } from './boots-page.js'
import type { Fleet } from './fleet.js'
import { fleetPage } from './fleet-page.js'
import type { Html } from './html.js'
import { healthPage, type HealthShown } from './health-page.js'
import {
  type FetchShown, type ImageShown, imagesPage, type SourceOfImages, storePage, type StoreShown,
  strangersPage
} from './list-pages.js'
import { machinePage, type MachineDetails } from './machine-page.js'
import { networkPage, type NetworkShown } from './network-page.js'
import { isCertified } from './tls-server.js'
import type { Section } from './ladder.js'
import { Vendors } from './vendors.js'
import { unwaited } from '../base/errors.js'
import { noSchemas } from '../base/no-schemas.js'

export interface UiSource extends Shower {
  readonly clock: Clock
  /** What is known of one machine beside its record. */
  readonly details: (mac: Mac) => Promise<Pick<MachineDetails, 'lease' | 'candidates' | 'documents' | 'packets'>>
  /** Its last packets as a file for Wireshark; undefined when there are none. */
  readonly pcap: (mac: Mac) => Buffer | undefined
  readonly network: () => NetworkShown
  readonly images: () => Promise<{
    readonly sources: readonly SourceOfImages[], readonly releases: readonly ImageShown[], readonly underWay: readonly FetchShown[]
  }>
  /** As the store is now: profiles that boot what stands under a path. */
  readonly bootedBy: () => (path: string) => readonly string[]
  readonly store: () => StoreShown
  readonly fleet: Fleet
  readonly health: () => Promise<Pick<HealthShown, 'checks' | 'at'>>
  /** Why the appliance is not ready. */
  readonly problems: () => readonly string[]
  readonly version: string
}

export interface UiOptions {
  readonly source: UiSource
  readonly access: Access
  /** Names that a browser may call this server by, beside its addresses. */
  readonly names: ReadonlySet<string>
  /** Of a server over TLS, for who shows a certificate or, where there are users, has a password; asked for each request. */
  readonly identity?: () => TlsIdentity
  /** Where page.css and live.js are. */
  readonly filePath: (name: string) => string
  /** The server, with what its clients may hold; one without bounds when it is left out. */
  readonly serverFactory?: (handle: RequestListener) => Server
}

export const watchers: Limits = { all: 100, perAddress: 20 }
/**
 * Milliseconds that a change waits for others that come with it, between two events at least, and after which it is looked for machines
 * that are silent for too long.
 */
const soon = 20
const gather = 100
const look = 2000
/** Rows that one event carries. */
const mostRows = 500

/** As IANA has it. */
const pcapType = 'application/vnd.tcpdump.pcap'

const compress = promisify(gzip)
const policy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
const addressOf = ({ ip }: { readonly ip: string | undefined }): string => unmapped(ip ?? '')

export function buildUiApp (options: UiOptions): FastifyInstance {
  const { source, access, names, identity, filePath, serverFactory } = options
  const app = fastify({
    logger: false,
    schemaController: noSchemas,
    forceCloseConnections: true,
    bodyLimit: 1024,
    routerOptions: { maxParamLength: 128 },
    ...serverFactory !== undefined && { serverFactory }
  })
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers({ 'content-security-policy': policy, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
    if (!access.isAllowed(addressOf(request))) return await plain(reply, 403, `${addressOf(request)} may not look at this page (ui.allow)`)
    const problem = hostProblem(request.raw.rawHeaders, request.raw.httpVersion === '1.1')
    if (problem !== undefined) return await plain(reply.header('connection', 'close'), 400, `400 Bad Request: ${problem}`)
    if (!isOurs(request, names)) return await plain(reply, 421, 'this is not where that name leads to')
    if (identity !== undefined) {
      if (isCertified(request.raw, identity())) return
      if (!access.hasUsers) return await plain(reply, 403, 'this page wants a client certificate of the authority of the gRPC API (ui.client_certificates)')
    }
    const isUser = await access.isUser(request.headers.authorization)
    if (isUser === 'busy') return await plain(reply.header('retry-after', '2'), 503, 'too many passwords are being tried')
    if (!isUser) return await plain(reply.header('www-authenticate', 'Basic realm="core-provisioner", charset="UTF-8"'), 401, 'name and password, please')
  })
  app.setNotFoundHandler(async (_, reply) => await plain(reply, 404, 'there is no such page'))
  app.get('/', async (_, reply) => await reply.redirect('/ui/'))
  app.get('/ui', async (_, reply) => await reply.redirect('/ui/'))
  const css = readFileSync(filePath('page.css'))
  const script = readFileSync(filePath('live.js'))
  app.get('/ui/page.css', async (request, reply) => await send(request, reply.type('text/css; charset=utf-8'), css))
  app.get('/ui/live.js', async (request, reply) => await send(request, reply.type('text/javascript; charset=utf-8'), script))

  const icon = readFileSync(filePath('icon.svg'))
  app.get('/ui/icon.svg', async (request, reply) => await send(request, reply.type('image/svg+xml'), icon))

  const boots = new Boots(source)
  const vendors = new Vendors()
  const give = async (request: FastifyRequest, reply: FastifyReply, page: Html): Promise<FastifyReply> =>
    await send(request, reply.type('text/html; charset=utf-8'), Buffer.from(page.text))
  app.get<{ Querystring: Readonly<Record<string, string | string[] | undefined>> }>('/ui/', async (request, reply) => {
    const asked = (name: string): string => { const value = request.query[name]; return (Array.isArray(value) ? value[0] : value)?.slice(0, 128) ?? '' }
    const query = asked('q').trim()
    const from = /^\d{1,7}$/.test(asked('from')) ? Number(asked('from')) : 0
    const { more, ...page } = await boots.page(query, from)
    const next = more ? `/ui/?${new URLSearchParams({ ...query !== '' && { q: query }, from: String(from + pageRows) }).toString()}` : undefined
    return await give(request, reply, bootsPage({ ...page, query, next, wall: request.query['wall'] !== undefined, problems: source.problems() }))
  })
  app.get<{ Params: { mac: string }, Querystring: { save?: string } }>('/ui/machines/:mac', async (request, reply) => {
    const mac = parseMac(request.params.mac)
    const machine = mac === undefined ? undefined : source.registry.get(mac)
    if (mac === undefined || machine === undefined) return await plain(reply, 404, 'no such machine has been seen')
    const isSaved = request.query.save !== undefined
    if (isSaved) void reply.headers({ 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'", 'content-disposition': `attachment; filename="${mac.replaceAll(':', '-')}.html"` })
    const details = await source.details(mac)
    const style = isSaved ? { style: css.toString() } : {}
    const pcap = isSaved ? `data:${pcapType};base64,${source.pcap(mac)?.toString('base64') ?? ''}` : `/ui/machines/${mac}/packets.pcap`
    return await give(request, reply, machinePage({ machine: shown(machine, source), now: source.now(), ...details, pcap, ...style }))
  })
  app.get<{ Params: { mac: string } }>('/ui/machines/:mac/packets.pcap', async (request, reply) => {
    const mac = parseMac(request.params.mac)
    const pcap = mac === undefined ? undefined : source.pcap(mac)
    if (mac === undefined || pcap === undefined) return await plain(reply, 404, 'no packet of such a machine has been seen')
    void reply.header('content-disposition', `attachment; filename="${mac.replaceAll(':', '-')}.pcap"`)
    return await send(request, reply.type(pcapType), pcap)
  })
  app.get('/ui/strangers', async (request, reply) => {
    const { registry, now } = source
    const strangers = (await boots.overview()).placed.map(({ machine }) => machine).filter(({ mac }) => registry.isStranger(mac))
    const latest = strangers.toSorted((a, b) => b.lastSeen - a.lastSeen).slice(0, mostRows)
    const names = await vendors.namesOf(latest.map(({ mac }) => mac))
    return await give(request, reply, strangersPage(latest.map(machine => shown(machine, source)), names, now()))
  })
  app.get('/ui/fleet', async (request, reply) => {
    const { fleet, now } = source
    const [hours, pieces] = [fleet.spans(now(), 24, 60), fleet.spans(now(), 288, 5)]
    return await give(request, reply, fleetPage({ hours, pieces, since: fleet.since }))
  })
  app.get('/ui/network', async (request, reply) => await give(request, reply, networkPage(source.network())))
  app.get('/ui/images', async (request, reply) => {
    const { sources, releases, underWay } = await source.images()
    const shown = { sources, releases: releases.slice(0, mostRows), underWay, bootedBy: source.bootedBy(), now: source.now() }
    return await give(request, reply, imagesPage(shown))
  })
  app.get('/ui/store', async (request, reply) => await give(request, reply, storePage(source.store())))
  app.get('/ui/health', async (request, reply) => await give(request, reply, healthPage({ ...await source.health(), now: source.now(), version: source.version })))
  serveEvents(app, source, boots)
  return app
}

/** A page of elsewhere that has its own name lead here can't read what it gets: browsers tell by which name they came. */
function isOurs ({ headers }: FastifyRequest, names: ReadonlySet<string>): boolean {
  const host = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '').toLowerCase()
  return isIP(host) !== 0 || host === 'localhost' || names.has(host)
}

const plain = async (reply: FastifyReply, status: number, text: string): Promise<FastifyReply> =>
  await reply.code(status).type('text/plain; charset=utf-8').send(`${text}\n`)

async function send ({ headers }: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<FastifyReply> {
  void reply.header('vary', 'accept-encoding')
  if (!/\bgzip\b/.test(String(headers['accept-encoding'] ?? ''))) return await reply.send(body)
  return await reply.header('content-encoding', 'gzip').send(await compress(body))
}

/** Rows of machines that did something, or were silent for too long, while anybody watches. */
function serveEvents (app: FastifyInstance, { registry, clock }: UiSource, boots: Boots): void {
  const places = new Shares(watchers)
  const streams = new EventStreams(0)
  const log = new EventLog(randomUUID().replaceAll('-', ''))
  const changed = new Set<Mac>()
  const sections = new Map<Mac, Section>()
  let told = ''
  let overview: { counts: Record<Section, number>, lastBoot: number | undefined } =
    { counts: { trouble: 0, booting: 0, fine: 0 }, lastBoot: undefined }
  let flushing: Timer | undefined
  let flushedAt = -Infinity
  let looking: Timer | undefined
  let stop = (): void => {}

  /** Rows of these, and how many there are of each section now. */
  const tell = (macs: readonly Mac[]): void => {
    const { text, placed } = boots.update(macs, overview)
    for (const { mac, section } of placed) {
      const before = sections.get(mac)
      if (before !== undefined) overview.counts[before]--
      overview.counts[section]++
      sections.set(mac, section)
    }
    told = JSON.stringify(overview.counts)
    streams.send(log.add(text()))
  }
  /** One change alone is told soon; of many there is one event in a while. */
  const plan = (): void => { flushing ??= clock.after(Math.min(gather, Math.max(soon, flushedAt + gather - clock.now())), flush) }
  const flush = (): void => {
    flushing = undefined
    flushedAt = clock.now()
    if (changed.size === 0) return
    const some = [...changed].slice(0, mostRows)
    for (const mac of some) changed.delete(mac)
    tell(some)
    if (changed.size > 0) plan()
  }
  const lookAgain = async (): Promise<void> => {
    const made = await boots.overview()
    overview = { counts: { ...made.counts }, lastBoot: made.lastBoot }
    const isFirst = sections.size === 0
    for (const { machine: { mac }, section } of made.placed) {
      if (!isFirst && sections.get(mac) !== section) changed.add(mac)
    }
    sections.clear()
    for (const { machine: { mac }, section } of made.placed) sections.set(mac, section)
    if (changed.size > 0) plan()
    // A page may be older than the first look.
    else if (JSON.stringify(overview.counts) !== told) tell([])
  }
  const begin = (): void => {
    stop = registry.onChange(({ machine: { mac } }) => {
      changed.add(mac)
      plan()
    })
    looking = clock.every(look, () => { unwaited(lookAgain()) })
    unwaited(lookAgain())
  }
  const end = (): void => {
    stop()
    looking?.cancel()
    flushing?.cancel()
    looking = flushing = undefined
    changed.clear()
    sections.clear()
  }
  app.addHook('preClose', async () => {
    streams.end()
    end()
  })
  app.get('/ui/events', (request, reply) => {
    const leave = places.take(addressOf(request))
    if (leave === undefined) return plain(reply, 503, 'too many watch already')
    reply.raw.once('close', () => {
      leave()
      if (streams.size <= 1) setImmediate(() => { if (streams.size === 0) end() })
    })
    reply.hijack()
    const last = request.headers['last-event-id']
    if (streams.size === 0) begin()
    streams.add(reply.raw, `: boots\n\n${typeof last === 'string' ? log.since(last) : ''}`)
    return reply
  })
}

// /ui/: pages for people, on a listener of their own. Read-only. A page is whole without JavaScript; with it the first one is live.
import { readFileSync } from 'node:fs'
import type { RequestListener, Server } from 'node:http'
import { isIP } from 'node:net'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Clock } from '../base/clock.js'
import { noSchemas } from '../base/no-schemas.js'
import { shown, type Shower } from '../control/machine-shown.js'
import { hostProblem } from '../go/http/host-header.js'
import { type Mac, parseMac } from '../net/mac.js'
import type { TlsIdentity } from '../net/tls-identity.js'
import type { Access } from './access.js'
import { Boots } from './boots.js'
import { bootsPage } from './boots-page.js'
import type { Fleet } from './fleet.js'
import { fleetPage } from './fleet-page.js'
import type { Html } from './html.js'
import { healthPage, type HealthShown } from './health-page.js'
import { type FetchShown, type ImageShown, imagesPage, type SourceOfImages } from './images-page.js'
import { machinePage, type MachineDetails } from './machine-page.js'
import { networkPage, type NetworkShown } from './network-page.js'
import { choose, parsePlace, placeText } from './paging.js'
import { addressOf, FixedBody, plain, send } from './sending.js'
import { isCertified } from './tls-server.js'
import { storePage, type StorePlaces, type StoreShown } from './store-page.js'
import { strangersPage } from './strangers-page.js'
import { sections } from './ladder.js'
import { serveLiveRows } from './live-rows.js'
import { Vendors } from './vendors.js'

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
  readonly store: (places: StorePlaces) => StoreShown
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

/** Releases of images that are listed. */
export const mostReleases = 500
export const strangerRows = 100

interface PageQuery { readonly Querystring: Readonly<Record<string, string | string[] | undefined>> }

/** One value of a query, cut to what anybody types. */
function asked ({ query }: { readonly query: PageQuery['Querystring'] }, name: string): string {
  const value = query[name]
  return (Array.isArray(value) ? value[0] : value)?.slice(0, 128) ?? ''
}

/** As IANA has it. */
const pcapType = 'application/vnd.tcpdump.pcap'

const policy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

export function buildUiApp (options: UiOptions): FastifyInstance {
  const { source, filePath, serverFactory } = options
  const app = fastify({
    schemaController: noSchemas,
    forceCloseConnections: true,
    bodyLimit: 1024,
    routerOptions: { maxParamLength: 128 },
    ...serverFactory !== undefined && { serverFactory }
  })
  guardPages(app, options)
  app.setNotFoundHandler(async (_, reply) => await plain(reply, 404, 'there is no such page'))
  app.get('/', async (_, reply) => await reply.redirect('/ui/'))
  app.get('/ui', async (_, reply) => await reply.redirect('/ui/'))
  serveFiles(app, filePath)
  const boots = new Boots(source)
  serveBoots(app, source, boots)
  serveMachines(app, source, readFileSync(filePath('page.css'), 'utf8'))
  serveStrangers(app, source, boots)
  serveRest(app, source)
  serveLiveRows(app, source, boots)
  return app
}

/** Who may look, and by which names. */
function guardPages (app: FastifyInstance, { access, names, identity }: UiOptions): void {
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
}

function serveFiles (app: FastifyInstance, filePath: UiOptions['filePath']): void {
  for (const [name, type] of [['page.css', 'text/css; charset=utf-8'], ['live.js', 'text/javascript; charset=utf-8'], ['icon.svg', 'image/svg+xml']] as const) {
    const file = new FixedBody(readFileSync(filePath(name)))
    app.get(`/ui/${name}`, async (request, reply) => await file.send(request, reply.type(type)))
  }
}

const give = async (request: FastifyRequest, reply: FastifyReply, page: Html): Promise<FastifyReply> =>
  await send(request, reply.type('text/html; charset=utf-8'), Buffer.from(page.text))

function serveBoots (app: FastifyInstance, source: UiOptions['source'], boots: Boots): void {
  app.get<PageQuery>('/ui/', async (request, reply) => {
    const query = asked(request, 'q').trim()
    const shown = await boots.page({ query, section: sections.find(section => section === asked(request, 'in')), behind: parsePlace(asked(request, 'after')) })
    return await give(request, reply, bootsPage({ ...shown, query, wall: request.query['wall'] !== undefined, problems: source.problems() }))
  })
}

/** `css` goes into a page that is saved. */
function serveMachines (app: FastifyInstance, source: UiOptions['source'], css: string): void {
  app.get<{ Params: { mac: string }, Querystring: { save?: string } }>('/ui/machines/:mac', async (request, reply) => {
    const mac = parseMac(request.params.mac)
    const machine = mac === undefined ? undefined : source.registry.get(mac)
    if (mac === undefined || machine === undefined) return await plain(reply, 404, 'no such machine has been seen')
    const isSaved = request.query.save !== undefined
    if (isSaved) void reply.headers({ 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'", 'content-disposition': `attachment; filename="${mac.replaceAll(':', '-')}.html"` })
    const details = await source.details(mac)
    const style = isSaved ? { style: css } : {}
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
}

function serveStrangers (app: FastifyInstance, source: UiOptions['source'], boots: Boots): void {
  const vendors = new Vendors()
  app.get<PageQuery>('/ui/strangers', async (request, reply) => {
    const { registry, now } = source
    const strangers = (await boots.overview()).placed.map(({ machine }) => machine).filter(({ mac }) => registry.isStranger(mac))
    const { chosen, before, next } = choose(strangers, strangerRows, parsePlace(asked(request, 'after')))
    const names = await vendors.namesOf(chosen.map(({ mac }) => mac))
    const more = next === undefined ? undefined : `/ui/strangers?after=${placeText(next)}`
    const rows = chosen.map(machine => shown(machine, source))
    const page = strangersPage({ strangers: rows, vendors: names, now: now(), count: strangers.length, before, more })
    return await give(request, reply, page)
  })
}

/** Pages of one look at the service. */
function serveRest (app: FastifyInstance, source: UiOptions['source']): void {
  app.get('/ui/fleet', async (request, reply) => {
    const { fleet, now } = source
    const [hours, pieces] = [fleet.spans(now(), 24, 60), fleet.spans(now(), 288, 5)]
    return await give(request, reply, fleetPage({ hours, pieces, since: fleet.since }))
  })
  app.get('/ui/network', async (request, reply) => await give(request, reply, networkPage(source.network())))
  app.get('/ui/images', async (request, reply) => {
    const { sources, releases, underWay } = await source.images()
    const shown = { sources, releases: releases.slice(0, mostReleases), count: releases.length, underWay }
    return await give(request, reply, imagesPage({ ...shown, bootedBy: source.bootedBy(), now: source.now() }))
  })
  app.get<PageQuery>('/ui/store', async (request, reply) => {
    const place = (name: string): number => Number(/^\d{1,7}$/.exec(asked(request, name))?.[0] ?? 0)
    return await give(request, reply, storePage(source.store({ groups: place('groups'), profiles: place('profiles') })))
  })
  app.get('/ui/health', async (request, reply) => await give(request, reply, healthPage({ ...await source.health(), now: source.now(), version: source.version })))
}

/** A page of elsewhere that has its own name lead here can't read what it gets: browsers tell by which name they came. */
function isOurs ({ headers }: FastifyRequest, names: ReadonlySet<string>): boolean {
  const host = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '').toLowerCase()
  return isIP(host) !== 0 || host === 'localhost' || names.has(host)
}

// The network as a picture made here, and the same as tables: the interface, who else answers DHCP beside it, and below it each subnet with
// the relay agents that its machines come through.
import { ago, counted } from '../base/units.js'
import { type Html, html } from './html.js'
import { page, table, wide } from './page.js'

export interface SubnetShown {
  readonly subnet: string
  readonly range: string | undefined
  readonly used: number
  readonly size: number
  readonly reservations: number
}

/** A relay agent, or another DHCP server. */
export interface NeighbourShown {
  readonly address: string
  /** Epoch milliseconds, as `lastSeen`. */
  readonly firstSeen: number
  readonly lastSeen: number
  readonly times: number
  /** The configured subnet that it is in; undefined for one that is in none. */
  readonly subnet: string | undefined
}

export interface NetworkShown {
  readonly mode: string
  readonly interfaces: readonly string[]
  readonly origin: string
  readonly subnets: readonly SubnetShown[]
  /** The one that was seen last first. */
  readonly relays: readonly NeighbourShown[]
  readonly servers: readonly NeighbourShown[]
  /** Messages that named an address which was not written down. */
  readonly passedOver: number
  readonly now: number
}

/** Relay agents of a subnet, or servers, that the picture has room for. */
const mostDrawn = 6
const step = 52

export const networkPage = (shown: NetworkShown): Html => page({ title: 'Network', tab: 'network' }, html`
<h1>Network</h1>
<div id="again" data-every="10">
${picture(shown)}
<p>DHCP: ${shown.mode}. ${shown.servers.length === 0 ? 'No other DHCP server was seen' : `${shown.servers.length} ${serverWord(shown.mode, shown.servers.length)} seen`}, and ${
  shown.relays.length === 0 ? 'no relay agent' : counted(shown.relays.length, 'relay agent')}, since this service started.${
  shown.passedOver > 0 && ` ${counted(shown.passedOver, 'message')} named further addresses, too many to write down.`}</p>
${table('Subnets', ['Subnet', 'Range', 'Used', 'Reservations'], shown.subnets.map(({ subnet, range = '-', used, size, reservations }) => html`<tr><th scope="row">${subnet}</th><td>${range}</td><td>${size === 0 ? '-' : `${used} of ${size}`}</td><td>${reservations}</td></tr>`), 'No subnet is configured (dhcp.subnets).')}
${shown.servers.length > 0 && html`<section><h2>Other DHCP servers</h2>
<p>${shown.mode === 'proxy' ? 'That the network has one is as it should be.' : 'Machines take whichever answers first: turn it off, or use mode proxy beside it.'}</p>
${neighbours('Other DHCP servers', shown.servers, shown.now)}</section>`}
${shown.relays.length > 0 && html`<section><h2>Relay agents</h2>
<p>By the address that they say they are at (giaddr). Machines behind one that is in no subnet get no address from here.</p>
${neighbours('Relay agents', shown.relays, shown.now)}</section>`}
</div>`)

const serverWord = (mode: string, count: number): string =>
  `${mode === 'proxy' ? '' : 'other '}DHCP ${count === 1 ? 'server was' : 'servers were'}`

const neighbours = (caption: string, rows: readonly NeighbourShown[], now: number): Html => table(caption, ['Address', 'Subnet', 'Messages', 'First seen', 'Last seen'],
  rows.map(({ address, subnet = 'none', times, firstSeen, lastSeen }) => html`<tr><th scope="row">${address}</th><td>${subnet}</td><td>${times}</td><td>${new Date(firstSeen).toISOString()}</td>
<td><time datetime="${new Date(lastSeen).toISOString()}">${ago(now - lastSeen)}</time></td></tr>`))

/** A box of the picture, with how much of a range is used where it has one. */
interface Box {
  readonly x: number
  readonly width: number
  readonly kind: string
  readonly title: string
  readonly line: string
  readonly fill?: readonly [used: number, size: number]
}

const seenLine = ({ times, lastSeen }: NeighbourShown, now: number): string => `${counted(times, 'message')}, the last ${ago(now - lastSeen)}`

function picture ({ mode, interfaces, origin, subnets, relays, servers, now }: NetworkShown): Html {
  const below: Box[] = []
  const addRelays = (some: readonly NeighbourShown[], kind: string): void => {
    for (const relay of some.slice(0, mostDrawn)) {
      const title = `relay agent ${relay.address}${relay.subnet === undefined ? ', in no subnet' : ''}`
      below.push({ x: 50, width: 370, kind, title, line: seenLine(relay, now) })
    }
    if (some.length > mostDrawn) below.push({ x: 50, width: 370, kind, title: `${some.length - mostDrawn} more relay agents`, line: 'in the table below' })
  }
  for (const { subnet, range = 'no range', used, size, reservations } of subnets) {
    const through = relays.filter(relay => relay.subnet === subnet)
    addRelays(through, 'box')
    below.push({ x: through.length > 0 ? 90 : 50, width: through.length > 0 ? 760 : 800, kind: 'box', title: subnet, line: `${range}; ${counted(reservations, 'reservation')}`, ...size > 0 && { fill: [used, size] as const } })
  }
  addRelays(relays.filter(({ subnet }) => subnet === undefined), 'odd')
  // In mode proxy another server is as it should be.
  const kind = mode === 'proxy' ? 'box' : 'odd'
  const beside = servers.slice(0, mostDrawn).map((server): Box =>
    ({ x: 440, width: 410, kind, title: `${mode === 'proxy' ? "the network's own" : 'another'} DHCP server: ${server.address}`, line: seenLine(server, now) }))
  if (servers.length > mostDrawn) beside.push({ x: 440, width: 410, kind, title: `${servers.length - mostDrawn} more DHCP servers`, line: 'in the table below' })
  const top = Math.max(1, beside.length) * step + 10
  const tall = top + below.length * step
  return wide('The network as a picture', html`<svg class="network" viewBox="0 0 860 ${tall}" role="img" aria-label="The interface, other DHCP servers beside it, and below it relay agents and each subnet with how full its range is; the tables below say the same">
${beside.map((box, at) => html`<path class="wire" d="M 301 23 H 370 V ${at * step + 23} H 440"/>${drawn(box, at * step + 1)}`)}
<rect class="box" x="1" y="1" width="300" height="44" rx="6"/><text x="14" y="20">${interfaces.length === 0 ? 'no DHCP' : interfaces.join(', ')}</text><text x="14" y="37" class="small">${origin}</text>
${below.map((box, at) => html`<path class="wire" d="${box.x > 50 ? `M 70 ${top + at * step - step + 44}` : 'M 20 45'} V ${top + at * step + 22} H ${box.x}"/>${drawn(box, top + at * step)}`)}
</svg>`)
}

const drawn = ({ x, width, kind, title, line, fill }: Box, y: number): Html => html`<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="44" rx="6"/>
<text x="${x + 14}" y="${y + 19}">${title}</text><text x="${x + 14}" y="${y + 36}" class="small">${line}</text>${fill !== undefined && meter(fill, y)}`

const meter = ([used, size]: readonly [number, number], y: number): Html => html`
<rect class="track" x="440" y="${y + 13}" width="260" height="18"/><rect class="${used >= size ? 'bad' : 'good'}" x="440" y="${y + 13}" width="${Math.round(260 * Math.min(1, used / size))}" height="18"/>
<text x="710" y="${y + 27}">${used} of ${size} used</text>`

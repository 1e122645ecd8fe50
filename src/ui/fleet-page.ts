// The fleet: the last day as small pictures made here, and the same as a table.
import { formatBytes } from '../base/units.js'
import type { FleetSpan } from './fleet.js'
import { type Html, html } from './html.js'
import { page, table } from './page.js'

export interface FleetShown {
  /** A day, an hour each. */
  readonly hours: readonly FleetSpan[]
  /** The same day in smaller pieces. */
  readonly pieces: readonly FleetSpan[]
  /** Epoch milliseconds since which is counted; undefined before the first minute. */
  readonly since: number | undefined
}

const width = 720
const height = 80
const time = (at: number): string => `${new Date(at).toISOString().slice(11, 16)} UTC`
/** `1.5 MiB/s` */
const rateText = (octetsASecond: number): string => `${formatBytes(octetsASecond)}/s`

export const fleetPage = ({ hours, pieces, since }: FleetShown): Html => page({ title: 'Fleet', tab: 'fleet' }, html`
<h1>Fleet</h1>
<div id="again" data-every="30">
<p>${since === undefined ? 'The first figures come in a minute.' : `Counted since ${new Date(since).toISOString().slice(0, 16).replace('T', ' ')} UTC, for a day at most; times are UTC.`}</p>
${bars('Boots an hour', hours, span => [['good', span.finished], ['before', span.disk], ['bad', span.failed]],
  span => `${span.finished} finished, ${span.disk} from disk, ${span.failed} not`, String)}
<p>From below: finished, from disk, not finished.</p>
${line('Octets a second', pieces, span => span.octets / span.minutes / 60, rateText)}
${line('TFTP packets sent again, a minute', pieces, span => span.resent / span.minutes, value => value === 0 ? '0' : value.toFixed(1))}
${line('Leases in force', pieces, span => span.leases, String)}
<section id="hours"><h2>By the hour</h2>
${table('By the hour, the latest first', ['Hour (UTC)', 'Finished', 'From disk', 'Not finished', 'Sent', 'Most in a minute', 'Sent again', 'Leases'], hours.filter(span => isCounted(span, since)).toReversed().map(span =>
  html`<tr><th scope="row">${time(span.from).slice(0, 5)}</th><td>${span.finished}</td><td>${span.disk}</td><td>${span.failed}</td><td>${rateText(span.octets / span.minutes / 60)}</td><td>${rateText(span.mostOctets / 60)}</td><td>${span.resent}</td><td>${span.leases}</td></tr>`), 'Nothing is counted yet.')}</section>
</div>`)

/** Of an hour before nothing is known: it had not no boots. */
const isCounted = ({ from, minutes }: FleetSpan, since: number | undefined): boolean =>
  since !== undefined && from + minutes * 60_000 > since

/** `most` is written at the top, so that a picture without its table says how much. */
const picture = (title: string, most: string, drawn: readonly Html[] | Html): Html => html`<section><h2>${title} <span class="count">at most ${most}</span></h2>
<svg class="fleet" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title} over the last day, at most ${most}; the table below says it by the hour">
<line class="wire" x1="0" y1="${height - 1}" x2="${width}" y2="${height - 1}"/>${drawn}</svg></section>`

type Part = readonly [kind: 'good' | 'before' | 'bad', value: number]

function bars (
  title: string, spans: readonly FleetSpan[], partsOf: (span: FleetSpan) => readonly Part[],
  said: (span: FleetSpan) => string, text: (value: number) => string
): Html {
  const sums = spans.map(span => partsOf(span).reduce((sum, [, value]) => sum + value, 0))
  const most = Math.max(...sums)
  const step = width / spans.length
  return picture(title, text(most), spans.map((span, at) => {
    let y = height - 1
    return html`<g><title>${time(span.from)}: ${said(span)}</title>${partsOf(span).map(([kind, value]) => {
      const tall = most === 0 ? 0 : Math.round(value / most * (height - 6))
      y -= tall
      return html`<rect class="${kind}" x="${(at * step + 2).toFixed(1)}" y="${y}" width="${(step - 4).toFixed(1)}" height="${tall}"/>`
    })}</g>`
  }))
}

function line (title: string, spans: readonly FleetSpan[], valueOf: (span: FleetSpan) => number, text: (value: number) => string): Html {
  const values = spans.map(valueOf)
  const most = Math.max(...values)
  const points = values.map((value, at) =>
    `${((at + 0.5) * width / spans.length).toFixed(1)},${(height - 2 - (most === 0 ? 0 : value / most * (height - 8))).toFixed(1)}`)
  return picture(title, text(most), html`<polyline class="line" points="${points.join(' ')}"/>`)
}

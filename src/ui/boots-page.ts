// The first page: whether anything is wrong, who is in trouble and why, who boots now, and everybody else.
import { ago, counted } from '../base/units.js'
import { type Html, html } from './html.js'
import { type LadderRow, type Rung, type LadderSection, sections } from './ladder.js'
import { laidOutTable, moreLink, page } from './page.js'
import { type ListPlace, placeText } from './paging.js'

/** A section, or a page of it. */
export interface SectionPart {
  readonly section: LadderSection
  readonly rows: readonly LadderRow[]
  /** How many stand before them, on other pages. */
  readonly before: number
  /** Where the next page goes on; undefined where there is none. */
  readonly next: ListPlace | undefined
}

export interface BootsShown {
  readonly parts: readonly SectionPart[]
  /** Of all machines, or of those that match, also those that are not on this page. */
  readonly counts: Readonly<Record<LadderSection, number>>
  /** Epoch milliseconds. */
  readonly now: number
  /** Of the newest boot that ended well. */
  readonly lastBoot: number | undefined
  readonly hours: readonly HourOfBoots[]
  readonly query: string
  readonly wall: boolean
  /** Why the appliance is not ready. */
  readonly problems: readonly string[]
}

/** Boots that began in an hour. */
export interface HourOfBoots { readonly at: number, readonly good: number, readonly bad: number }

const titles: Readonly<Record<LadderSection, string>> = { trouble: 'In trouble', booting: 'Booting now', fine: 'Fine' }
/** Said in place of a table without rows; the style knows when. */
const nobody: Readonly<Record<LadderSection, string>> = { trouble: 'No machine is in trouble.', booting: 'No machine is booting.', fine: 'No machine has booted yet.' }
const words = { now: 'under way', late: 'late', failed: 'failed' } as const
const signs = { now: '… ', late: '! ', failed: '✗ ' } as const

export function bootsPage (shown: BootsShown): Html {
  const { parts, counts, now, lastBoot, hours, query, wall, problems } = shown
  const calm = counts.trouble === 0
  const isSearch = query !== ''
  const isWhole = parts.length === sections.length
  const title = isSearch ? `Search: ${query}` : calm ? 'Nothing wrong' : `${counts.trouble} in trouble`
  return page({ title, tab: '', wall, query }, html`
<h1>Boots</h1>
${isSearch
  ? html`<p id="found" role="status">${found(counts)} <q>${query}</q>. <a href="/ui/">All machines</a></p>`
  : html`<p id="verdict" class="${calm ? 'calm' : 'alarm'}" role="status" aria-live="polite">${verdict(counts, lastBoot, now)}</p>`}
${problems.length > 0 && html`<p class="alarm">Not ready: ${problems.join('; ')}. <a href="/ui/health">More</a></p>`}
${parts.map(part => sectionHtml(part, counts[part.section], query, now))}
${isWhole ? !isSearch && hoursChart(hours) : html`<p><a href="/ui/${isSearch && `?${new URLSearchParams({ q: query }).toString()}`}">The first page</a></p>`}`)
}

function found (counts: BootsShown['counts']): string {
  const all = counts.trouble + counts.booting + counts.fine
  return all === 0 ? 'No machine matches' : counted(all, 'machine matches', 'machines match')
}

function sectionHtml ({ section, rows, before, next }: SectionPart, count: number, query: string, now: number): Html {
  const more = next === undefined ? '' : new URLSearchParams({ ...query !== '' && { q: query }, in: section, after: placeText(next) }).toString()
  return html`<section id="${section}" aria-labelledby="title-${section}"${before > 0 && html` data-from="${before}"`}>
<h2 id="title-${section}">${titles[section]} <span class="count">${count}</span></h2>
<p class="none">${query === '' ? nobody[section] : 'None of them.'}</p>
${ladder(titles[section], rows, now)}
${more !== '' && moreLink(`/ui/?${more}`, before, rows.length, count)}
</section>`
}

export function verdict (counts: BootsShown['counts'], lastBoot: number | undefined, now: number): string {
  if (counts.trouble > 0) return `${counted(counts.trouble, 'machine is', 'machines are')} in trouble`
  return `Nothing wrong. ${lastBoot === undefined ? 'No boot has been seen yet' : `The last boot ended ${ago(now - lastBoot)}`}`
}

const ladder = (caption: string, rows: readonly LadderRow[], now: number): Html => laidOutTable(
  'ladder', caption, ['Machine', 'Address', 'Group', ...(rows[0]?.rungs ?? emptyRungs).map(({ stage }) => stage), 'Seen', 'Why'], rows.map(row => ladderRowHtml(row, now)))

const emptyRungs: readonly Pick<Rung, 'stage'>[] = (['discover', 'offer', 'ack', 'loader', 'script', 'kernel', 'initrd', 'ignition', 'installed'] as const)
  .map(stage => ({ stage }))

/** One `<tr>`, also sent by itself when the machine does something. */
export const ladderRowHtml = ({ machine, section, rungs }: LadderRow, now: number): Html => {
  const { mac, name, address, group, profile, lastSeen, trouble, known } = machine
  return html`<tr role="row" id="m-${mac.replaceAll(':', '-')}" data-section="${section}" data-seen="${lastSeen}" tabindex="0">
<th role="rowheader" scope="row"><a href="/ui/machines/${mac}">${name ?? mac}</a>${!known && html` <em>stranger</em>`}${name !== undefined && html`<small>${mac}</small>`}</th>
<td role="cell">${address ?? '-'}</td><td role="cell">${group ?? noGroup}${profile !== undefined && html`<small>${profile}</small>`}</td>
${rungs.map(rungHtml)}
<td role="cell" class="whole"><time datetime="${lastSeen}">${ago(now - Date.parse(lastSeen))}</time></td>
<td role="cell" class="why">${trouble !== undefined && html`${trouble.reason}<small>Look at: ${trouble.look}</small>`}</td>
</tr>`
}

const noGroup = html`<span class="absent">-</span>`

const notReached = html`<td role="cell" class="rung"></td>`

/**
 * Most of a page are these, and the less there is the sooner it is painted: a stage that was not reached is an empty cell, and one that is
 * done needs no word beside its seconds.
 */
function rungHtml ({ stage, state, seconds = 0 }: Rung): Html {
  if (state === 'none') return notReached
  if (state === 'done') return html`<td role="cell" class="rung done">${seconds.toFixed(1)}</td>`
  return html`<td role="cell" class="rung ${state}" title="${stage}: ${words[state]}"><span class="sign">${signs[state]}</span>${seconds.toFixed(1)}<span class="unseen"> ${words[state]}</span></td>`
}

/** Boots of the last day, an hour a bar: those that came to their end below, the others on top of them. */
function hoursChart (hours: readonly HourOfBoots[]): Html {
  const most = Math.max(1, ...hours.map(({ good, bad }) => good + bad))
  const height = (count: number): number => Math.round(count / most * 60)
  const total = hours.reduce((sum, { good, bad }) => ({ good: sum.good + good, bad: sum.bad + bad }), { good: 0, bad: 0 })
  const ended = `${counted(total.good, 'boot came to its end', 'boots came to their end')}, ${total.bad} did not`
  return html`<div id="again" data-every="60"><section aria-labelledby="title-day"><h2 id="title-day">The last day</h2>
<svg class="chart" viewBox="0 0 ${hours.length * 12} 64" role="img" aria-label="In the last day ${ended}">
<line class="wire" x1="0" y1="63" x2="${hours.length * 12}" y2="63"/>
${hours.map(({ at, good, bad }, x) => html`<g><title>${new Date(at).toISOString().slice(11, 13)}:00 UTC: ${good} well, ${bad} not</title>
<rect class="good" x="${x * 12 + 1}" y="${62 - height(good)}" width="10" height="${height(good)}"/><rect class="bad" x="${x * 12 + 1}" y="${62 - height(good) - height(bad)}" width="10" height="${height(bad)}"/></g>`)}
</svg><p>An hour a bar, this one at the right: ${ended}.</p></section></div>`
}

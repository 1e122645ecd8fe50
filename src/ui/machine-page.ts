// One machine: its boot beside the one before, what is known of it, why it is of its group, and what it would get now.
import { ago } from '../base/units.js'
import type { MachineShown } from '../control/machine-shown.js'
import { type Html, html } from './html.js'
import { sectionOf } from './ladder.js'
import { packetsSection, type PacketShown } from './packets.js'
import { page, table } from './page.js'
import { bootSection } from './waterfall.js'

export interface CandidateShown {
  readonly group: string
  readonly profile: string
  /** Each label that the group wants, and what the machine says. */
  readonly wants: ReadonlyArray<{ readonly key: string, readonly value: string, readonly said: string | undefined, readonly fits: boolean }>
  readonly isChosen: boolean
}

export interface DocumentShown { readonly name: string, readonly text: string, readonly note?: string }

export interface MachineDetails {
  readonly machine: MachineShown
  readonly lease: { readonly address: string, readonly until: string, readonly state: string } | undefined
  readonly candidates: readonly CandidateShown[]
  readonly documents: readonly DocumentShown[]
  readonly packets: readonly PacketShown[]
  /** Where the same is had as a file for Wireshark. */
  readonly pcap: string
  readonly now: number
  /** Set for a page that is saved by itself. */
  readonly style?: string
}

export function machinePage ({ machine, lease, candidates, documents, packets, pcap, now, style }: MachineDetails): Html {
  const { mac, name, trouble, timeline, history = [], update } = machine
  const facts: ReadonlyArray<readonly [string, string | undefined]> = [
    ['Hardware address', mac], ['Name', name], ['Address', machine.address], ['State', machine.state], ['Group', machine.group], ['Profile', machine.profile],
    ['Architecture', machine.architecture], ['Firmware', machine.firmware], ['Vendor class', machine.vendorClass], ['UUID', machine.uuid], ['Serial', machine.serial],
    ['First seen', machine.firstSeen], ['Last seen', `${machine.lastSeen} (${ago(now - Date.parse(machine.lastSeen))})`], ['Boots', String(machine.boots)],
    ['Installed', machine.installedAt], ['Lease', lease === undefined ? undefined : `${lease.address}, ${lease.state}, until ${lease.until}`],
    ['Updates', update === undefined ? undefined : `${update.version}, ${update.status}${update.granted === undefined ? '' : ` to ${update.granted}`}${update.error === undefined ? '' : `: ${update.error}`}`]
  ]
  const isUnderWay = sectionOf({ stage: machine.stage, lastSeen: Date.parse(machine.lastSeen) }, false, now) === 'booting'
  return page({ title: name ?? mac, ...style !== undefined && { style } }, html`
<h1>${name ?? mac}</h1>
<div id="again" data-every="${isUnderWay ? 2 : 15}">
${trouble === undefined ? html`<p class="calm">Nothing wrong.</p>` : html`<p class="alarm">${trouble.reason}.<br>Look at: ${trouble.look}</p>`}
${style === undefined
  ? html`<p><a href="/ui/machines/${mac}?save">Save this page for a ticket</a></p>`
  : html`<p>As it was at ${new Date(now).toISOString()}.</p>`}
<section aria-labelledby="title-boot"><h2 id="title-boot">This boot</h2>
${bootSection(timeline, history[0], trouble !== undefined)}
<h3>What it did</h3>
${table('Timeline', ['Seconds', 'Stage', 'What'], timeline.map(({ ms, stage, detail = '', failed, warning, times = 1 }) => html`<tr><td>${(ms / 1000).toFixed(3)}</td><td>${stage}</td><td>${detail}${times > 1 && html` (${times} times)`}${failed !== undefined && html` <strong class="failed">failed: ${failed}</strong>`}${warning !== undefined && html` <em>warning: ${warning}</em>`}</td></tr>`))}
</section>
<section aria-labelledby="title-facts"><h2 id="title-facts">What it is</h2>
<dl>${facts.filter(([, value]) => value !== undefined).map(([what, value]) => html`<dt>${what}</dt><dd>${value}</dd>`)}</dl></section>
<section aria-labelledby="title-group"><h2 id="title-group">Why this group</h2>
${candidates.length === 0
  ? html`<p>No group wants a label that this machine has.${style === undefined && html` <a href="/ui/strangers">Strangers</a>`}</p>`
  : table('Groups that want a label of it, the chosen one first', ['Group', 'Profile', 'Wants'], candidates.map(({ group, profile, wants, isChosen }) =>
    html`<tr><th scope="row">${group}${isChosen && html` <strong>chosen</strong>`}</th><td>${profile}</td><td>${wants.length === 0
? 'nothing: it takes every machine'
: wants.map(({ key, value, said, fits }) =>
      html`<span class="${fits ? 'fits' : 'differs'}">${fits ? '✓' : '✗'} ${key}=${value}${!fits && html` (it says ${said ?? 'nothing'})`}</span> `)}</td></tr>`))}
</section>
<section aria-labelledby="title-gets"><h2 id="title-gets">What it would get now</h2>
${documents.map(({ name: what, text, note }) => html`<details><summary>${what}${note !== undefined && html`: ${note}`}</summary>${text !== '' && html`<pre tabindex="0"><code>${text}</code></pre>`}</details>`)}
</section>
${packetsSection(packets, mac, pcap)}
<section aria-labelledby="title-before"><h2 id="title-before">Boots before</h2>
${table('The last boots, the latest first', ['Began', 'Seconds', 'Came to', 'Why it stopped'], history.map(({ at, ms, stage = '-', reason = '' }) => html`<tr><td>${at}</td><td>${(ms / 1000).toFixed(1)}</td><td>${stage}</td><td>${reason}</td></tr>`), 'None is written down.')}
</section>
</div>`)
}

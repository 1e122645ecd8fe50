// Strangers: machines that no group, reservation or lease names, with what to copy to take one in.
import { ago } from '../base/units.js'
import type { MachineShown } from '../control/machine-shown.js'
import { type Html, html } from './html.js'
import { laidOutTable, moreLink, page } from './page.js'

/** What to copy to make a machine known. */
const adoption = (mac: string): ReadonlyArray<readonly [string, string]> => [
  ['Group', JSON.stringify({ id: mac.replaceAll(':', '-'), profile: 'PROFILE', selector: { mac } }, null, 2)],
  ['Terraform', `resource "matchbox_group" "m_${mac.replaceAll(':', '')}" {\n  name    = "${mac.replaceAll(':', '-')}"\n  profile = matchbox_profile.PROFILE.name\n  selector = {\n    mac = "${mac}"\n  }\n}`],
  ['Command', `core-provisioner machines adopt ${mac} --name NAME --ip ADDRESS --profile PROFILE`]
]

export interface StrangersShown {
  readonly strangers: readonly MachineShown[]
  /** Who made their cards, as far as that is known, by hardware address. */
  readonly vendors: ReadonlyMap<string, string>
  readonly now: number
  /** Of all strangers; and those that stand before these, on other pages. */
  readonly count: number
  readonly before: number
  /** The address of the next page. */
  readonly more: string | undefined
}

export const strangersPage = ({ strangers, vendors, now, count, before, more }: StrangersShown): Html => page({ title: 'Strangers', tab: 'strangers' }, html`
<div id="again" data-every="10">
<h1>Strangers <span class="count">${count}</span></h1>
<p>${count === 0 ? 'Nobody knocks whom no group, reservation or lease names.' : 'Machines that no group, reservation or lease names.'}</p>
<section id="strangers">
${count > 0 && laidOutTable('strangers', 'Strangers', ['Machine', 'Card', 'Firmware', 'First seen', 'Last seen', 'Came to', 'Take it in'], strangers.map(({ mac, name, architecture, firmware, firstSeen, lastSeen, stage }) => html`<tr role="row" tabindex="0">
<th role="rowheader" scope="row"><a href="/ui/machines/${mac}">${mac}</a>${name !== undefined && html`<small>${name}</small>`}</th><td role="cell">${vendors.get(mac) ?? '-'}</td><td role="cell">${architecture ?? '-'}${firmware !== undefined && html`<small>${firmware}</small>`}</td>
<td role="cell" class="whole">${firstSeen}</td><td role="cell" class="whole">${ago(now - Date.parse(lastSeen))}</td><td role="cell">${stage ?? '-'}</td>
<td role="cell">${adoption(mac).map(([what, text]) => html`<details><summary>${what}</summary><pre tabindex="0"><code>${text}</code></pre><button type="button" class="copy">Copy</button></details>`)}</td></tr>`))}
${more !== undefined && moreLink(more, before, strangers.length, count)}
</section>
</div>`)

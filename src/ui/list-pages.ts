// The pages that are lists: strangers, images, the store.
import type { MachineShown } from '../control/machine-shown.js'
import { type Html, html } from './html.js'
import { ago, laidOutTable, moreLink, page, table } from './page.js'

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

export interface ImageShown {
  readonly path: string
  readonly os: string
  readonly version: string
  readonly aliases: readonly string[]
  readonly bytes: number
  readonly ageSeconds: number
  readonly keys: readonly string[]
  readonly problems: Readonly<Record<string, string>>
}

export interface SourceOfImages {
  readonly source: string
  readonly version?: string
  readonly checked?: string
  readonly error?: { readonly text: string }
}

/** A file of a source that is being fetched. */
export interface FetchShown {
  readonly source: string
  readonly version: string
  readonly file: string
  /** Octets that are here. */
  readonly received: number
  /** Octets that there will be; undefined where the publisher does not say. */
  readonly total: number | undefined
}

interface ImagesPage {
  readonly sources: readonly SourceOfImages[]
  readonly releases: readonly ImageShown[]
  /** Of all releases, also those that are not shown. */
  readonly count: number
  readonly underWay: readonly FetchShown[]
  /** Profiles that boot what stands under a path. */
  readonly bootedBy: (path: string) => readonly string[]
  readonly now: number
}

const octets = (count: number): string => count.toLocaleString('en-US')

const fetchHtml = ({ version, file, received, total }: FetchShown): Html => html`<p class="fetch">fetches ${version}: ${file}<br>
<progress aria-label="${file}"${total !== undefined && html` max="${total}" value="${received}"`}></progress><br>
${octets(received)} of ${total === undefined ? 'unknown' : octets(total)} octets${received === total && ', is verified now'}</p>`

export const imagesPage = ({ sources, releases, count, underWay, bootedBy, now }: ImagesPage): Html => page({ title: 'Images', tab: 'images' }, html`
<h1>Images</h1>
<div id="again" data-every="${underWay.length > 0 ? 2 : 30}">
<div class="cards">${sources.map(({ source, version, checked, error }) => html`<article class="${error === undefined ? 'calm' : 'alarm'}"><h2>${source}</h2>
<p>${version ?? 'nothing yet'}${checked !== undefined && html`<br>looked at ${ago(now - Date.parse(checked))}`}${error !== undefined && html`<br>${error.text}`}</p>${underWay.filter(fetch => fetch.source === source).map(fetchHtml)}</article>`)}</div>
${sources.length === 0 && html`<p>No source of images is configured (images.sources).</p>`}
<h2>Mirrored releases <span class="count">${count}</span></h2>
${table('Mirrored releases', ['Release', 'Links', 'MiB', 'Age', 'Verified by', 'Booted by'], releases.map(({ path, aliases, bytes, ageSeconds, keys, problems }) => html`<tr><th scope="row">${path}</th><td>${aliases.join(' ')}</td><td>${(bytes / 2 ** 20).toFixed(0)}</td><td>${ago(ageSeconds * 1000)}</td>
<td>${Object.keys(problems).length === 0 ? keys.map(key => html`<small>${key}</small>`) : html`<strong class="failed">${Object.entries(problems).map(([file, why]) => `${file}: ${why}`).join('; ')}</strong>`}</td><td>${bootedBy(path).join(' ')}</td></tr>`), 'No release is mirrored yet.')}
${releases.length < count && html`<p>The first ${releases.length} of ${count}.</p>`}
</div>`)

/** How many groups and profiles stand before those of a page. */
export interface StorePlaces { readonly groups: number, readonly profiles: number }

export interface StoreShown {
  /** A part of both, from these on, and how many there are. */
  readonly places: StorePlaces
  readonly groups: ReadonlyArray<{ readonly id: string, readonly profile: string, readonly selector: string, readonly machines: number }>
  readonly groupCount: number
  readonly profiles: ReadonlyArray<{ readonly id: string, readonly kernel: string, readonly config: string, readonly groups: number }>
  readonly profileCount: number
  readonly problems: ReadonlyArray<{ readonly where: string, readonly message: string }>
}

/** Nothing where the list ends here. */
const nextOf = (address: string, before: number, rows: number, count: number): Html | false =>
  before + rows < count && moreLink(address, before, rows, count)

/** Problems that are told one by one. */
export const mostProblems = 100

const storeAddress = ({ groups, profiles }: StorePlaces): string => `/ui/store?groups=${groups}&profiles=${profiles}`

export const storePage = ({ groups, places, groupCount, profiles, profileCount, problems }: StoreShown): Html => page({ title: 'Store', tab: 'store' }, html`
<h1>Store</h1>
<div id="again" data-every="30">
${problems.length === 0 ? html`<p class="calm">Every file can be read.</p>` : html`<ul class="alarm">${problems.slice(0, mostProblems).map(({ where, message }) => html`<li>${where}: ${message}</li>`)}${problems.length > mostProblems && html`<li>and ${problems.length - mostProblems} more</li>`}</ul>`}
<section id="groups"><h2>Groups <span class="count">${groupCount}</span></h2>
${table('Groups', ['Group', 'Profile', 'Selector', 'Machines seen'], groups.map(({ id, profile, selector, machines }) => html`<tr><th scope="row">${id}</th><td>${profile}</td><td>${selector === '' ? 'every machine' : selector}</td><td>${machines}</td></tr>`), places.groups > 0 ? 'There are no more.' : 'There is no group yet.')}
${nextOf(storeAddress({ ...places, groups: places.groups + groups.length }), places.groups, groups.length, groupCount)}
</section>
<section id="profiles"><h2>Profiles <span class="count">${profileCount}</span></h2>
${table('Profiles', ['Profile', 'Kernel', 'Config', 'Groups'], profiles.map(({ id, kernel, config, groups: count }) => html`<tr><th scope="row">${id}</th><td>${kernel}</td><td>${config}</td><td>${count}</td></tr>`), places.profiles > 0 ? 'There are no more.' : 'There is no profile yet.')}
${nextOf(storeAddress({ ...places, profiles: places.profiles + profiles.length }), places.profiles, profiles.length, profileCount)}
</section>
</div>`)

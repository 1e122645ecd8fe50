// The store: what of it cannot be read, its groups and its profiles, a part of each at a time.
import { type Html, html } from './html.js'
import { moreLink, page, table } from './page.js'

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

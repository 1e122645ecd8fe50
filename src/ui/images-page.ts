// Images: each source with what it fetches, and the releases that are mirrored.
import { ago } from '../base/units.js'
import { type Html, html } from './html.js'
import { page, table } from './page.js'

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

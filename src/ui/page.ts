// What all pages have in common: head, navigation, foot. Nothing in them comes from elsewhere, and nothing is written into them that
// a Content-Security-Policy of 'self' would not let be: no script and no style of their own.
import { Html, html } from './html.js'

const tabs = [['', 'Boots'], ['strangers', 'Strangers'], ['fleet', 'Fleet'], ['network', 'Network'], ['images', 'Images'], ['store', 'Store'], ['health', 'Health']] as const
export type Tab = typeof tabs[number][0]

export interface PageOptions {
  readonly title: string
  readonly tab?: Tab
  /** Bigger and without controls: for a screen on a wall. */
  readonly wall?: boolean
  /** What was searched for. */
  readonly query?: string
  /** A page that is sent on by itself carries its style along. */
  readonly style?: string
}

export const page = ({ title, tab, wall = false, query = '', style }: PageOptions, body: Html): Html => html`<!DOCTYPE html>
<html lang="en"${wall ? html` class="wall"` : ''}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - core-provisioner</title>
${style === undefined
  ? html`<link rel="stylesheet" href="/ui/page.css"><link rel="icon" href="/ui/icon.svg">
<script src="/ui/live.js" defer></script>`
  : styleSheet(style)}
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header>
<strong>core-provisioner</strong>
${style === undefined && html`<nav aria-label="Pages">${tabs.map(([path, name]) => html`<a href="/ui/${path}"${path === tab ? html` aria-current="page"` : ''}>${name}</a>`)}</nav>
<form action="/ui/" role="search"><input type="search" name="q" id="search" aria-label="Search machines" placeholder="MAC, name, address, group  ( / )"${query !== '' && html` value="${query}"`}></form>
<span id="live" role="status" aria-live="polite">not live: this is how it was when the page was loaded</span>
<span id="keys" role="status" aria-live="polite"></span>`}
</header>
<main id="main" tabindex="-1">
${body}
</main>
</body>
</html>
`

/** Its text is ours. */
const styleSheet = (text: string): Html => new Html(`<style>\n${text}\n</style>`)

/** A table with its heading; rows are `<tr>`s. Where there are none, `none` says so in its place. */
export const table = (caption: string, heading: readonly string[], rows: readonly Html[], none = ''): Html => rows.length === 0 && none !== ''
  ? html`<p class="none">${none}</p>`
  : html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${heading.map(name => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${rows}
</tbody>
</table></div>`

/** One whose style lays out each row by itself: to some browsers it is a table only if its parts say so; rows say it themselves. */
export const laidOutTable = (kind: 'ladder' | 'strangers', caption: string, heading: readonly string[], rows: readonly Html[]): Html => html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table class="${kind}" role="table">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${heading.map(name => html`<th scope="col" role="columnheader">${name}</th>`)}</tr></thead>
<tbody role="rowgroup">
${rows}
</tbody>
</table></div>`

/** What is wider than a phone, read there by moving it: smaller nobody could read its words. */
export const wide = (what: string, svg: Html): Html => html`<div class="scroll wide" role="region" aria-label="${what}" tabindex="0">${svg}</div>`

/** Where the next page of a list is, and which part of it this one has. */
export const moreLink = (address: string, before: number, rows: number, count: number): Html =>
  html`<p class="more"><a href="${address}" rel="next">More</a> <span class="count">${before === 0 ? 'the first' : `${before + 1} to`} ${before + rows} of ${count}</span></p>`

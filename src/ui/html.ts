// HTML made of text in which every value is escaped: what a machine says of itself can neither close a tag nor turn the writing of
// the page around.
import { visibleText } from '../base/visible-text.js'

/** Markup that was made here. */
export class Html {
  readonly text: string
  constructor (text: string) { this.text = text }
}

type HtmlValue = string | number | Html | readonly Html[] | undefined | false

/** `html\`<td>${name}</td>\``: strings are escaped, markup and lists of it are taken as they are, undefined and false are nothing. */
export function html (strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = strings[0]!
  for (const [at, value] of values.entries()) text += textOf(value) + strings[at + 1]!
  return new Html(text)
}

function textOf (value: HtmlValue): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(({ text }) => text).join('')
  return escapeHtml(String(value))
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Nothing but letters of ASCII that mean nothing in HTML, as most of what is shown. */
const harmless = /^[ !#-%(-;=?-~]*$/

/** For text and for quoted attributes. Line ends stay, as `<pre>` shows them. */
export const escapeHtml = (text: string): string => harmless.test(text)
  ? text
  : text.split('\n').map(line => visibleText(line).replace(/[&<>"']/g, letter => entities[letter]!)).join('\n')

// The request target as Go's net/url and net/http's ServeMux read it: what is a bad request, which path is meant, and
// where a path that is not in its shortest form is redirected to. All strings hold one character a byte, as Node gives them.

export interface Target {
  /** Percent-decoded; any byte may be in it. */
  readonly path: string
  /** What follows the first question mark, as it came. */
  readonly rawQuery: string
}

// eslint-disable-next-line no-control-regex
const control = /[\0-\x1f\x7f]/
const absoluteForm = /^[a-z][a-z0-9+.-]*:\/\/([^/?]*)((?:[/?].*)?)$/i
const authority = /^(?:[^@]*@)?(?:\[[0-9a-fA-F:.%]*\]|(?:[\w.~!$&'()*+,;=-]|[\x80-\xff]|%[0-9a-fA-F]{2})*)(?::\d*)?$/

/** undefined: a bad request. The asterisk of `OPTIONS *` is not a path and comes back as such. */
export function parseTarget (target: string): Target | undefined {
  if (target === '*') return { path: '*', rawQuery: '' }
  if (control.test(target)) return undefined
  let rest = target
  if (!rest.startsWith('/')) {
    const absolute = absoluteForm.exec(rest)
    if (absolute === null || !authority.test(absolute[1]!)) return undefined
    rest = absolute[2]!
  }
  const question = rest.indexOf('?')
  const path = decodePercent(question < 0 ? rest : rest.slice(0, question))
  return path === undefined ? undefined : { path, rawQuery: question < 0 ? '' : rest.slice(question + 1) }
}

const percent = /%([0-9a-fA-F]{2})?/g

/** The bytes that percent-encoding stands for; undefined when an escape is not whole. */
export function decodePercent (text: string): string | undefined {
  if (!text.includes('%')) return text
  let whole = true
  const decoded = text.replace(percent, (_, hex: string | undefined) => {
    if (hex === undefined) whole = false
    return hex === undefined ? '' : String.fromCharCode(Number.parseInt(hex, 16))
  })
  return whole ? decoded : undefined
}

/** The path without empty, `.` and `..` parts; a slash at the end stays. */
export function cleanPath (path: string): string {
  if (!/\/(?:\/|\.|$)/.test(path) && path.startsWith('/')) return path
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.length === 0 ? '/' : `/${parts.join('/')}${path.endsWith('/') ? '/' : ''}`
}

/** A path as net/url writes it into a URL. */
export const encodePath = (path: string): string => path.replace(/[^\w.~$&+,/:;=@-]/g, escapeByte)

/** A URL for a Location header, which must be ASCII. */
export const escapeNonAscii = (url: string): string => url.replace(/[\x80-\xff]/g, c => escapeByte(c).toLowerCase())

const escapeByte = (c: string): string => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

const htmlEntities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, c => htmlEntities[c]!)

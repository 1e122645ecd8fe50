// The request target as Go's net/url and net/http's ServeMux read it: what is a bad request, which path is meant, and
// how a path that is not in its shortest form is redirected. Strings are Go's (go/string); only the target comes as Node has it.
import { escapePercent, unescapePercent } from '../query.js'
import { goStringOfLatin1 } from '../string.js'

export interface Target {
  /** Percent-decoded; any byte may be in it. */
  readonly path: string
  /** What follows the first question mark, as it came. */
  readonly rawQuery: string
}

// eslint-disable-next-line no-control-regex
const control = /[\0-\x1f\x7f]/
const absoluteForm = /^[a-z][a-z0-9+.-]*:\/\/([^/?]*)((?:[/?].*)?)$/is
const authority = /^(?:[^@]*@)?(?:\[[0-9a-fA-F:.%]*\]|(?:[\w.~!$&'()*+,;=-]|[^\0-\x7f]|%[0-9a-fA-F]{2})*)(?::\d*)?$/

/** `latin1` holds one character a byte. undefined: a bad request. The asterisk of `OPTIONS *` is not a path and comes back as such. */
export function parseTarget (latin1: string): Target | undefined {
  const target = goStringOfLatin1(latin1)
  if (target === '*') return { path: '*', rawQuery: '' }
  if (control.test(target)) return undefined
  let rest = target
  if (!rest.startsWith('/')) {
    const absolute = absoluteForm.exec(rest)
    if (absolute === null || !authority.test(absolute[1]!)) return undefined
    rest = absolute[2]!
  }
  const question = rest.indexOf('?')
  const path = unescapePercent(question < 0 ? rest : rest.slice(0, question))
  return path === undefined ? undefined : { path, rawQuery: question < 0 ? '' : rest.slice(question + 1) }
}

/** A path as net/url writes it into a URL. */
export const encodePath = (path: string): string => path.replace(/[^\w.~$&+,/:;=@-]/gu, escapePercent)

/** A URL for a Location header, which must be ASCII. */
export const escapeNonAscii = (url: string): string => url.replace(/[^\0-\x7f]/gu, c => escapePercent(c).toLowerCase())

// URLs as Go's net/url (1.19) reads and writes them, which is how both translators tell a good URL from a bad one and in what
// spelling a remote file's URL lands in the Ignition config. It is looser than WHATWG's: `a b` is a path, `gopher:x` a URL.
import { goQuote } from './quote.js'
import { escapePercent, parseQuery } from './query.js'
import { byteSlice, joined, stringOfByte } from './string.js'

export interface GoUrl {
  /** Lower case, '' when there is none. */
  readonly scheme: string
  /** The query as written, without `?`. */
  readonly rawQuery: string
  /** The URL as Go prints it. */
  readonly text: string
}

/** Message as Go's error: `parse "http://[::1": missing ']' in host`. */
export class GoUrlError extends Error {
  override readonly name = 'GoUrlError'
}

type Part = 'path' | 'userPassword' | 'host' | 'zone' | 'fragment'

class Reason extends Error {}

/** Throws GoUrlError. */
export function parseGoUrl (text: string): GoUrl {
  const hash = text.indexOf('#')
  const url = hash < 0 ? text : text.slice(0, hash)
  const attempt = <T>(source: string, work: () => T): T => {
    try {
      return work()
    } catch (error) {
      if (error instanceof Reason) throw new GoUrlError(`parse ${goQuote(source)}: ${error.message}`)
      throw error
    }
  }
  const parsed = attempt(url, () => parse(url))
  const fragment = hash < 0 ? '' : attempt(text, () => respell(text.slice(hash + 1), 'fragment'))
  return {
    scheme: parsed.scheme,
    rawQuery: parsed.rawQuery,
    text: parsed.text + (fragment === '' ? '' : `#${fragment}`)
  }
}

function parse (url: string): { scheme: string, rawQuery: string, text: string } {
  if (/[\x00-\x1f\x7f]/.test(url)) throw new Reason('net/url: invalid control character in URL') // eslint-disable-line no-control-regex
  if (url === '*') return { scheme: '', rawQuery: '', text: '*' }
  if (url.startsWith(':')) throw new Reason('missing protocol scheme')
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*(?=:)/.exec(url)?.[0] ?? ''
  let rest = scheme === '' ? url : url.slice(scheme.length + 1)
  const mark = rest.indexOf('?')
  const rawQuery = mark < 0 ? '' : rest.slice(mark + 1)
  const query = mark < 0 || (rawQuery === '' && mark !== rest.length - 1) ? '' : `?${rawQuery}`
  if (mark >= 0) rest = rest.slice(0, mark)
  const head = scheme === '' ? '' : `${scheme.toLowerCase()}:`
  const done = (text: string): { scheme: string, rawQuery: string, text: string } =>
    ({ scheme: scheme.toLowerCase(), rawQuery, text: head + text + query })
  if (!rest.startsWith('/')) {
    if (scheme !== '') return done(rest)
    if (/^[^/]*:/.test(rest)) throw new Reason('first path segment in URL cannot contain colon')
  }
  if (!rest.startsWith('//') || (scheme === '' && rest.startsWith('///'))) {
    const path = respell(rest, 'path')
    return done(head === '' && /^[^/]*:/.test(path) ? `./${path}` : path)
  }
  const end = rest.indexOf('/', 2)
  const { user, host } = parseAuthority(end < 0 ? rest.slice(2) : rest.slice(2, end))
  const path = respell(end < 0 ? '' : rest.slice(end), 'path')
  const authority = host !== '' || path !== '' || user !== undefined ? `//${user === undefined ? '' : `${user}@`}${host}` : ''
  return done(authority + path)
}

function parseAuthority (authority: string): { user: string | undefined, host: string } {
  const at = authority.lastIndexOf('@')
  const host = parseHost(authority.slice(at + 1))
  if (at < 0) return { user: undefined, host }
  const info = authority.slice(0, at)
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(info)) throw new Reason('net/url: invalid userinfo')
  const colon = info.indexOf(':')
  const again = (part: string): string => escape(unescape(part, 'userPassword'), 'userPassword')
  return { user: colon < 0 ? again(info) : `${again(info.slice(0, colon))}:${again(info.slice(colon + 1))}`, host }
}

function parseHost (host: string): string {
  const bracket = host.startsWith('[') ? host.lastIndexOf(']') : undefined
  if (bracket === -1) throw new Reason("missing ']' in host")
  const colon = host.lastIndexOf(':')
  const port = bracket !== undefined ? host.slice(bracket + 1) : colon < 0 ? '' : host.slice(colon)
  if (!/^(:[0-9]*)?$/.test(port)) throw new Reason(`invalid port ${goQuote(port)} after host`)
  const zone = bracket === undefined ? -1 : host.slice(0, bracket).indexOf('%25')
  const plain = bracket !== undefined && zone >= 0
    ? unescape(host.slice(0, zone), 'host') + unescape(host.slice(zone, bracket), 'zone') + unescape(host.slice(bracket), 'host')
    : unescape(host, 'host')
  return escape(plain, 'host')
}

/** A path or fragment as it is printed: as written where that is a valid spelling of what it means, else escaped anew. */
function respell (written: string, part: 'path' | 'fragment'): string {
  const plain = unescape(written, part)
  const fresh = escape(plain, part)
  if (written === fresh || plain === '*') return plain === '*' ? '*' : fresh
  return misspelt[part].test(written) ? fresh : written
}

// What stands unescaped besides letters, digits and `-_.~`.
const alsoPlain: Readonly<Record<Part, string>> = {
  path: '$&+,/:;=@',
  userPassword: '$&+,;=',
  host: '!$&\'()*+,;=:\\[\\]<>"',
  zone: '!$&\'()*+,;=:\\[\\]<>"',
  fragment: '$&+,/:;=?@!()*'
}
const special = Object.fromEntries(Object.entries(alsoPlain).map(([part, plain]) =>
  [part, new RegExp(`[^A-Za-z0-9_.~${plain}-]+`, 'gu')])) as Readonly<Record<Part, RegExp>>
// What a spelling may have that Go would not choose itself.
const misspelt = { path: /[^A-Za-z0-9_.~$&+,/:;=@!'()*[\]%-]/, fragment: /[^A-Za-z0-9_.~$&+,/:;=?@!'()*[\]%-]/ } as const

const mustEscape = (char: string, part: Part): boolean => char.search(special[part]) >= 0

const escape = (text: string, part: Part): string =>
  text.replace(special[part], escapePercent)

const notInHost = new RegExp(`[^A-Za-z0-9_.~${alsoPlain.host}%\\x80-\\uffff-]`)

// Of several faults Go tells the first from the left.
function unescape (text: string, part: Part): string {
  const badCharacter = part === 'host' || part === 'zone' ? text.search(notInHost) : -1
  const refuseCharacter = (): Reason => new Reason(`invalid character ${goQuote(text.charAt(badCharacter))} in host name`)
  const plain = joined(text.replace(/%([0-9A-Fa-f]{2})?/g, (found, hex: string | undefined, offset: number) => {
    if (badCharacter >= 0 && badCharacter < offset) throw refuseCharacter()
    const refuse = (): Reason => new Reason(`invalid URL escape ${goQuote(byteSlice(text.slice(offset, offset + 3), 0, 3))}`)
    if (hex === undefined) throw refuse()
    const char = stringOfByte(parseInt(hex, 16))
    if (part === 'host' && char < '\x80' && found !== '%25') throw refuse()
    if (part === 'zone' && found !== '%25' && char !== ' ' && mustEscape(char, 'host')) throw refuse()
    return char
  }))
  if (badCharacter >= 0) throw refuseCharacter()
  return plain
}

/** Values of `name` in a raw query, as Go's URL.Query() has them. */
export const queryValues = (rawQuery: string, name: string): string[] =>
  parseQuery(rawQuery).flatMap(([key, value]) => key === name ? [value] : [])

// Conditional and range requests as Go's http.ServeContent answers them (RFC 9110 sections 13 and 14). Nothing here has an
// ETag, so that a tag in a condition never matches, and `*` always does.
import { Buffer } from 'node:buffer'
import { formatHttpDate, parseHttpDate } from './date.js'
import { noOverlap, parseRange, type Range, trim } from './range.js'

/** Header names in lower case; values with one character a byte, as Node gives them. */
export interface ConditionHeaders {
  readonly range?: string | undefined
  readonly 'if-match'?: string | undefined
  readonly 'if-none-match'?: string | undefined
  readonly 'if-modified-since'?: string | undefined
  readonly 'if-unmodified-since'?: string | undefined
  readonly 'if-range'?: string | readonly string[] | undefined
}

export interface ContentRequest {
  /** The method the client used. */
  readonly method: string
  readonly headers: ConditionHeaders
}

export interface Content {
  /** Bytes. */
  readonly size: number
  readonly type: string
  /** Seconds since the epoch; undefined for what is made for the request. */
  readonly modified: number | undefined
}

/** What to answer: `ranges` of the content, or `text`, or nothing. */
export interface ContentPlan {
  readonly status: 200 | 206 | 304 | 412 | 416
  readonly headers: Readonly<Record<string, string>>
  readonly ranges: readonly Range[]
  readonly text?: string
}

/** Whether a body will be needed at all; the answer of `planContent` is then 200, 206 or 416. */
export function needsContent (request: ContentRequest, modified: number | undefined): boolean {
  return preconditions(request, modified) === undefined
}

export function planContent (request: ContentRequest, { size, type, modified }: Content): ContentPlan {
  const dated: Record<string, string> = modified === undefined ? {} : { 'last-modified': formatHttpDate(modified) }
  const failed = preconditions(request, modified)
  if (failed !== undefined) return { status: failed, headers: dated, ranges: [] }
  const parsed = parseRange(rangeHeader(request, modified), size)
  if (typeof parsed === 'string') {
    const overlap: Record<string, string> = parsed === noOverlap ? { 'content-range': `bytes */${size}` } : {}
    return {
      status: 416,
      headers: { ...dated, ...overlap, 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
      ranges: [],
      text: `${parsed}\n`
    }
  }
  const headers = { ...dated, 'content-type': type, 'accept-ranges': 'bytes' }
  // More than the whole in pieces, or very many of them, is somebody who wants to keep the server busy.
  const ranges = parsed.count > parsed.first.length || parsed.octets > size ? [] : parsed.first
  if (ranges.length === 0) return { status: 200, headers, ranges: [{ start: 0, length: size }] }
  const only = ranges.length === 1 ? ranges[0] : undefined
  return { status: 206, headers: only === undefined ? headers : { ...headers, 'content-range': contentRange(only, size) }, ranges }
}

const contentRange = ({ start, length }: Range, size: number): string => `bytes ${start}-${start + length - 1}/${size}`

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD'

/** The status of a condition that ends the request. */
function preconditions ({ method, headers }: ContentRequest, modified: number | undefined): 304 | 412 | undefined {
  const match = headers['if-match'] ?? ''
  if (match !== '') {
    if (!namesAnything(match)) return 412
  } else {
    const since = dateOf(headers['if-unmodified-since'])
    if (modified !== undefined && since !== undefined && modified > since) return 412
  }
  const noneMatch = headers['if-none-match'] ?? ''
  if (noneMatch !== '') return namesAnything(noneMatch) ? isRead(method) ? 304 : 412 : undefined
  const since = dateOf(headers['if-modified-since'])
  return isRead(method) && modified !== undefined && since !== undefined && modified <= since ? 304 : undefined
}

const dateOf = (header: string | undefined): number | undefined => header === undefined ? undefined : parseHttpDate(header)

const tag = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/

/** Whether a list of tags has an asterisk in it, before anything that is no tag. */
function namesAnything (list: string): boolean {
  for (let rest = trim(list); rest !== '';) {
    if (rest.startsWith('*')) return true
    const found = rest.startsWith(',') ? ',' : tag.exec(rest)?.[0]
    if (found === undefined) return false
    rest = trim(rest.slice(found.length))
  }
  return false
}

/** The Range header, unless If-Range takes it back. */
function rangeHeader ({ method, headers }: ContentRequest, modified: number | undefined): string {
  const range = headers.range ?? ''
  const condition = headers['if-range']
  const asked = typeof condition === 'string' ? condition : ''
  if (!isRead(method) || asked === '') return range
  return modified !== undefined && !tag.test(trim(asked)) && parseHttpDate(asked) === modified ? range : ''
}

/** Bytes that stand between ranges, or a range of the content. */
export type ContentPart = Buffer | Range

export interface Body { readonly parts: readonly ContentPart[], readonly length: number, readonly contentType: string }

/**
 * One range goes out as it is; several as multipart/byteranges (RFC 9110 section 14.6), laid out as Go's
 * writer does; `newBoundary` makes 60 random characters.
 */
export function layOut (ranges: readonly Range[], size: number, type: string, newBoundary: () => string): Body {
  const only = ranges.length === 1 ? ranges[0] : undefined
  if (only !== undefined) return { parts: [only], length: only.length, contentType: type }
  const boundary = newBoundary()
  const parts: ContentPart[] = []
  for (const range of ranges) {
    const before = parts.length === 0 ? '' : '\r\n'
    const header = `${before}--${boundary}\r\nContent-Range: ${contentRange(range, size)}\r\nContent-Type: ${type}\r\n\r\n`
    parts.push(Buffer.from(header), range)
  }
  parts.push(Buffer.from(`\r\n--${boundary}--\r\n`))
  return { parts, length: parts.reduce((sum, p) => sum + p.length, 0), contentType: `multipart/byteranges; boundary=${boundary}` }
}

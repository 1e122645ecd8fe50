// What is worst for readers of text and octets, and which of it makes a reader's work grow with the square of what it reads.
import { growth, growthAwaited, muchGrowth } from './work.js'

/** What is repeated: blanks, ends of lines and what opens and never closes are what trims, searches and nesting are slow at. */
export const common = ['a', ' ', '\t', '\n', '\r\n', '\0', '"', '\\', '[', '{', '%', '%41', '&', ',', ';', '=', '0', '-', '#', '\u00e9', 'a ', ' \n', 'a\n']
export const json = [...common, '[[', '{"a":', '"a",', '"\\u0041', '1,', '{"a":[', '{"id":"a","id":']
export const xml = [...common, '<', '<a>', '<a b="c" ', '<!--', '<![CDATA[', '<app ', '&lt;', ']]>']
export const pem = [...common, '-----BEGIN CERTIFICATE-----', '-----BEGIN CERTIFICATE-----\n', '-----END CERTIFICATE-----\n', '-----', 'MII=\n', '-----BEGIN X509 CRL-----\n']
export const config = [...common, 'host a {\n', 'dhcp-host=', '- a\n', '  ', 'a: ', 'a: b\n', '- mac: a\n', '"', "'", '/*', '//', '[a]\n', 'a = {\n', 'a = [\n', '<<EOF\n', '${', 'a,b,c\n', '10.0.0.1 a\n', '&a ', '*a ', '|\n', '? ', '{{']
export const range = [...common, 'bytes=', '0-1,', '-,', '1-,', ' -1,', '"a",', 'W/"a", ']

export interface Row {
  readonly read: (input: string) => unknown
  readonly parts: readonly string[]
  /** What stands before it. */
  readonly heads?: readonly string[]
  /** As many octets can come, where that is bound before it is read. */
  readonly most?: number
}

/** The same of what is awaited: a request's way through a server. */
export interface RouteRow extends Omit<Row, 'read'> { readonly read: (input: string) => Promise<unknown> }

export const bytes = ['\0', '\xff', '\x01', '\x01\x01', '\x02\x00', '\x34\x01\x03', '\x52\xff', '\xff\x52', '\x3d\x00', '\x2b\xff', '\x07\xff']

/** Octets of the smaller text. */
const usual = 2_000

/** Of each head with each part repeated: the text that grows, by its two sizes. */
function * grown ({ parts, heads = [''], most = 8 * usual }: Omit<Row, 'read'>): Generator<{ readonly name: string, readonly size: number, readonly texts: ReadonlyMap<number, string> }> {
  const size = Math.floor(most / 8)
  for (const head of heads) {
    for (const part of new Set(parts)) {
      const texts = new Map([size, 8 * size].map(size => [size, head + part.repeat(Math.ceil(size / part.length))]))
      yield { name: JSON.stringify(head + part), size, texts }
    }
  }
}

const told = (name: string, times: number): string => `${name}...: ${times.toFixed(1)}`

/** With how many times the work for eight times the octets. */
export function tooSlow (row: Row): string[] {
  const slow: string[] = []
  for (const { name, size, texts } of grown(row)) {
    const times = growth(size => attempt(() => row.read(texts.get(size)!)), size)
    if (times >= muchGrowth) slow.push(told(name, times))
  }
  return slow
}

export async function tooSlowAwaited (row: RouteRow): Promise<string[]> {
  const slow: string[] = []
  for (const { name, size, texts } of grown(row)) {
    const times = await growthAwaited(async size => { await row.read(texts.get(size)!) }, size)
    if (times >= muchGrowth) slow.push(told(name, times))
  }
  return slow
}

export function attempt (read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    // What is refused is refused in words; what runs out of stack is not.
    if (error instanceof RangeError) throw error
    return undefined
  }
}

// Contents inside a config: the `data:` URL of RFC 2397, written as both reference translators write it and read as Ignition
// reads it.
import { goBytes } from './go-string.js'

const unreserved = new Set(Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"))
const percent = Array.from({ length: 256 }, (_, byte) =>
  unreserved.has(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)

/** Every byte but letters, digits and `-_.!~*'()` as %XX. */
export function escapeData (contents: Buffer): string {
  let text = ''
  for (const byte of contents) text += percent[byte]
  return text
}

export const percentDataUrl = (contents: Buffer | string): string =>
  `data:,${escapeData(typeof contents === 'string' ? goBytes(contents) : contents)}`

export const base64DataUrl = (contents: Buffer | string): string =>
  `data:;base64,${(typeof contents === 'string' ? goBytes(contents) : contents).toString('base64')}`

// dataurl := "data:" [ mediatype ] [ ";base64" ] "," data, where parameters are attribute=value with quoted strings allowed.
const token = String.raw`[A-Za-z0-9!#$&.+^_{}\x60|~*'%-]+`
const quoted = String.raw`"(?:[^"\\]|\\.)*"`
const form = new RegExp(String.raw`^data:(?:${token}/${token})?((?:;${token}=(?:${token}|${quoted}))*)(;base64)?,([\s\S]*)$`)

/** What a data URL holds; undefined when it is none. */
export function parseDataUrl (url: string): Buffer | undefined {
  const parts = form.exec(url)
  if (parts === null) return undefined
  const [, , base64, data = ''] = parts
  if (/[^A-Za-z0-9;/?:@&=+$,\-_.!~*'()%#]/.test(data)) return undefined
  if (/%(?![0-9A-Fa-f]{2})/.test(data)) return undefined
  const bytes = Buffer.from(data.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))), 'latin1')
  if (base64 === undefined) return bytes
  const text = bytes.toString('latin1').replace(/[\r\n]/g, '')
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined
}

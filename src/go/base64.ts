// Base64 as Go's encoding/base64 reads it (RFC 4648 section 4, StdEncoding): padded, and nothing after the padding.
import { Buffer } from 'node:buffer'

const digitsAtStart = /^[A-Za-z0-9+/]*/

/** The bytes; or where Go's decoder stops, the offset that its CorruptInputError names. */
export function decodeBase64 (text: string): Buffer | { readonly corruptAt: number } {
  const corruptAt = corruption(text)
  return corruptAt === undefined ? Buffer.from(text, 'base64') : { corruptAt }
}

// At a character that is none of the alphabet, at a pad that comes too early, at what follows the pads, or at the start of a
// short last group.
function corruption (text: string): number | undefined {
  const digits = digitsAtStart.exec(text)?.[0].length ?? 0
  const inGroup = digits % 4
  if (digits === text.length) return inGroup === 0 ? undefined : digits - inGroup
  if (text[digits] !== '=' || inGroup < 2) return digits
  if (inGroup === 2 && text.length === digits + 1) return text.length
  if (inGroup === 2 && text[digits + 1] !== '=') return digits
  const end = digits + 4 - inGroup
  return end < text.length ? end : undefined
}

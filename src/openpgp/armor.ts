// ASCII armour (RFC 9580 section 6): the blocks of a file one by one, since some publishers put several into one.

export type ArmorKind = 'PUBLIC KEY BLOCK' | 'PRIVATE KEY BLOCK' | 'SIGNATURE'

/** Every whole block of one of the kinds, in order; none of what is binary. */
export function armoredBlocks (bytes: Uint8Array, kinds: readonly ArmorKind[]): readonly string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const found: string[] = []
  for (let at = text.indexOf('-----BEGIN PGP '); at >= 0; at = text.indexOf('-----BEGIN PGP ', at + 1)) {
    const kind = kinds.find(wanted => text.startsWith(`${wanted}-----`, at + '-----BEGIN PGP '.length))
    if (kind === undefined) continue
    const last = `-----END PGP ${kind}-----`
    const end = text.indexOf(last, at)
    if (end < 0) break
    found.push(`${text.slice(at, end)}${last}\n`)
    at = end
  }
  return found
}

// Detached signatures over text (RFC 4880 sections 5.2.3 and 5.2.4), packet for packet as Matchbox makes them: version 4,
// type 0x01, SHA-256, with the creation time and the key id as its only subpackets. openpgp.js reads the key but does not
// sign: it adds subpackets of its own, and does RSA on the thread that answers requests.
import { createHash, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { Clock } from '../base/clock.js'
import { canonicalText } from '../go/canonical-text.js'
import type { SigningKey } from './key-ring.js'

const signAsync = promisify<string, Buffer, KeyObject, Buffer>(sign)

const version = 4
const canonicalTextSignature = 0x01
const rsa = 1
const sha256 = 8
const signaturePacket = 0xc0 | 2
const subpackets = { creationTime: 2, issuer: 16 } as const

export class Signer {
  readonly #key: SigningKey
  readonly #clock: Clock
  #last: Promise<unknown> = Promise.resolve()

  constructor (key: SigningKey, clock: Clock) {
    this.#key = key
    this.#clock = clock
  }

  get keyId (): string { return this.#key.keyId.toString('hex').toUpperCase() }

  /** A signature packet over any bytes. One is made at a time, so that many do not keep files from being read. */
  sign (content: Buffer): Promise<Buffer> {
    const signature = this.#last.then(() => this.#make(content))
    this.#last = signature.catch(() => {})
    return signature
  }

  async #make (content: Buffer): Promise<Buffer> {
    const { key, keyId } = this.#key
    const created = uint32(Math.floor(this.#clock.now() / 1000))
    const hashedPart = Buffer.concat([subpacket(subpackets.creationTime, created), subpacket(subpackets.issuer, keyId)])
    const head = Buffer.concat([Buffer.from([version, canonicalTextSignature, rsa, sha256]), uint16(hashedPart.length), hashedPart])
    const signed = Buffer.concat([canonicalText(content), head, Buffer.from([version, 0xff]), uint32(head.length)])
    const digest = createHash('sha256').update(signed).digest()
    const number = await signAsync('sha256', signed, key)
    // Go counts all bits of the number, also where it begins with zeros; every reader takes that, and all are of one length.
    const body = Buffer.concat([head, uint16(0), digest.subarray(0, 2), uint16(number.length * 8), number])
    return Buffer.concat([Buffer.from([signaturePacket]), packetLength(body.length), body])
  }
}

/** RFC 4880 section 6.2, without a line end after the last line, as Go writes it. */
export function armor (signature: Buffer): Buffer {
  const lines = signature.toString('base64').match(/.{1,64}/g) ?? []
  return Buffer.from(['-----BEGIN PGP SIGNATURE-----', '', ...lines, `=${crc24(signature).toString('base64')}`, '-----END PGP SIGNATURE-----'].join('\n'))
}

/** RFC 4880 section 6.1. */
function crc24 (bytes: Buffer): Buffer {
  let crc = 0xb704ce
  for (const octet of bytes) {
    crc ^= octet << 16
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1
      if ((crc & 0x1000000) !== 0) crc ^= 0x1864cfb
    }
  }
  return Buffer.from([crc >> 16 & 0xff, crc >> 8 & 0xff, crc & 0xff])
}

function uint16 (value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function uint32 (value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Its length counts the type; none here reaches 192 octets, where lengths grow to two. */
const subpacket = (type: number, data: Buffer): Buffer => Buffer.concat([Buffer.from([1 + data.length, type]), data])

/** A new format packet length, RFC 4880 section 4.2.2, of up to 8383 octets: an RSA key of 16384 bits makes 2 KiB. */
const packetLength = (length: number): Buffer => length < 192 ? Buffer.from([length]) : uint16(length - 192 + 0xc000)

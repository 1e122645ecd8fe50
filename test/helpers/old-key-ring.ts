// A secret key ring as GnuPG 1 and PGP left them: its one RSA key protected by the ciphers and the ways to make a key of a
// passphrase (S2K, RFC 4880 section 3.7) of their time, which GnuPG 2 reads but no longer writes.
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { readPrivateKey } from 'openpgp'
import { runTool } from './tools.js'

const ciphers = {
  tripleDes: { id: 2, name: 'des-ede3-cfb', keyLength: 24, blockLength: 8 },
  cast5: { id: 3, name: 'cast5-cfb', keyLength: 16, blockLength: 8 },
  aes128: { id: 7, name: 'aes-128-cfb', keyLength: 16, blockLength: 16 },
  aes256: { id: 9, name: 'aes-256-cfb', keyLength: 32, blockLength: 16 }
} as const

const hashes = { md5: 1, sha1: 2, sha256: 8 } as const
const s2kTypes = { simple: 0, salted: 1, iterated: 3 } as const
/** What an iterated S2K hashes: 65,536 octets. */
const iteratedCount = { coded: 0x60, octets: 65_536 }

export interface Protection {
  readonly cipher: keyof typeof ciphers
  readonly hash: keyof typeof hashes
  readonly s2k: keyof typeof s2kTypes
  /** How it is told whether the passphrase was right: by SHA-1, or by a sum of two octets as before 2003. */
  readonly check: 'sha1' | 'sum'
}

/** `unprotected` is the binary export of an RSA key without a passphrase. */
export async function protectKeyRing (unprotected: Buffer, passphrase: string, protection: Protection): Promise<Buffer> {
  const { keyPacket } = await readPrivateKey({ binaryKey: unprotected })
  // Version, time and algorithm, then the modulus and the exponent with two octets of length each.
  const { n, e } = keyPacket.publicParams as { readonly n: Uint8Array, readonly e: Uint8Array }
  const publicLength = 6 + 2 + n.length + 2 + e.length
  // After the public part: 0 for no protection, the numbers, and their sum.
  const written = Buffer.from(keyPacket.write())
  const numbers = written.subarray(publicLength + 1, -2)
  const { id, name, keyLength, blockLength } = ciphers[protection.cipher]
  const salt = protection.s2k === 'simple' ? Buffer.alloc(0) : randomBytes(8)
  const key = deriveKey(Buffer.concat([salt, Buffer.from(passphrase)]), keyLength, protection)
  const iv = randomBytes(blockLength)
  const check = protection.check === 'sha1' ? createHash('sha1').update(numbers).digest() : written.subarray(-2)
  const body = Buffer.concat([
    written.subarray(0, publicLength),
    Buffer.from([protection.check === 'sha1' ? 254 : 255, id, s2kTypes[protection.s2k], hashes[protection.hash]]),
    salt,
    protection.s2k === 'iterated' ? Buffer.from([iteratedCount.coded]) : Buffer.alloc(0),
    iv,
    await encrypt(name, key, iv, Buffer.concat([numbers, check]))
  ])
  const header = Buffer.from([0x95, body.length >> 8, body.length & 0xff])
  const rest = unprotected.subarray(3 + unprotected.readUInt16BE(1))
  return Buffer.concat([header, body, rest])
}

/** Each further hash that a long key needs begins with one more zero octet. */
function deriveKey (saltedPassphrase: Buffer, length: number, { hash, s2k }: Protection): Buffer {
  const times = s2k === 'iterated' ? Math.ceil(iteratedCount.octets / saltedPassphrase.length) : 1
  const repeated = Buffer.concat(Array.from({ length: times }, () => saltedPassphrase))
  const hashed = s2k === 'iterated' ? repeated.subarray(0, iteratedCount.octets) : repeated
  const digests: Buffer[] = []
  for (let zeros = 0; Buffer.concat(digests).length < length; zeros++) {
    digests.push(createHash(hash).update(Buffer.alloc(zeros)).update(hashed).digest())
  }
  return Buffer.concat(digests).subarray(0, length)
}

/** Node's OpenSSL has no CAST5; the command has. */
async function encrypt (cipher: string, key: Buffer, iv: Buffer, data: Buffer): Promise<Buffer> {
  if (cipher !== 'cast5-cfb') {
    const encryption = createCipheriv(cipher, key, iv)
    return Buffer.concat([encryption.update(data), encryption.final()])
  }
  const args = ['enc', `-${cipher}`, '-provider', 'legacy', '-provider', 'default', '-K', key.toString('hex'), '-iv', iv.toString('hex')]
  const { code, stdout, stderr } = await runTool('openssl', args, { input: data })
  if (code !== 0) throw new Error(stderr)
  return stdout
}

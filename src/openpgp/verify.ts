// Detached OpenPGP signatures over files (RFC 4880 section 5.2.4, RFC 9580): type 0x00, version 4, as every publisher of
// images makes them. The file is read once, in pieces, and hashed by Node; openpgp.js then judges the signature, the key
// and its bindings. Its own way of hashing a stream is not used: it waits for ever on Node's web streams.
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { enums, type PublicKey, readSignature, type SignaturePacket } from 'openpgp'
import { AppError, messageOf } from '../base/errors.js'

export interface SignedBy {
  /** Of the primary key, in upper-case hex: the one that is pinned. */
  readonly fingerprint: string
  /** Milliseconds since the epoch. */
  readonly signedAt: number
  /** The key was good when it signed and has ended since. */
  readonly expired: boolean
}

export interface CheckedFile {
  readonly bytes: number
  readonly sha256: string
  /** Of a file whose signature was asked for. */
  readonly signedBy: SignedBy | undefined
}

export interface CheckOptions {
  /** A signature file, binary or armoured; undefined for a file that is only hashed. */
  readonly signature: Uint8Array | undefined
  readonly keys: readonly PublicKey[]
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Takes what a key signed while it was good although it has ended since. */
  readonly allowExpired: boolean
}

const nodeHashes: Readonly<Record<number, string>> = {
  [enums.hash.sha256]: 'sha256', [enums.hash.sha384]: 'sha384', [enums.hash.sha512]: 'sha512', [enums.hash.sha224]: 'sha224'
}
const pieceBytes = 256 * 1024

export const fingerprintOf = (key: PublicKey): string => key.getFingerprint().toUpperCase()

/**
 * Reads the file, and throws AppError image_signature_bad, image_key_missing or image_key_expired unless one of the
 * signatures is good and by one of the keys.
 */
export async function checkFile (path: string, options: CheckOptions): Promise<CheckedFile> {
  const packets = options.signature === undefined ? [] : await signaturesIn(path, options.signature)
  const sha256 = createHash('sha256')
  const hashes = packets.map(packet => createHash(nodeHashes[packet.hashAlgorithm ?? 0] ?? 'sha512'))
  let bytes = 0
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes }) as AsyncIterable<Buffer>) {
    sha256.update(piece)
    for (const hash of hashes) hash.update(piece)
    bytes += piece.length
  }
  const failures: AppError[] = []
  let signedBy: SignedBy | undefined
  for (const [index, packet] of packets.entries()) {
    try {
      signedBy ??= await judge(path, packet, hashes[index]!, options)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      failures.push(error)
    }
  }
  if (signedBy === undefined && failures[0] !== undefined) throw failures[0]
  return { bytes, sha256: sha256.digest('hex'), signedBy }
}

async function signaturesIn (path: string, signature: Uint8Array): Promise<readonly SignaturePacket[]> {
  try {
    const text = Buffer.from(signature).toString('latin1')
    const armoured = text.includes('-----BEGIN PGP SIGNATURE-----')
    const read = await (armoured ? readSignature({ armoredSignature: text }) : readSignature({ binarySignature: signature }))
    const packets = [...read.packets] as SignaturePacket[]
    const usable = packets.filter(({ version, signatureType, hashAlgorithm }) =>
      version === 4 && signatureType === enums.signature.binary && nodeHashes[hashAlgorithm ?? 0] !== undefined)
    if (usable.length > 0) return usable
  } catch (error) {
    throw new AppError('image_signature_bad', `${path}: its signature can't be read: ${firstLine(error)}`)
  }
  throw new AppError('image_signature_bad', `${path}: its signature is not a version 4 signature over a binary file with SHA-2`)
}

const firstLine = (error: unknown): string => messageOf(error).split('\n', 1)[0] ?? ''

async function judge (path: string, packet: SignaturePacket, hash: Hash, { keys, now, allowExpired }: CheckOptions): Promise<SignedBy> {
  const { issuerKeyID: id } = packet
  const key = keys.find(candidate => candidate.getKeys(id).length > 0)
  const issuer = key?.getKeys(id)[0]
  if (key === undefined || issuer === undefined) {
    const pinned = keys.length === 0 ? 'no key is pinned' : `pinned are ${keys.map(fingerprintOf).join(', ')}`
    throw new AppError('image_key_missing', `${path}: signed with key ${id.toHex().toUpperCase()}, which is not pinned (${pinned}); core-provisioner images keys add FILE --fingerprint FINGERPRINT`)
  }
  const bad = (why: string): AppError => new AppError('image_signature_bad', `${path}: its signature by ${fingerprintOf(key)} is bad: ${why}`)
  const created = packet.created ?? new Date(0)
  try {
    await verifyPacket(packet, issuer.keyPacket, hash, new Date(now))
  } catch (error) {
    throw bad(/digest did not match|verification failed/i.test(messageOf(error)) ? 'the file is not what was signed' : firstLine(error))
  }
  if (issuer.keyPacket.created > created) throw bad('it is older than the key')
  await key.getSigningKey(id, created).catch((error: unknown) => { throw ended(path, key, `was not good when it signed: ${firstLine(error)}`) })
  const expired = await key.getSigningKey(id, new Date(now)).then(() => false, (error: unknown) => {
    if (allowExpired && /expired/i.test(messageOf(error))) return true
    throw ended(path, key, `is not good any more: ${firstLine(error)}; a newer one is at the publisher's`)
  })
  return { fingerprint: fingerprintOf(key), signedAt: created.getTime(), expired }
}

const ended = (path: string, key: PublicKey, what: string): AppError => new AppError('image_key_expired', `${path}: the key ${fingerprintOf(key)} that signed it ${what}`)

/** What a signature packet has beside its declared type: the hash of what is signed, when that has been made already. */
interface Prehashed { hashed: Promise<Uint8Array> | null, readonly signatureData: Uint8Array }

async function verifyPacket (packet: SignaturePacket, key: Parameters<SignaturePacket['verify']>[0], hash: Hash, now: Date): Promise<void> {
  const prehashed = packet as unknown as Prehashed
  const { signatureData } = prehashed
  // RFC 4880 section 5.2.4: the hashed part of the packet, then version, 0xff and the part's length.
  const trailer = Buffer.from([4, 0xff, 0, 0, 0, 0])
  trailer.writeUInt32BE(signatureData.length, 2)
  prehashed.hashed = Promise.resolve(new Uint8Array(hash.update(signatureData).update(trailer).digest()))
  await packet.verify(key, enums.signature.binary, {}, now, true)
}

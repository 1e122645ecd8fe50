// Detached OpenPGP signatures over files (RFC 9580 section 5.2.4): type 0x00, version 4, as every publisher of images makes
// them, and good where `gpg --verify` with the same keys says "Good signature". A file is read once, in pieces, and hashed by
// Node; openpgp.js compares signature and digest. Its own way of hashing a stream is not used: it waits for ever on Node's
// web streams.
import { createHash, type Hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { enums, readSignature, type SignaturePacket } from 'openpgp'
import { AppError, firstLineOf, messageOf } from '../base/errors.js'
import { armoredBlocks } from './armor.js'
import { asGpg, type OpenpgpCertificate, type KeyPart, nodeHashes, verifyDigest } from './certificate.js'

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
  readonly sha512: string
  /** Only where it was asked for. */
  readonly sha1: string | undefined
  /** The first bytes, `headBytes` at most. */
  readonly head: Buffer
  /** Of a file whose signature was asked for. */
  readonly signedBy: SignedBy | undefined
}

export interface CheckOptions {
  /** A signature file, binary or armoured; undefined for a file that is only hashed. */
  readonly signature: Uint8Array | undefined
  readonly keys: readonly OpenpgpCertificate[]
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Takes what a key signed while it was good although it has ended since. */
  readonly allowExpired: boolean
  /** Counts the SHA-1 as well: protocols from before 2017 name files by it. */
  readonly sha1?: boolean
}

const pieceBytes = 2 ** 20
const headBytes = 64 * 1024

/**
 * Reads the file, and throws AppError image_signature_bad, image_key_missing or image_key_expired unless one of the
 * signatures is good and by one of the keys, and none by one of them is bad.
 */
export const checkFile = async (path: string, options: CheckOptions): Promise<CheckedFile> =>
  await check(path, piecesOf(path), options)

/**
 * Read by this thread rather than by those of libuv, which all threads share: those who boot meanwhile need them. Others of this
 * thread get their turn between the pieces. The memory is used again for the next.
 */
async function * piecesOf (path: string): AsyncGenerator<Buffer> {
  const fd = openSync(path, 'r')
  try {
    const memory = Buffer.allocUnsafeSlow(pieceBytes)
    for (let length = readSync(fd, memory); length > 0; length = readSync(fd, memory)) {
      yield memory.subarray(0, length)
      await turn()
    }
  } finally {
    closeSync(fd)
  }
}

/** The same of bytes that are called `name`. */
export const checkBytes = async (name: string, bytes: Buffer, options: CheckOptions): Promise<CheckedFile> =>
  await check(name, [bytes], options)

async function check (name: string, pieces: AsyncIterable<Buffer> | Iterable<Buffer>, options: CheckOptions): Promise<CheckedFile> {
  const packets = options.signature === undefined ? [] : await signaturesIn(name, options.signature)
  // One of each kind, however many signatures there are.
  const hashes = new Map(['sha256', 'sha512', ...options.sha1 === true ? ['sha1'] : [], ...packets.map(hashOf)].map(kind => [kind, createHash(kind)]))
  const heads: Buffer[] = []
  let bytes = 0
  for await (const piece of pieces) {
    for (const hash of hashes.values()) hash.update(piece)
    if (bytes < headBytes) heads.push(Buffer.from(piece.subarray(0, headBytes - bytes)))
    bytes += piece.length
  }
  const failures: SignatureFailure[] = []
  let signedBy: SignedBy | undefined
  for (const packet of packets) {
    try {
      const found = await judge(packet, hashes.get(hashOf(packet))!.copy(), options)
      signedBy ??= found
    } catch (error) {
      if (!(error instanceof SignatureFailure)) throw error
      failures.push(error)
    }
  }
  const failure = failures.find(({ forged }) => forged) ?? (signedBy === undefined ? failures.find(({ code }) => code !== 'image_key_missing') ?? failures[0] : undefined)
  if (failure !== undefined) throw new AppError(failure.code, `${name}: ${failure.message}`)
  return { bytes, sha256: hashes.get('sha256')!.digest('hex'), sha512: hashes.get('sha512')!.digest('hex'), sha1: hashes.get('sha1')?.digest('hex'), head: Buffer.concat(heads), signedBy }
}

const hashOf = ({ hashAlgorithm }: SignaturePacket): string => nodeHashes[hashAlgorithm ?? 0] ?? 'sha512'

/** More are none that a publisher made. */
const mostSignatures = 100

async function signaturesIn (name: string, signature: Uint8Array): Promise<readonly SignaturePacket[]> {
  const blocks = armoredBlocks(signature, ['SIGNATURE'])
  const packets: SignaturePacket[] = []
  try {
    const reading = blocks.length === 0
      ? [readSignature({ binarySignature: signature, config: asGpg })]
      : blocks.map(armoredSignature => readSignature({ armoredSignature, config: asGpg }))
    for (const read of await Promise.all(reading)) packets.push(...read.packets as unknown as SignaturePacket[])
  } catch (error) {
    throw new AppError('image_signature_bad', `${name}: its signature can't be read: ${firstLineOf(error)}`)
  }
  if (packets.length > mostSignatures) throw new AppError('image_signature_bad', `${name}: its signature file holds more than ${mostSignatures} signatures`)
  const usable = packets.filter(({ version, signatureType, hashAlgorithm }) =>
    version === 4 && signatureType === enums.signature.binary && nodeHashes[hashAlgorithm ?? 0] !== undefined)
  if (usable.length > 0) return usable
  throw new AppError('image_signature_bad', `${name}: its signature is not a version 4 signature over a binary file`)
}

/** Why a signature does not count. */
class SignatureFailure extends Error {
  readonly code: 'image_signature_bad' | 'image_key_missing' | 'image_key_expired'
  /** By one of the keys, and not over this file. */
  readonly forged: boolean

  constructor (code: SignatureFailure['code'], message: string, forged = false) {
    super(message)
    this.code = code
    this.forged = forged
  }
}

interface Issuer { readonly key: OpenpgpCertificate, readonly part: KeyPart }

async function judge (packet: SignaturePacket, hash: Hash, { keys, now, allowExpired }: CheckOptions): Promise<SignedBy> {
  const { issuerKeyID: id } = packet
  const issuers = keys.flatMap(key => key.parts.filter(part => part.packet.getKeyID().equals(id)).map((part): Issuer => ({ key, part })))
  if (issuers[0] === undefined) {
    const pinned = keys.length === 0 ? 'no key is pinned' : `pinned are ${keys.map(({ fingerprint }) => fingerprint).join(', ')}`
    throw new SignatureFailure('image_key_missing', `signed with key ${id.toHex().toUpperCase()}, which is not pinned (${pinned}); core-provisioner images keys add FILE --fingerprint FINGERPRINT`)
  }
  const { key, part } = await signerAmong(issuers, packet, hash)
  const { fingerprint } = key
  const created = Number(packet.created)
  const bad = (why: string): SignatureFailure => new SignatureFailure('image_signature_bad', `its signature by ${fingerprint} is bad: ${why}`)
  if (part.created > created) throw bad('it is older than the key')
  if (!packet.signatureNeverExpires && typeof packet.signatureExpirationTime === 'number' && created + packet.signatureExpirationTime * 1000 <= now) throw bad('it has ended')
  const ended = (what: string): SignatureFailure => new SignatureFailure('image_key_expired', `the key ${fingerprint} that signed it ${what}`)
  const { revoked, expires, unfit } = key.standing(part, now)
  if (revoked) throw ended('was revoked')
  if (unfit !== undefined) throw bad(unfit)
  const expired = expires !== undefined && expires <= now
  if (expired && !(allowExpired && created < expires)) {
    throw ended(`ended at ${new Date(expires).toISOString()}; a newer one is at the publisher's${created < expires ? '' : ', and it had ended when it signed'}`)
  }
  return { fingerprint, signedAt: created, expired }
}

/** Whose signature it is, of those whose key id it names: as a rule there is one. */
async function signerAmong (issuers: readonly Issuer[], packet: SignaturePacket, hash: Hash): Promise<Issuer> {
  const digest = digestOf(packet, hash)
  let failure: unknown
  for (const issuer of issuers) {
    try {
      await verifyDigest(packet, issuer.part.packet, enums.signature.binary, digest)
      return issuer
    } catch (error) {
      failure = error
    }
  }
  const why = /digest did not match|verification failed/i.test(messageOf(failure)) ? 'the file is not what was signed' : firstLineOf(failure)
  throw new SignatureFailure('image_signature_bad', `its signature by ${issuers[0]?.key.fingerprint ?? ''} is bad: ${why}`, true)
}

function digestOf (packet: SignaturePacket, hash: Hash): Uint8Array {
  // Not in the library's types: the packet up to the end of its hashed subpackets.
  const { signatureData } = packet as unknown as { readonly signatureData: Uint8Array }
  // RFC 9580 section 5.2.4: the hashed part of the packet, then version, 0xff and the part's length.
  const trailer = Buffer.from([4, 0xff, 0, 0, 0, 0])
  trailer.writeUInt32BE(signatureData.length, 2)
  return new Uint8Array(hash.update(signatureData).update(trailer).digest())
}

// The key that signs: the first private key of a secret key ring (RFC 4880 section 11.1), as `gpg --export-secret-keys`
// writes it or as GnuPG 1 keeps it in secring.gpg, binary or ASCII-armoured. Its passphrase opens it once, at start.
// Certificates and their age are not looked at: whether the key is to be trusted is for those who verify.
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { type PrivateKey, readPrivateKeys } from 'openpgp'
import { AppError, errnoOf, firstLineOf, messageOf } from '../base/errors.js'
import { remedyForSecret } from '../disk/denied.js'
import { readWhole } from '../disk/whole-file.js'

export interface SigningKey {
  /** Eight octets, by which a verifier finds the public key. */
  readonly keyId: Buffer
  /** RSA; its parts are never shown. */
  readonly key: KeyObject
}

interface RsaPublic { readonly n: Uint8Array, readonly e: Uint8Array }
/** RFC 4880 section 5.5.3: `u` is the inverse of p modulo q. */
interface RsaPrivate { readonly d: Uint8Array, readonly p: Uint8Array, readonly q: Uint8Array, readonly u: Uint8Array }

/** AppError `read_failed` or `key_ring_invalid`; neither holds anything of the key or its passphrase. */
export async function openKeyRing (path: string, passphrase: string): Promise<SigningKey> {
  const invalid = (problem: string): AppError => new AppError('key_ring_invalid', `${path}: ${problem}`)
  const bytes = await readWhole(path, 'collections').catch((error: unknown) => {
    throw new AppError('read_failed', errnoOf(error) === 'ENOENT' ? `there is no key ring ${path}` : `cannot read the key ring ${path}: ${messageOf(error)}${remedyForSecret(path, error)}`)
  })
  const packet = (await firstPrivateKey(bytes, invalid)).keyPacket
  if (!('decrypt' in packet)) throw invalid('holds no private key')
  if (packet.isDummy()) throw invalid('its first private key is a stub, the key itself is kept elsewhere; export the whole key')
  // Usage forms 1 and 3 of RSA are for encryption alone or signing alone; what counts is that its numbers are RSA's.
  const { algorithm } = packet.getAlgorithmInfo()
  if (!algorithm.startsWith('rsa')) throw invalid(`its first private key is ${algorithm}; only RSA keys sign here`)
  if (!packet.isDecrypted()) {
    if (passphrase === '') throw invalid('its private key has a passphrase: set MATCHBOX_PASSPHRASE')
    await packet.decrypt(passphrase).catch((error: unknown) => { throw invalid(refusal(messageOf(error))) })
  }
  try {
    await packet.validate()
    return {
      keyId: Buffer.from(packet.getKeyID().toHex(), 'hex'),
      key: rsaKey(packet.publicParams as RsaPublic, packet.privateParams as RsaPrivate)
    }
  } catch {
    throw invalid('its private key is damaged: its numbers do not fit each other')
  }
}

async function firstPrivateKey (bytes: Buffer, invalid: (problem: string) => AppError): Promise<PrivateKey> {
  if (bytes.length === 0) throw invalid('is empty')
  const armoured = bytes.indexOf('-----BEGIN PGP ') >= 0
  try {
    const [key] = await (armoured ? readPrivateKeys({ armoredKeys: bytes.toString('latin1') }) : readPrivateKeys({ binaryKeys: bytes }))
    if (key !== undefined) return key
  } catch (error) {
    if (!/no secret key packet/i.test(messageOf(error))) throw invalid(`is not an OpenPGP key ring: ${firstLineOf(error)}`)
  }
  throw invalid('holds no private key; gpg --export-secret-keys writes such a file')
}

function refusal (message: string): string {
  if (message.startsWith('Incorrect key passphrase')) return 'MATCHBOX_PASSPHRASE is not the passphrase of its private key'
  return `the protection of its private key is of an old or unknown form (${message}); import and export it with a GnuPG of today`
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const toBigInt = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)

/** JWK wants the inverse of q modulo p, which is what OpenPGP has when its two primes change places. */
function rsaKey ({ n, e }: RsaPublic, { d, p: q, q: p, u: qi }: RsaPrivate): KeyObject {
  const exponent = (prime: Uint8Array): string => {
    const hex = (toBigInt(d) % (toBigInt(prime) - 1n)).toString(16)
    return Buffer.from(hex.padStart(hex.length + hex.length % 2, '0'), 'hex').toString('base64url')
  }
  const jwk = { kty: 'RSA', n: base64url(n), e: base64url(e), d: base64url(d), p: base64url(p), q: base64url(q), dp: exponent(p), dq: exponent(q), qi: base64url(qi) }
  return createPrivateKey({ key: jwk, format: 'jwk' })
}

// The public keys of a file, and what their self-signatures say of them as GnuPG reads that (merge_selfsigs): the newest
// counts, whatever was in force when something was signed, so that a renewed key is as good for what it signed before; one
// that was revoked is no key. openpgp.js reads the packets and checks each signature, but judges keys by the day.
import { createHash } from 'node:crypto'
import { config as defaults, enums, type PublicKey, readKeys, type SignaturePacket, type Subkey as OpenpgpSubkey } from 'openpgp'
import { armoredBlocks } from './armor.js'

/** A primary key or a subkey. Times are milliseconds since the epoch. */
export interface KeyPart {
  readonly packet: PublicKey['keyPacket'] | OpenpgpSubkey['keyPacket']
  readonly created: number
}

export interface OpenpgpCertificate {
  /** Of the primary key, in upper-case hex. */
  readonly fingerprint: string
  readonly users: readonly string[]
  readonly parts: readonly KeyPart[]
  /** How a part of it stands. */
  readonly standing: (part: KeyPart, now: number) => KeyStanding
  /** In one or more armoured blocks. */
  readonly armored: string
}

export interface KeyStanding {
  readonly revoked: boolean
  readonly expires: number | undefined
  /** Why it can't sign at all, whatever the day; undefined when it can. */
  readonly unfit: string | undefined
}

/** Everything but MD5 that GnuPG takes. What is refused is for gpg to say, not for the library's taste. */
export const asGpg = {
  ...defaults, rejectHashAlgorithms: new Set([enums.hash.md5]), rejectMessageHashAlgorithms: new Set([enums.hash.md5])
} as typeof defaults

export const nodeHashes: Readonly<Record<number, string>> = {
  [enums.hash.sha1]: 'sha1',
  [enums.hash.ripemd]: 'ripemd160',
  [enums.hash.sha224]: 'sha224',
  [enums.hash.sha256]: 'sha256',
  [enums.hash.sha384]: 'sha384',
  [enums.hash.sha512]: 'sha512'
}

/** What a signature packet has beside its declared type. */
interface Insides {
  /** The digest, when that has been made already. */
  hashed: Promise<Uint8Array> | null
  readonly toHash: (type: number, data: object) => Uint8Array
}

/**
 * Rejects unless the packet is a signature by the key over what the digest is of. Without a date: when it was made and how long
 * it lasts is judged by who asks. Given only the data, openpgp.js leaves some curves to a package that it does not bring.
 */
export async function verifyDigest (packet: SignaturePacket, key: KeyPart['packet'], type: number, digest: Uint8Array): Promise<void> {
  (packet as unknown as Insides).hashed = Promise.resolve(digest)
  await packet.verify(key, type, {}, null as unknown as Date, true, asGpg)
}

/** Whether a certificate's own signature of that type holds. */
async function vouches (packet: SignaturePacket, key: KeyPart['packet'], type: number, data: object): Promise<boolean> {
  const hash = nodeHashes[packet.hashAlgorithm ?? 0]
  if (packet.signatureType !== type || hash === undefined) return false
  try {
    await verifyDigest(packet, key, type, createHash(hash).update((packet as unknown as Insides).toHash(type, data)).digest())
    return true
  } catch {
    return false
  }
}

/** The keys of a file, binary or in armoured blocks, copies of one key taken together. Rejects when none can be read. */
export async function readCertificates (bytes: Uint8Array): Promise<readonly OpenpgpCertificate[]> {
  const blocks = armoredBlocks(bytes, ['PUBLIC KEY BLOCK', 'PRIVATE KEY BLOCK'])
  const readings = blocks.length === 0
    ? [readKeys({ binaryKeys: bytes, config: asGpg })]
    : blocks.map(armoredKeys => readKeys({ armoredKeys, config: asGpg }))
  const settled = await Promise.allSettled(readings)
  const keys = settled.flatMap(result => result.status === 'fulfilled' ? result.value : [])
  const failed = settled.find(result => result.status === 'rejected')
  if (keys.length === 0 && failed !== undefined) throw failed.reason
  const copies = new Map<string, PublicKey[]>()
  for (const key of keys) {
    const fingerprint = key.getFingerprint().toUpperCase()
    copies.set(fingerprint, [...copies.get(fingerprint) ?? [], key.toPublic()])
  }
  return await Promise.all([...copies].map(([fingerprint, same]) => certificate(fingerprint, same)))
}

/** What a self-signature says. */
interface Said {
  readonly at: number
  /** When the signature itself ends. */
  readonly until: number
  /** Milliseconds that the key lasts from its creation; undefined for ever. */
  readonly lasts: number | undefined
  readonly flags: number | undefined
}

const said = ({ created, signatureExpirationTime: ends, keyExpirationTime: lasts, keyFlags }: SignaturePacket): Said => ({
  at: Number(created),
  until: typeof ends !== 'number' || ends === 0 ? Infinity : Number(created) + ends * 1000,
  lasts: typeof lasts !== 'number' || lasts === 0 ? undefined : lasts * 1000,
  flags: keyFlags?.[0]
})

const newest = <Item extends { readonly at: number }>(items: readonly Item[]): Item | undefined =>
  items.reduce<Item | undefined>((best, item) => best === undefined || item.at >= best.at ? item : best, undefined)

/** Those of the primary key over itself, which the library's types leave out. */
type WithDirectSignatures = PublicKey & { readonly directSignatures?: readonly SignaturePacket[] }
const directSignatures = (key: WithDirectSignatures): readonly SignaturePacket[] => key.directSignatures ?? []

/** Those signatures of a type by the primary key that hold. */
type Good = (signatures: readonly SignaturePacket[], type: number, data: object) => Promise<readonly SignaturePacket[]>

const goodBy = (primary: PublicKey['keyPacket']): Good => async (signatures, type, data) => {
  const checked = await Promise.all(signatures.map(async signature => await vouches(signature, primary, type, data)))
  return signatures.filter((_, index) => checked[index])
}

async function certificate (fingerprint: string, copies: readonly PublicKey[]): Promise<OpenpgpCertificate> {
  const primary = copies[0]!.keyPacket
  const good = goodBy(primary)
  const { signature: types } = enums
  const revoked = (await good(copies.flatMap(copy => copy.revocationSignatures), types.keyRevocation, { key: primary })).length > 0
  const direct = newest((await good(copies.flatMap(directSignatures), types.key, { key: primary })).map(said))
  const users = await usersOf(copies, good)
  const subkeys = await subkeysOf(copies, good)
  const main: KeyPart = { packet: primary, created: Number(primary.created) }
  const selves = [...users.values()].map(found => newest(found))
  return {
    fingerprint,
    users: [...users.keys()],
    parts: [main, ...subkeys.map(({ part }) => part)],
    armored: copies.map(copy => copy.armor()).join('\n'),
    standing: (part, now) => {
      const ofMain = standingOfMain({ main, revoked, direct, selves }, now)
      const subkey = subkeys.find(candidate => candidate.part === part)
      return subkey === undefined ? ofMain : standingOfSubkey(subkey, ofMain, now)
    }
  }
}

type SaidOfUser = Said & { readonly revokes: boolean }

/** By user id, what the primary key has said of it. */
async function usersOf (copies: readonly PublicKey[], good: Good): Promise<ReadonlyMap<string, readonly SaidOfUser[]>> {
  const { signature: types } = enums
  const users = new Map<string, SaidOfUser[]>()
  for (const { keyPacket: key, users: named } of copies) {
    for (const { userID, selfCertifications, revocationSignatures } of named) {
      if (userID === null) continue
      const data = { userID, key }
      const found = users.get(userID.userID) ?? []
      for (const type of [types.certGeneric, types.certPersona, types.certCasual, types.certPositive]) {
        found.push(...(await good(selfCertifications, type, data)).map(signature => ({ ...said(signature), revokes: false })))
      }
      const revocations = await good(revocationSignatures, types.certRevocation, data)
      found.push(...revocations.map(signature => ({ ...said(signature), revokes: true })))
      users.set(userID.userID, found)
    }
  }
  return users
}

/** Copies of one taken together. */
async function subkeysOf (copies: readonly PublicKey[], good: Good): Promise<readonly Subkey[]> {
  const { signature: types } = enums
  const found = new Map<string, Subkey>()
  for (const { keyPacket: key, subkeys } of copies) {
    for (const { keyPacket: packet, bindingSignatures, revocationSignatures } of subkeys) {
      const data = { key, bind: packet }
      const id = packet.getFingerprint()
      const before = found.get(id)
      const bindings = await good(bindingSignatures, types.subkeyBinding, data)
      found.set(id, {
        part: before?.part ?? { packet, created: Number(packet.created) },
        revoked: before?.revoked === true || (await good(revocationSignatures, types.subkeyRevocation, data)).length > 0,
        bindings: [...before?.bindings ?? [], ...await Promise.all(bindings.map(async signature => {
          const { embeddedSignature: back } = signature
          return { ...said(signature), crossCertified: back !== null && await vouches(back, packet, types.keyBinding, data) }
        }))]
      })
    }
  }
  return [...found.values()]
}

interface Subkey {
  readonly part: KeyPart
  readonly revoked: boolean
  readonly bindings: ReadonlyArray<Said & { readonly crossCertified: boolean }>
}

interface Main {
  readonly main: KeyPart
  readonly revoked: boolean
  readonly direct: Said | undefined
  /** The newest that was said of each user id. */
  readonly selves: ReadonlyArray<SaidOfUser | undefined>
}

/** RFC 9580 section 5.2.3.29. */
const maySign = 0x02
/** A key without flags is for all that its algorithm can do. */
const signs = (flags: number | undefined): boolean => flags === undefined || (flags & maySign) !== 0

type MainStanding = KeyStanding & { readonly valid: boolean }

function standingOfMain ({ main, revoked, direct, selves }: Main, now: number): MainStanding {
  const standing = selves.filter(self => self !== undefined).filter(({ revokes, until }) => !revokes && until > now)
  const valid = direct !== undefined || standing.length > 0
  const lasts = direct?.lasts ?? newest(standing.filter(self => self.lasts !== undefined))?.lasts
  const flags = direct?.flags ?? newest(standing.filter(self => self.flags !== undefined))?.flags
  return {
    revoked,
    expires: lasts === undefined ? undefined : main.created + lasts,
    valid,
    unfit: !valid ? 'it has no user id that it vouches for' : signs(flags) ? undefined : 'it is not one for signing'
  }
}

function standingOfSubkey ({ part, revoked, bindings }: Subkey, main: MainStanding, now: number): KeyStanding {
  const binding = newest(bindings.filter(({ until }) => until > now))
  const ends = [main.expires, binding?.lasts === undefined ? undefined : part.created + binding.lasts].filter(end => end !== undefined)
  const unfit = !main.valid
    ? main.unfit
    : binding === undefined
      ? 'its primary key does not vouch for it'
      : !signs(binding.flags)
          ? 'it is not one for signing'
          : binding.crossCertified ? undefined : 'it does not vouch for its primary key'
  return { revoked: revoked || main.revoked, expires: ends.length === 0 ? undefined : Math.min(...ends), unfit }
}

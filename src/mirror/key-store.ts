// The publishers' public keys: files that the configuration names with their fingerprint, and those that
// `images keys add` put into state_path/images/keys. A key counts only when its fingerprint is the one that is pinned.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, errnoOf, firstLineOf, messageOf } from '../base/errors.js'
import { type OpenpgpCertificate, type KeyPart, readCertificates, type KeyStanding } from '../openpgp/certificate.js'
import { removeFile, writeFileAtomic } from '../disk/atomic-file.js'
import { makeFolder } from '../disk/make-folder.js'
import { readWhole } from '../disk/whole-file.js'

export interface PinnedKey {
  readonly fingerprint: string
  readonly file: string
  readonly users: readonly string[]
  /** When no part of it can sign any more, milliseconds since the epoch; undefined for never. */
  readonly expires: number | undefined
  /** The part that its owner signs with; undefined when none can. */
  readonly signer: SignerKey | undefined
  readonly key: OpenpgpCertificate
}

/** The newest subkey for signing, as gpg chooses, or the primary key where there is none. */
export interface SignerKey {
  readonly fingerprint: string
  readonly isSubkey: boolean
  readonly expires: number | undefined
}

export interface KeyStore {
  readonly keys: readonly PinnedKey[]
  /** A line for each key that can't be used. */
  readonly problems: readonly string[]
}

/** `named`: what its key of the configuration is called, with its place. */
export interface ConfiguredKey extends Pick<PinnedKey, 'file' | 'fingerprint'> { readonly named?: string }

export const maxKeyFileBytes = 4 * 2 ** 20

/** A fingerprint as people write it: with spaces, colons, 0x, in either case. undefined when it is none of 40 or 64 digits. */
export function parseFingerprint (text: string): string | undefined {
  const digits = text.replace(/[\s:]/g, '').replace(/^0x/i, '').toUpperCase()
  return /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(digits) ? digits : undefined
}

/**
 * The keys that are there; those that are not are problems, so that one missing file does not stop the others. What several files
 * hold of one key counts together: whichever was renewed last brings the new subkey.
 */
export async function loadKeys (folder: string, configured: readonly ConfiguredKey[]): Promise<KeyStore> {
  const imported = (await readdir(folder).catch(() => [])).filter(name => /^[0-9A-F]+\.asc$/.test(name))
    .map((name): ConfiguredKey => ({ file: join(folder, name), fingerprint: name.slice(0, -'.asc'.length) }))
  const keys = new Map<string, PinnedKey>()
  const problems: string[] = []
  for (const { file, fingerprint, named } of [...configured, ...imported]) {
    try {
      const found = await pinnedKey(file, fingerprint)
      const before = keys.get(fingerprint)
      keys.set(fingerprint, before === undefined ? found : await together(before, found))
    } catch (error) {
      problems.push(`${named === undefined ? '' : `${named}: `}${messageOf(error)}`)
    }
  }
  return { keys: [...keys.values()], problems }
}

/** Copies one of the keys that were found in a file into the folder. AppError key_invalid. */
export async function importKey (
  folder: string, file: string, found: readonly OpenpgpCertificate[], fingerprint: string
): Promise<PinnedKey> {
  const { key } = pinnedAmong(file, found, fingerprint)
  await makeFolder(folder)
  const copy = join(folder, `${fingerprint}.asc`)
  await writeFileAtomic(copy, key.armored)
  return pinned(copy, key)
}

/** AppError key_invalid when no such key was imported. */
export async function forgetKey (folder: string, fingerprint: string): Promise<void> {
  const file = join(folder, `${fingerprint}.asc`)
  await readWhole(file, 'collections').catch(() => { throw new AppError('key_invalid', `no key ${fingerprint} was imported; those of the configuration are removed there`) })
  await removeFile(file)
}

const pinnedKey = async (file: string, fingerprint: string): Promise<PinnedKey> => pinnedAmong(file, await keysIn(file), fingerprint)

function pinnedAmong (file: string, found: readonly OpenpgpCertificate[], fingerprint: string): PinnedKey {
  const key = found.find(candidate => candidate.fingerprint === fingerprint)
  if (key === undefined) throw new AppError('key_invalid', `${file} does not hold the key ${fingerprint}; it holds ${found.map(other => other.fingerprint).join(', ')}`)
  return pinned(file, key)
}

const pinned = (file: string, key: OpenpgpCertificate): PinnedKey =>
  ({ fingerprint: key.fingerprint, file, users: key.users, expires: lastSigningDay(key), signer: signerOf(key), key })

async function together (one: PinnedKey, other: PinnedKey): Promise<PinnedKey> {
  const [key = one.key] = await readCertificates(Buffer.from(`${one.key.armored}\n${other.key.armored}`))
  return pinned(`${one.file}, ${other.file}`, key)
}

/** The keys of a file, binary or in armoured blocks. AppError read_failed or key_invalid. */
export async function keysIn (file: string): Promise<readonly OpenpgpCertificate[]> {
  const bytes = await readWhole(file, 'collections').catch((error: unknown) => {
    throw new AppError('read_failed', errnoOf(error) === 'ENOENT' ? `there is no key file ${file}` : `cannot read the key file ${file}: ${messageOf(error)}`)
  })
  if (bytes.length > maxKeyFileBytes) throw new AppError('key_invalid', `${file} is larger than ${maxKeyFileBytes / 2 ** 20} MiB`)
  const found = await readCertificates(bytes).catch((error: unknown) => {
    throw new AppError('key_invalid', `${file} is not an OpenPGP public key: ${firstLineOf(error)}`)
  })
  if (found.length === 0) throw new AppError('key_invalid', `${file} holds no OpenPGP public key`)
  return found
}

/** Whatever the day. */
const canSign = (key: OpenpgpCertificate): ReadonlyArray<KeyStanding & { readonly part: KeyPart }> =>
  key.parts.map(part => ({ part, ...key.standing(part, 0) })).filter(({ revoked, unfit }) => !revoked && unfit === undefined)

/** When the last of the parts that can sign ends; 0 when none can. Milliseconds since the epoch, undefined for never. */
function lastSigningDay (key: OpenpgpCertificate): number | undefined {
  const last = Math.max(0, ...canSign(key).map(({ expires }) => expires ?? Infinity))
  return last === Infinity ? undefined : last
}

function signerOf (key: OpenpgpCertificate): SignerKey | undefined {
  const able = canSign(key)
  const subkeys = able.filter(({ part }) => part !== key.parts[0])
  const newest = [...subkeys].sort((a, b) => a.part.created - b.part.created).at(-1)
  const chosen = newest ?? able[0]
  return chosen === undefined
    ? undefined
    : { fingerprint: chosen.part.packet.getFingerprint().toUpperCase(), isSubkey: newest !== undefined, expires: chosen.expires }
}

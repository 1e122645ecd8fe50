// A signature held against its key's times, one second before, at and after each; and how much of a file and of signatures is looked at.
import { createHash } from 'node:crypto'
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { config, createMessage, enums, generateKey, LiteralDataPacket, PacketList, type PrivateKey, sign, SignaturePacket } from 'openpgp'
import t from 'tap'
import { readCertificates } from '../../src/openpgp/certificate.js'
import { checkBytes, type CheckedFile, checkFile } from '../../src/openpgp/verify.js'

const made = Date.UTC(2026, 0, 1)
const second = 1000
const lasts = 100 * second
const content = Buffer.from('a kernel, or as good as one')

const keyMade = async (more: object = {}): Promise<PrivateKey> =>
  (await generateKey({ type: 'ecc', curve: 'nistP256', userIDs: [{ name: 'images' }], date: new Date(made), format: 'object', ...more })).privateKey
const signed = async (signingKeys: PrivateKey, at: number, bytes = content): Promise<Buffer> =>
  Buffer.from(await sign({ message: await createMessage({ binary: bytes }), signingKeys, detached: true, date: new Date(at), format: 'binary' }))
/** By a key that need not be in force: the library itself refuses that. */
async function packetOf (key: PrivateKey, at: number, endsAfter?: number, bytes = content): Promise<Uint8Array> {
  // Both have more than their declared types.
  const packet = new SignaturePacket() as unknown as { sign: (key: unknown, data: unknown, date: Date, detached: boolean, settings: typeof config) => Promise<void> }
  const data = new LiteralDataPacket() as unknown as { setBytes: (bytes: Uint8Array, format: enums.literal) => void }
  data.setBytes(bytes, enums.literal.binary)
  Object.assign(packet, {
    signatureType: enums.signature.binary,
    publicKeyAlgorithm: key.keyPacket.algorithm,
    hashAlgorithm: enums.hash.sha256,
    ...endsAfter !== undefined && { signatureExpirationTime: endsAfter, signatureNeverExpires: false }
  })
  await packet.sign(key.keyPacket, data, new Date(at), true, config)
  const list = new PacketList()
  list.push(packet as never)
  return list.write()
}
const certificatesOf = async (key: PrivateKey) => await readCertificates(key.toPublic().write())

interface Judged { readonly expired?: boolean | undefined, readonly code?: string, readonly message?: string }
const outcome = (checking: Promise<CheckedFile>): Promise<Judged> =>
  checking.then(({ signedBy }) => ({ expired: signedBy?.expired }), ({ code, message }: Judged) => ({ code: code!, message: message! }))

const key = await keyMade({ keyExpirationTime: lasts / second })
const keys = await certificatesOf(key)

t.test('a key that ends: at that very moment it has', async t => {
  const signature = await signed(key, made + second)
  const at = (now: number, allowExpired = false): Promise<Judged> => outcome(checkBytes('file', content, { signature, keys, now, allowExpired }))
  t.same(await at(made + lasts - 1), { expired: false })
  for (const now of [made + lasts, made + lasts + 1]) {
    t.match(await at(now), { code: 'image_key_expired', message: /^file: the key \w+ that signed it ended at 2026-01-01T00:01:40\.000Z; a newer one is at the publisher's$/ })
    t.same(await at(now, true), { expired: true })
  }
})

t.test('what was signed before there was the key, or when it had ended', async t => {
  const at = async (signedAt: number): Promise<Judged> =>
    await outcome(checkBytes('file', content, { signature: await packetOf(key, signedAt), keys, now: made + 2 * lasts, allowExpired: true }))
  t.match(await at(made - second), { code: 'image_signature_bad', message: /is bad: it is older than the key$/ })
  for (const signedAt of [made, made + lasts - second]) t.same(await at(signedAt), { expired: true })
  for (const signedAt of [made + lasts, made + lasts + second]) t.match(await at(signedAt), { code: 'image_key_expired', message: /at the publisher's, and it had ended when it signed$/ })
})

t.test('a signature that ends: at that very moment it has', async t => {
  const ending = await packetOf(key, made + second, 10)
  const at = (now: number, signature: Uint8Array): Promise<Judged> => outcome(checkBytes('file', content, { signature, keys, now, allowExpired: false }))
  t.same(await at(made + 11 * second - 1, ending), { expired: false })
  for (const now of [made + 11 * second, made + 11 * second + 1]) t.match(await at(now, ending), { code: 'image_signature_bad', message: /is bad: it has ended$/ })
  t.same(await at(made + 11 * second, await packetOf(key, made + second)), { expired: false }, 'one that does not')
})

t.test('one that is good beside one that is not', async t => {
  const [good, old] = [await packetOf(key, made + second), await packetOf(key, made - second)]
  const forged = await packetOf(key, made + second, undefined, Buffer.from('another'))
  const of = (...signatures: readonly Uint8Array[]): Promise<Judged> =>
    outcome(checkBytes('file', content, { signature: Buffer.concat(signatures), keys, now: made + second, allowExpired: false }))
  for (const signatures of [[good, old], [old, good]]) t.same(await of(...signatures), { expired: false }, 'one that does not count takes nothing away')
  for (const signatures of [[good, forged], [forged, good], [old, forged]]) t.match(await of(...signatures), { code: 'image_signature_bad', message: /the file is not what was signed$/ })
})

t.test('another file, and another key', async t => {
  const signature = await signed(key, made + second)
  const options = { signature, keys, now: made + second, allowExpired: false }
  t.match(await outcome(checkBytes('file', Buffer.from('another'), options)), { code: 'image_signature_bad', message: /the file is not what was signed$/ })
  const other = await keyMade()
  t.match(await outcome(checkBytes('file', content, { ...options, keys: await certificatesOf(other) })), { code: 'image_key_missing', message: /which is not pinned \(pinned are [0-9A-F]{40}\)/ })
  t.match(await outcome(checkBytes('file', content, { ...options, keys: [] })), { code: 'image_key_missing', message: /which is not pinned \(no key is pinned\)/ })
  t.match(await outcome(checkBytes('file', content, { ...options, signature: Buffer.from('nonsense') })), { code: 'image_signature_bad', message: /^file: its signature/ })
  t.same(await outcome(checkBytes('file', content, { signature: undefined, keys: [], now: made, allowExpired: false })), { expired: undefined }, 'none is asked for')
})

t.test('a hundred signatures, and not one more', async t => {
  const signature = await signed(key, made + second)
  const check = (count: number): Promise<Judged> => outcome(checkBytes('file', content, {
    signature: Buffer.concat(Array.from({ length: count }, () => signature)), keys, now: made + second, allowExpired: false
  }))
  t.same(await check(100), { expired: false })
  t.match(await check(101), { code: 'image_signature_bad', message: 'file: its signature file holds more than 100 signatures' })
})

const openFiles = (folder: string): number => readdirSync('/proc/self/fd').filter(fd => {
  try { return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder) } catch { return false }
}).length

t.test('a file in pieces: all of it is hashed, its beginning is kept, and it is closed', async t => {
  const folder = t.testdir()
  const path = join(folder, 'image')
  for (const length of [0, 1, 65_535, 65_536, 65_537, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 2.5 * 2 ** 20]) {
    const bytes = Buffer.alloc(length, `${length} octets `)
    writeFileSync(path, bytes)
    const sum = (kind: string): string => createHash(kind).update(bytes).digest('hex')
    const checked = await checkFile(path, { signature: await signed(key, made + second, bytes), keys, now: made + second, allowExpired: false, sha1: true })
    t.match(checked, { bytes: length, sha256: sum('sha256'), sha512: sum('sha512'), sha1: sum('sha1'), signedBy: { signedAt: made + second } }, `${length} octets`)
    t.ok(checked.head.equals(bytes.subarray(0, 65_536)), 'its beginning')
    t.equal(openFiles(folder), 0)
  }
  const unsigned = await checkFile(path, { signature: undefined, keys, now: made, allowExpired: false })
  t.same([unsigned.sha1, unsigned.signedBy], [undefined, undefined])
  await t.rejects(checkFile(path, { signature: await signed(key, made + second), keys, now: made, allowExpired: false }), { code: 'image_signature_bad' })
  await t.rejects(checkFile(join(folder, 'absent'), { signature: undefined, keys, now: made, allowExpired: false }), { code: 'ENOENT' })
  t.equal(openFiles(folder), 0)
})

t.test('others of the thread have their turn between the pieces of a file', async t => {
  const path = join(t.testdir(), 'image')
  writeFileSync(path, Buffer.alloc(5 * 2 ** 20))
  let turns = 0
  let next: NodeJS.Immediate
  const count = (): void => {
    turns++
    next = setImmediate(count)
  }
  next = setImmediate(count)
  await checkFile(path, { signature: undefined, keys: [], now: made, allowExpired: false })
  clearImmediate(next)
  t.ok(turns >= 4, `${turns} turns`)
})

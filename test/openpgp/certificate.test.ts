// What a certificate's own signatures say of its keys, each of them good and with an octet changed: what is not signed says nothing.
import { enums, generateKey, type PrivateKey, revokeKey, type SignaturePacket } from 'openpgp'
import t from 'tap'
import { type OpenpgpCertificate, readCertificates } from '../../src/openpgp/certificate.js'

const made = Date.UTC(2026, 0, 1)
const second = 1000
const userIDs = [{ name: 'images', email: 'images@example.com' }]
const keyMade = async (more: Partial<Parameters<typeof generateKey>[0]> = {}): Promise<PrivateKey> =>
  (await generateKey({ type: 'ecc', curve: 'nistP256', userIDs, subkeys: [{ sign: true }], date: new Date(made), format: 'object', ...more })).privateKey

const read = async (...keys: readonly PrivateKey[]): Promise<OpenpgpCertificate> => {
  const [certificate] = await readCertificates(Buffer.concat(keys.map(key => key.toPublic().write())))
  return certificate!
}

/** The same signature, but for a bit of its numbers. */
function forge (packet: SignaturePacket | undefined): void {
  const { params } = packet as unknown as { readonly params: Readonly<Record<string, Uint8Array>> }
  for (const number of Object.values(params)) number[number.length - 1]! ^= 1
}

const unfit = { noUser: 'it has no user id that it vouches for', noBinding: 'its primary key does not vouch for it', notForSigning: 'it is not one for signing' } as const

t.test('who it is, and its parts', async t => {
  const key = await keyMade()
  const certificate = await read(key)
  t.match(certificate, { fingerprint: key.getFingerprint().toUpperCase(), users: ['images <images@example.com>'] })
  t.same(certificate.parts.map(({ created }) => created), [made, made])
  for (const part of certificate.parts) t.match(certificate.standing(part, made + 1), { revoked: false, expires: undefined, unfit: undefined })
  const [again, ...others] = await readCertificates(Buffer.from(certificate.armored))
  t.equal(again?.fingerprint, certificate.fingerprint)
  t.equal(others.length, 0)
})

t.test('a user id that it does not vouch for is none', async t => {
  const key = await keyMade()
  forge(key.users[0]?.selfCertifications[0])
  const certificate = await read(key)
  for (const part of certificate.parts) t.equal(certificate.standing(part, made + 1).unfit, unfit.noUser)
  const two = await keyMade({ userIDs: [{ name: 'first' }, { name: 'second' }] })
  forge(two.users[0]?.selfCertifications[0])
  const rest = await read(two)
  t.equal(rest.standing(rest.parts[0]!, made + 1).unfit, undefined, 'one of two is enough')
})

t.test('a subkey that its primary key does not vouch for', async t => {
  const key = await keyMade()
  forge(key.subkeys[0]?.bindingSignatures[0])
  const certificate = await read(key)
  const [main, subkey] = certificate.parts
  t.equal(certificate.standing(main!, made + 1).unfit, undefined)
  t.equal(certificate.standing(subkey!, made + 1).unfit, unfit.noBinding)
  t.equal(certificate.standing(subkey!, made + 1).revoked, false)
})

t.test('what is revoked, and what only says so', async t => {
  for (const isForged of [false, true]) {
    const key = await keyMade()
    const { privateKey: revoked } = await revokeKey({ key, date: new Date(made + second), format: 'object' })
    if (isForged) forge(revoked.revocationSignatures[0])
    const whole = await read(revoked)
    t.same(whole.parts.map(part => whole.standing(part, made + 2 * second).revoked), [!isForged, !isForged], `a key, ${isForged ? 'forged' : 'good'}`)

    const parent = await keyMade()
    const subkey = await parent.subkeys[0]!.revoke(parent.keyPacket as never, { flag: enums.reasonForRevocation.noReason, string: '' }, new Date(made + second))
    if (isForged) forge(subkey.revocationSignatures[0])
    parent.subkeys[0] = subkey as never
    const part = await read(parent)
    t.same(part.parts.map(each => part.standing(each, made + 2 * second).revoked), [false, !isForged], `a subkey, ${isForged ? 'forged' : 'good'}`)
    const beside = await read(parent, await keyMade())
    t.equal(beside.standing(beside.parts[1]!, made + 2 * second).revoked, !isForged, 'beside another key')
  }
})

t.test('copies of one key are taken together, whichever of them says more', async t => {
  const key = await keyMade()
  const plain = await read(key)
  const { privateKey: revoked } = await revokeKey({ key, date: new Date(made + second), format: 'object' })
  for (const copies of [[key, revoked], [revoked, key]]) {
    const all = await readCertificates(Buffer.concat(copies.map(copy => copy.toPublic().write())))
    t.equal(all.length, 1)
    t.equal(all[0]!.parts.length, plain.parts.length)
    t.equal(all[0]!.standing(all[0]!.parts[0]!, made + 2 * second).revoked, true)
  }
})

t.test('how long it lasts', async t => {
  const key = await keyMade({ keyExpirationTime: 100, subkeys: [{ sign: true }] })
  const certificate = await read(key)
  t.same(certificate.parts.map(part => certificate.standing(part, made + 1).expires), [made + 100 * second, made + 100 * second])
  const sooner = await read(await keyMade({ keyExpirationTime: 100, subkeys: [{ sign: true, keyExpirationTime: 10 }] as never }))
  t.same(sooner.parts.map(part => sooner.standing(part, made + 1).expires), [made + 100 * second, made + 10 * second], 'a subkey may end before')
})

t.test('what it may be used for', async t => {
  const certificate = await read(await keyMade({ subkeys: [{ sign: false }, { sign: true }] }))
  t.same(certificate.parts.map(part => certificate.standing(part, made + 1).unfit), [undefined, unfit.notForSigning, undefined])
})

t.test('what is no key', async t => {
  await t.rejects(readCertificates(Buffer.alloc(0)))
  await t.rejects(readCertificates(Buffer.from('-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n')))
  const good = (await keyMade()).toPublic().armor()
  const [one, ...others] = await readCertificates(Buffer.from(`-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n${good}`))
  t.ok(one, 'one that can be read beside one that cannot')
  t.equal(others.length, 0)
})

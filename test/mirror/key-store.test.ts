// Keys of publishers: those that are pinned and found, and what is said of the others.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateKey, type PrivateKey } from 'openpgp'
import t from 'tap'
import { forgetKey, importKey, keysIn, loadKeys, maxKeyFileBytes, parseFingerprint } from '../../src/mirror/key-store.js'
import { makeKey } from '../helpers/publisher.js'

t.test('fingerprints as people write them', t => {
  const digits = 'ab'.repeat(20).toUpperCase()
  for (const text of [digits, digits.toLowerCase(), `0x${digits}`, digits.replace(/.{4}/g, '$& '), digits.replace(/..(?=.)/g, '$&:')]) t.equal(parseFingerprint(text), digits, text)
  t.equal(parseFingerprint('c'.repeat(64)), 'C'.repeat(64))
  for (const text of ['', 'a'.repeat(39), 'a'.repeat(41), 'a'.repeat(63), 'a'.repeat(65), 'g'.repeat(40)]) t.equal(parseFingerprint(text), undefined, text)
  t.end()
})

t.test('imported, used, forgotten; and files that hold none', async t => {
  const [key, other] = [await makeKey('one'), await makeKey('two')]
  const dir = t.testdir({ both: `${key.publicKey}\n${other.publicKey}`, text: 'hello', empty: '', folder: {} })
  const file = join(dir, 'both')
  const folder = join(dir, 'state/keys')
  const found = await keysIn(file)
  t.same(found.map(({ fingerprint }) => fingerprint), [key.fingerprint, other.fingerprint])
  t.same(await loadKeys(folder, []), { keys: [], problems: [] })
  const pinned = await importKey(folder, file, found, other.fingerprint)
  const copy = join(folder, `${other.fingerprint}.asc`)
  t.match(pinned, { fingerprint: other.fingerprint, file: copy, expires: undefined, signer: { isSubkey: true } })
  t.match(readFileSync(copy, 'utf8'), /^-----BEGIN PGP PUBLIC KEY BLOCK-----/)
  writeFileSync(join(folder, 'notes.asc'), 'no key of ours')
  const loaded = await loadKeys(folder, [{ file, fingerprint: key.fingerprint }, { file, fingerprint: 'F'.repeat(40), named: 'images.keys[1]' }, { file: join(dir, 'nowhere'), fingerprint: key.fingerprint }])
  t.same(loaded.keys.map(({ fingerprint }) => fingerprint), [key.fingerprint, other.fingerprint])
  t.same(loaded.problems, [`images.keys[1]: ${file} does not hold the key ${'F'.repeat(40)}; it holds ${key.fingerprint}, ${other.fingerprint}`, `there is no key file ${join(dir, 'nowhere')}`])
  await t.rejects(importKey(folder, file, found, 'F'.repeat(40)), { code: 'key_invalid' })
  await forgetKey(folder, other.fingerprint)
  t.notOk(existsSync(copy))
  await t.rejects(forgetKey(folder, other.fingerprint), { code: 'key_invalid', message: /was imported/ })
  for (const [name, code, message] of [
    ['text', 'key_invalid', /text (?:is not an OpenPGP public key|holds no OpenPGP public key)/], ['empty', 'key_invalid', /empty (?:is not|holds no)/], ['folder', 'read_failed', /^cannot read the key file .*folder: /], ['nowhere', 'read_failed', /^there is no key file/]
  ] as const) await t.rejects(keysIn(join(dir, name)), { code, message }, name)
  const large = (octets: number): string => {
    writeFileSync(join(dir, 'large'), key.publicKey + '\n'.repeat(octets - key.publicKey.length))
    return join(dir, 'large')
  }
  t.equal((await keysIn(large(maxKeyFileBytes))).length, 1)
  await t.rejects(keysIn(large(maxKeyFileBytes + 1)), { code: 'key_invalid', message: /is larger than 4 MiB$/ })
})

t.test('a key signs with its newest part that can: not with one for secrets, nor with one that was taken back', async t => {
  const { privateKey } = await generateKey({ userIDs: [{ name: 'images' }], format: 'object', date: new Date(Date.now() - 9 * 86_400_000), subkeys: [{ sign: true }] })
  const signing = privateKey.subkeys[0]!
  const forSecrets = await privateKey.addSubkey({ date: new Date(Date.now() - 8 * 86_400_000) } as object)
  const signerOf = async (key: PrivateKey) => {
    const file = join(t.testdir({ key: key.toPublic().armor() }), 'key')
    const fingerprint = key.getFingerprint().toUpperCase()
    return (await loadKeys(join(t.testdirName, 'none'), [{ file, fingerprint }])).keys[0]?.signer
  }
  t.match(await signerOf(forSecrets), { fingerprint: signing.getFingerprint().toUpperCase(), isSubkey: true })
  const renewed = await forSecrets.addSubkey({ sign: true, date: new Date(Date.now() - 7 * 86_400_000) } as object)
  t.match(await signerOf(renewed), { fingerprint: renewed.subkeys[2]!.getFingerprint().toUpperCase(), isSubkey: true })
  const whole = await generateKey({ userIDs: [{ name: 'images' }], format: 'object', subkeys: [] })
  t.match(await signerOf(whole.privateKey), { fingerprint: whole.privateKey.getFingerprint().toUpperCase(), isSubkey: false })
})

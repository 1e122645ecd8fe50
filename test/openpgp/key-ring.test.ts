import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { AppError } from '../../src/base/errors.js'
import { openKeyRing } from '../../src/openpgp/key-ring.js'
import { Signer } from '../../src/openpgp/sign.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { Gpg } from '../helpers/gpg.js'
import { type Protection, protectKeyRing } from '../helpers/old-key-ring.js'
import { needs } from '../helpers/tools.js'

const fixture = join(import.meta.dirname, '../fixtures/matchbox/signing')
const passphrase = 'correct horse'

async function refusal (path: string, secret: string): Promise<string> {
  const error = await openKeyRing(path, secret).then(() => undefined, (reason: unknown) => reason)
  return error instanceof AppError ? `${error.code} ${error.message}` : `no AppError: ${String(error)}`
}

async function generate (gpg: Gpg, name: string, algorithm: string, secret: string, usage = 'sign'): Promise<void> {
  await gpg.run(['--pinentry-mode', 'loopback', '--passphrase', secret, '--quick-gen-key', name, algorithm, usage, 'never'])
}

async function exported (gpg: Gpg, name: string, secret: string, ...how: string[]): Promise<Buffer> {
  const args = how.some(option => option.startsWith('--export')) ? how : [...how, '--export-secret-keys']
  return (await gpg.run(['--pinentry-mode', 'loopback', '--passphrase', secret, ...args, name])).stdout
}

async function signsWith (t: Test, gpg: Gpg, path: string, secret: string, message: string): Promise<void> {
  const content = Buffer.from('#!ipxe\n')
  const signature = await new Signer(await openKeyRing(path, secret), new FakeClock(Date.now())).sign(content)
  t.ok(await gpg.verifies(signature, content), message)
}

t.test('what cannot be opened says why, and nothing of the passphrase', async t => {
  const folder = t.testdir({ empty: '', garbage: 'not a key ring', armour: '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n' })
  const at = (name: string): string => join(folder, name)
  const ring = join(fixture, 'secring.gpg')
  const cut = readFileSync(ring).subarray(0, 500)
  writeFileSync(at('cut'), cut)
  const table = [
    [at('missing'), /^read_failed there is no key ring .*missing$/],
    [folder, /^read_failed cannot read the key ring .*EISDIR/],
    [at('empty'), /^key_ring_invalid .*empty: is empty$/],
    [at('garbage'), /^key_ring_invalid .*garbage: (is not an OpenPGP key ring|holds no private key)/],
    [at('armour'), /^key_ring_invalid .*armour: is not an OpenPGP key ring/],
    [at('cut'), /^key_ring_invalid .*cut: is not an OpenPGP key ring/],
    [join(fixture, 'pubring.gpg'), /^key_ring_invalid .*holds no private key; gpg --export-secret-keys/],
    [ring, /^key_ring_invalid .*secring\.gpg: MATCHBOX_PASSPHRASE is not the passphrase of its private key$/]
  ] as const
  for (const [path, expected] of table) {
    const message = await refusal(path, 'a wrong one')
    t.match(message, expected, path)
    t.notMatch(message, /a wrong one|\n/)
  }
  t.match(await refusal(ring, ''), /secring\.gpg: its private key has a passphrase: set MATCHBOX_PASSPHRASE$/)
})

t.test('key rings as GnuPG 2 exports them', async t => {
  if (!needs(t, 'gpg', 'gpgconf')) return
  const gpg = new Gpg(t)
  const save = (name: string, bytes: Buffer): string => {
    const path = join(t.testdirName, name)
    writeFileSync(path, bytes)
    return path
  }
  t.testdir()
  await generate(gpg, 'small@example.test', 'rsa1024', passphrase)
  await generate(gpg, 'open@example.test', 'rsa3072', '', 'cert,sign')
  await generate(gpg, 'curve@example.test', 'ed25519', passphrase)
  const small = await exported(gpg, 'small@example.test', passphrase)
  const curve = await exported(gpg, 'curve@example.test', passphrase)
  await signsWith(t, gpg, save('small', small), passphrase, '1024 bits, binary')
  await signsWith(t, gpg, save('armoured', await exported(gpg, 'small@example.test', passphrase, '--armor')), passphrase, 'armoured')
  await signsWith(t, gpg, save('open', await exported(gpg, 'open@example.test', '')), '', 'without a passphrase')
  await signsWith(t, gpg, save('two', Buffer.concat([small, curve])), passphrase, 'the first of two keys')
  t.match(await refusal(save('curve', curve), passphrase), /its first private key is eddsaLegacy; only RSA keys sign here$/)
  const stub = await exported(gpg, 'open@example.test', '', '--export-secret-subkeys')
  t.match(await refusal(save('stub', stub), ''), /stub|holds no private key/)
})

t.test('key rings as older programs protected them', async t => {
  if (!needs(t, 'gpg', 'gpgconf', 'openssl')) return
  const gpg = new Gpg(t)
  await generate(gpg, 'old@example.test', 'rsa1024', '')
  const unprotected = await exported(gpg, 'old@example.test', '')
  const path = join(t.testdir(), 'ring')
  const table: readonly Protection[] = [
    { cipher: 'cast5', hash: 'sha1', s2k: 'iterated', check: 'sha1' },
    { cipher: 'tripleDes', hash: 'sha1', s2k: 'salted', check: 'sha1' },
    { cipher: 'tripleDes', hash: 'md5', s2k: 'simple', check: 'sha1' },
    { cipher: 'aes256', hash: 'sha1', s2k: 'iterated', check: 'sha1' },
    { cipher: 'aes128', hash: 'sha256', s2k: 'iterated', check: 'sha1' }
  ]
  for (const protection of table) {
    writeFileSync(path, await protectKeyRing(unprotected, passphrase, protection))
    await signsWith(t, gpg, path, passphrase, Object.values(protection).join(' '))
    t.match(await refusal(path, 'wrong'), /MATCHBOX_PASSPHRASE is not the passphrase/)
  }
  writeFileSync(path, await protectKeyRing(unprotected, passphrase, { cipher: 'aes128', hash: 'sha1', s2k: 'iterated', check: 'sum' }))
  t.match(await refusal(path, passphrase), /old or unknown form .* import and export it with a GnuPG of today$/)
})

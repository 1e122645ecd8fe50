// Signatures and keys as GnuPG makes them, judged here and by `gpg --verify` with the same key file: both say the same.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readCertificates } from '../../src/openpgp/certificate.js'
import { checkBytes } from '../../src/openpgp/verify.js'
import { Gpg } from '../helpers/gpg.js'
import { needs } from '../helpers/tools.js'

const content = Buffer.from('a kernel, or as good as one\r\nwith trailing blanks  \n')
const day = 86_400_000
const ago = (days: number): string => new Date(Date.now() - days * day).toISOString().slice(0, 19).replace(/[-:]/g, '')

/** A publisher with a home of its own. */
class Signer {
  readonly gpg: Gpg
  fingerprint = ''
  constructor (t: Test) { this.gpg = new Gpg(t) }

  async run (args: readonly string[], days = 0): Promise<string> {
    const { code, stdout, stderr } = await this.gpg.run(['--pinentry-mode', 'loopback', '--passphrase', '', ...days > 0 ? ['--faked-system-time', ago(days)] : [], ...args])
    if (code !== 0) throw new Error(`gpg ${args.join(' ')}: ${stderr.toString()}`)
    return stdout.toString()
  }

  /** `ends` as gpg takes it: 0, 10d. */
  async make (algorithm: string, { usage = 'sign', ends = '0', days = 100, uid = 'images <images@example.com>' } = {}): Promise<this> {
    await this.run(['--quick-gen-key', uid, algorithm, usage, ends], days)
    this.fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(await this.run(['--with-colons', '--list-keys']))?.[1] ?? ''
    return this
  }

  async subkey (algorithm: string, usage: string, ends: string, days: number): Promise<string> {
    await this.run(['--quick-add-key', this.fingerprint, algorithm, usage, ends], days)
    return [...(await this.run(['--with-colons', '--with-subkey-fingerprint', '--list-keys'])).matchAll(/^fpr:+([0-9A-F]{40}):/mg)].at(-1)?.[1] ?? ''
  }

  async sign (days: number, { bytes = content, more = [] as readonly string[] } = {}): Promise<Buffer> {
    const file = this.gpg.file(bytes)
    await this.run([...more, '--output', `${file}.sig`, '--detach-sign', file], days)
    return readFileSync(`${file}.sig`)
  }

  async exported (): Promise<Buffer> { return (await this.gpg.run(['--armor', '--export', this.fingerprint])).stdout }
}

interface Case { readonly keys: Buffer, readonly signature: Buffer, readonly bytes?: Buffer }

async function sameAsGpg (t: Test, name: string, { keys, signature, bytes = content }: Case, expected?: boolean): Promise<void> {
  const gpg = new Gpg(t)
  await gpg.run(['--import', gpg.file(keys)])
  const { stdout } = await gpg.run(['--status-fd', '1', '--verify', gpg.file(signature), gpg.file(bytes)])
  const status = stdout.toString()
  const good = /^\[GNUPG:\] GOODSIG/m.test(status) && !/^\[GNUPG:\] BADSIG/m.test(status)
  const own = await readCertificates(keys)
    .then(certificates => checkBytes('file', bytes, { signature, keys: certificates, now: Date.now(), allowExpired: false }))
    .then(({ signedBy }) => signedBy !== undefined, (error: Error) => error.message)
  t.equal(own === true, good, `${name}: ${good ? 'good' : 'not good'} for both (${own === true ? 'good' : own})`)
  if (expected !== undefined) t.equal(good, expected, `${name}: ${expected ? 'good' : 'not good'}, as gpg is known to say`)
}

t.test('every algorithm that gpg signs with', async t => {
  if (!needs(t, 'gpg')) return
  for (const algorithm of ['rsa2048', 'rsa1024', 'dsa2048', 'nistp256', 'nistp384', 'nistp521', 'ed25519', 'brainpoolP256r1', 'brainpoolP512r1', 'secp256k1']) {
    const signer = await new Signer(t).make(algorithm)
    const keys = await signer.exported()
    await sameAsGpg(t, algorithm, { keys, signature: await signer.sign(50) }, true)
    await sameAsGpg(t, `${algorithm}, another file`, { keys, signature: await signer.sign(50), bytes: Buffer.from('another') }, false)
    if (algorithm !== 'rsa2048') continue
    for (const digest of ['sha1', 'ripemd160', 'sha224', 'sha256', 'sha384', 'sha512', 'md5']) {
      await sameAsGpg(t, digest, { keys, signature: await signer.sign(50, { more: ['--allow-weak-digest-algos', '--digest-algo', digest] }) })
    }
    await sameAsGpg(t, 'armoured', { keys, signature: await signer.sign(50, { more: ['--armor'] }) }, true)
    await sameAsGpg(t, 'a signature that ends', { keys, signature: await signer.sign(50, { more: ['--default-sig-expire', '10d'] }) }, false)
    await sameAsGpg(t, 'a signature that has not ended', { keys, signature: await signer.sign(50, { more: ['--default-sig-expire', '100d'] }) }, true)
  }
})

t.test('keys that ended, were renewed, were revoked', async t => {
  if (!needs(t, 'gpg')) return
  const primary = await new Signer(t).make('ed25519', { ends: '30d' })
  const old = await primary.sign(90)
  await sameAsGpg(t, 'a key that ended', { keys: await primary.exported(), signature: old }, false)
  const before = await primary.exported()
  await primary.run(['--quick-set-expire', primary.fingerprint, '300d'], 60)
  const renewed = await primary.exported()
  await sameAsGpg(t, 'renewed after it had ended: what it signed before', { keys: renewed, signature: old }, true)
  await sameAsGpg(t, 'the old copy beside the new one', { keys: Buffer.concat([before, renewed]), signature: old }, true)
  await sameAsGpg(t, 'the new copy beside the old one', { keys: Buffer.concat([renewed, before]), signature: old }, true)
  const stillOld = await checkBytes('file', content, { signature: old, keys: await readCertificates(before), now: Date.now(), allowExpired: true })
  t.match(stillOld.signedBy, { expired: true }, 'an archive, when it is asked for')
  await primary.run(['--quick-set-expire', primary.fingerprint, '0'], 5)
  await primary.run(['--quick-add-uid', primary.fingerprint, 'second <second@example.com>'], 4)
  await sameAsGpg(t, 'several user ids', { keys: await primary.exported(), signature: old }, true)
  await primary.run(['--quick-revoke-uid', primary.fingerprint, 'images <images@example.com>'], 3)
  await sameAsGpg(t, 'one of them revoked', { keys: await primary.exported(), signature: old }, true)

  const parent = await new Signer(t).make('ed25519', { usage: 'cert' })
  const subkey = await parent.subkey('ed25519', 'sign', '20d', 95)
  const bySubkey = await parent.sign(90)
  await sameAsGpg(t, 'a subkey that ended', { keys: await parent.exported(), signature: bySubkey }, false)
  await parent.run(['--quick-set-expire', parent.fingerprint, '200d', subkey], 60)
  await sameAsGpg(t, 'a subkey that was renewed', { keys: await parent.exported(), signature: bySubkey }, true)
  await parent.subkey('ed25519', 'sign', '0', 50)
  await sameAsGpg(t, 'by a newer subkey', { keys: await parent.exported(), signature: await parent.sign(40) }, true)
  await parent.run(['--quick-set-expire', parent.fingerprint, '50d'], 55)
  await sameAsGpg(t, 'a subkey whose primary key ended', { keys: await parent.exported(), signature: bySubkey }, false)
  await parent.run(['--quick-set-expire', parent.fingerprint, '0'], 30)
  await sameAsGpg(t, 'and was renewed', { keys: await parent.exported(), signature: bySubkey }, true)

  const revoke = async (signer: Signer, commands: readonly string[], days: number): Promise<void> => {
    const { stderr } = await signer.gpg.run(['--pinentry-mode', 'loopback', '--passphrase', '', '--faked-system-time', ago(days), '--command-file', signer.gpg.file(Buffer.from(`${commands.join('\n')}\n`)), '--no-batch', '--edit-key', signer.fingerprint])
    t.comment(stderr.toString().slice(-200))
  }
  await revoke(parent, ['key 1', 'revkey', 'y', '3', '', 'y', 'save'], 20)
  await sameAsGpg(t, 'a subkey that was revoked', { keys: await parent.exported(), signature: bySubkey }, false)
  await revoke(primary, ['revkey', 'y', '3', '', 'y', 'save'], 2)
  await sameAsGpg(t, 'a key that was revoked', { keys: await primary.exported(), signature: old }, false)
  const revoked = await checkBytes('file', content, { signature: old, keys: await readCertificates(await primary.exported()), now: Date.now(), allowExpired: true }).catch((error: unknown) => error)
  t.match(revoked, { code: 'image_key_expired', message: /was revoked/ }, 'whatever is allowed of keys that ended')
})

t.test('several blocks in a key file, several signatures in a file', async t => {
  if (!needs(t, 'gpg')) return
  const [one, two, foreign] = [await new Signer(t).make('ed25519'), await new Signer(t).make('rsa2048'), await new Signer(t).make('ed25519')]
  const keys = Buffer.concat([await one.exported(), Buffer.from('\nA line between.\n'), await two.exported()])
  const binary = Buffer.concat([(await one.gpg.run(['--export'])).stdout, (await two.gpg.run(['--export'])).stdout])
  const [first, second, other] = [await one.sign(5), await two.sign(5), await foreign.sign(5)]
  const wrong = await one.sign(5, { bytes: Buffer.from('another') })
  await sameAsGpg(t, 'a key of the second block', { keys, signature: second }, true)
  await sameAsGpg(t, 'a binary file of two keys', { keys: binary, signature: second }, true)
  await sameAsGpg(t, 'two good signatures', { keys, signature: Buffer.concat([first, second]) }, true)
  await sameAsGpg(t, 'a foreign one first', { keys, signature: Buffer.concat([other, second]) }, true)
  await sameAsGpg(t, 'a foreign one last', { keys, signature: Buffer.concat([first, other]) }, true)
  await sameAsGpg(t, 'a foreign one alone', { keys, signature: other }, false)
  await sameAsGpg(t, 'a bad one beside a good one', { keys, signature: Buffer.concat([wrong, second]) }, false)
  const armoured = Buffer.concat([await foreign.sign(5, { more: ['--armor'] }), await two.sign(5, { more: ['--armor'] })])
  const read = await checkBytes('file', content, { signature: armoured, keys: await readCertificates(keys), now: Date.now(), allowExpired: false })
  t.equal(read.signedBy?.fingerprint, two.fingerprint, 'armoured one after the other')
  await t.rejects(readCertificates(Buffer.from('<html>')), 'a page is no key')
  const folder = t.testdir()
  writeFileSync(join(folder, 'key.asc'), keys)
  t.same((await readCertificates(readFileSync(join(folder, 'key.asc')))).map(({ fingerprint }) => fingerprint), [one.fingerprint, two.fingerprint])
})

// Publishers that renew a key or its signing subkey: the new file goes in while the service runs, by whichever way, and the end
// of what signs is told months before.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMessage, generateKey, type PrivateKey, sign } from 'openpgp'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { ending } from '../../src/doctor/images.js'
import { keyFolder } from '../../src/mirror/mirror.js'
import { TestMirror } from '../helpers/mirror.js'
import { Publisher, type TestKey } from '../helpers/publisher.js'

const day = 86_400_000
const now = Date.now()

/** Signs with the newest subkey, half a day after that was made, as Flatcar does. */
const as = (key: PrivateKey, made: number): TestKey => ({
  fingerprint: key.getFingerprint().toUpperCase(),
  publicKey: key.toPublic().armor(),
  sign: async content => Buffer.from(await sign({
    message: await createMessage({ binary: content }), signingKeys: key, detached: true, format: 'binary', date: new Date(made + day / 2)
  }) as Uint8Array)
})

/** A primary key without an end, and a subkey that signs for so many days from when it was made. */
const [made, renewed] = [now - 360 * day, now - 5 * day]
const { privateKey: first } = await generateKey({
  userIDs: [{ name: 'images' }], format: 'object', date: new Date(made), subkeys: [{ sign: true, keyExpirationTime: 350 * 86_400 } as object]
})
const second = await first.addSubkey({ sign: true, keyExpirationTime: 365 * 86_400, date: new Date(renewed) } as object)
const [old, fresh] = [as(first, made), as(second, renewed)]

t.test('the renewed file beside the old one or in its place, in the configuration or in the folder', async t => {
  t.equal(old.fingerprint, fresh.fingerprint)
  const server = await Publisher.start()
  t.teardown(() => server.close())
  await server.flatcar('4230.2.1', fresh)
  const mirrorIn = (t: Test, key: TestKey): { mirror: TestMirror, inFolder: string, configured: string } => {
    const folder = t.testdir()
    const keys = keyFolder(join(folder, 'state'))
    mkdirSync(keys, { recursive: true })
    return {
      mirror: new TestMirror([{ os: 'flatcar', base_url: server.url }], { folder, keys: [key], clock: systemClock }),
      inFolder: join(keys, `${key.fingerprint}.asc`),
      configured: join(folder, 'keys', key.fingerprint)
    }
  }
  const unknown = [{ outcome: 'failed', error: { text: /not pinned|unknown|no key/ } }]
  const taken = [{ outcome: 'published', version: '4230.2.1' }]

  await t.test('dropped into the folder', async t => {
    const { mirror, inFolder } = mirrorIn(t, old)
    t.match(await mirror.sync(), unknown)
    writeFileSync(inFolder, fresh.publicKey)
    t.match(await mirror.sync(), taken, 'the same mirror, which read no configuration again')
  })
  await t.test('in place of the configured file, while the folder holds an older copy', async t => {
    const { mirror, inFolder, configured } = mirrorIn(t, old)
    writeFileSync(inFolder, old.publicKey)
    t.match(await mirror.sync(), unknown)
    writeFileSync(configured, fresh.publicKey)
    t.match(await mirror.sync(), taken)
    t.match(readFileSync(join(mirror.assets, 'flatcar/4230.2.1/release.json'), 'utf8'), fresh.fingerprint)
  })
  await t.test('one that can\'t be read keeps nobody from the other', async t => {
    const { mirror, inFolder } = mirrorIn(t, fresh)
    writeFileSync(inFolder, 'not a key')
    t.match((await mirror.mirror.keys()).problems, [/is not an OpenPGP public key/])
    t.match(await mirror.sync(), taken)
  })
})

t.test('the end of what signs is told four months before', async t => {
  const pinned = async (key: TestKey) => {
    const mirror = new TestMirror([], { folder: t.testdir(), keys: [key] })
    return (await mirror.mirror.keys()).keys[0]!
  }
  const before = await pinned(old)
  const ends = made + 350 * day
  t.equal(before.signer?.isSubkey, true)
  t.equal(before.expires, undefined, 'the primary key goes on')
  t.equal(ending(before, ends - 121 * day), undefined)
  const date = new Date(ends).toISOString().slice(0, 10)
  t.match(ending(before, ends - 90 * day), { level: 'warning', text: new RegExp(`subkey [0-9A-F]{16} that the key ${old.fingerprint} signs with ends on ${date}, in 9[01] days`) })
  t.match(ending(before, ends + day), { level: 'warning', text: /ended on .*releases from then on are signed with a newer one/ })
  t.equal(ending(await pinned(fresh), ends - 90 * day), undefined, 'the newer subkey counts')

  const whole = await generateKey({ userIDs: [{ name: 'Fedora' }], format: 'object', date: new Date(made), keyExpirationTime: 350 * 86_400, subkeys: [] })
  const primary = await pinned(as(whole.privateKey, made))
  t.match(ending(primary, ends - 30 * day), { level: 'warning', text: /^the key \w+ ends on/ })
  t.match(ending(primary, ends), { level: 'problem', text: /ended on/ })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openKeyRing } from '../../src/openpgp/key-ring.js'
import { armor, Signer } from '../../src/openpgp/sign.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { Gpg } from '../helpers/gpg.js'
import { needs } from '../helpers/tools.js'

interface Recording {
  readonly cases: ReadonlyArray<{
    readonly name: string
    readonly response: { readonly packets?: readonly string[], readonly sample_body_base64?: string, readonly signed_content_base64?: string | null }
  }>
}

const fixture = join(import.meta.dirname, '../fixtures/matchbox')
const { cases } = JSON.parse(readFileSync(join(fixture, 'signing-0.9.0.json'), 'utf8')) as Recording
const key = await openKeyRing(join(fixture, 'signing/secring.gpg'), readFileSync(join(fixture, 'signing/passphrase.txt'), 'utf8').trim())

t.test('at the same second, the signature that Matchbox made, to the byte', async t => {
  let compared = 0
  for (const { name, response: { packets = [], sample_body_base64: sample, signed_content_base64: content } } of cases) {
    const created = /created (\d+)/.exec(packets.join('\n'))?.[1]
    if (typeof sample !== 'string' || typeof content !== 'string' || created === undefined) continue
    const signature = await new Signer(key, new FakeClock(Number(created) * 1000 + 999)).sign(Buffer.from(content, 'base64'))
    const want = Buffer.from(sample, 'base64')
    const got = want.toString('latin1').startsWith('-----') ? armor(signature) : signature
    t.equal(got.toString('base64'), sample, name)
    compared++
  }
  t.ok(compared > 40, `${compared} signatures`)
})

t.test('a number that begins with zeros', async t => {
  if (!needs(t, 'gpg', 'gpgconf')) return
  const gpg = new Gpg(t)
  await gpg.run(['--import', join(fixture, 'signing/pubring.gpg')])
  const signer = new Signer(key, new FakeClock(1_795_221_146_000))
  const contents = Array.from({ length: 600 }, (_, index) => Buffer.from([index & 0xff, index >> 8, 0xff, 0x0a]))
  const signatures = await Promise.all(contents.map(content => signer.sign(content)))
  t.ok(signatures.every(({ length }) => length === 287), 'all are of one length')
  const index = signatures.findIndex(signature => signature.at(-256) === 0)
  t.not(index, -1, 'the time is fixed, so one of these always does')
  t.ok(await gpg.verifies(signatures[index]!, contents[index]!))
  t.ok(await gpg.verifies(armor(signatures[index]!), contents[index]!))
})

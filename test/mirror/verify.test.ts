// Releases that stand, looked at again: what is damaged is fetched anew, what only can't be judged any more is told and left.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { TestMirror } from '../helpers/mirror.js'
import { flatcarFiles, makeKey, Publisher } from '../helpers/publisher.js'

const [kernel, initrd, disk] = flatcarFiles
const day = 86_400_000

async function published (t: Test, key: Awaited<ReturnType<typeof makeKey>>) {
  const publisher = await Publisher.start()
  t.teardown(() => publisher.close())
  await publisher.flatcar('1.0.0', key)
  const folder = t.testdir()
  const mirror = new TestMirror([{ os: 'flatcar', base_url: publisher.url, allow_expired_keys: true }], { folder, keys: [key] })
  t.match(await mirror.sync(), [{ outcome: 'published' }])
  publisher.requests.length = 0
  const at = (name: string): string => join(mirror.assets, 'flatcar/1.0.0', name)
  const fetched = async (): Promise<readonly string[]> => {
    await mirror.sync()
    return [...new Set(publisher.requests.splice(0).map(request => request.split('/').at(-1)!))].filter(name => flatcarFiles.some(file => file === name)).sort()
  }
  return { publisher, folder, mirror, at, fetched }
}

t.test('a key that has ended since is told of, and its files are as good as before', async t => {
  const key = await makeKey('ended', { date: new Date(Date.now() - 3 * day), seconds: 2 * 86_400 })
  const { mirror, fetched } = await published(t, key)
  const [result] = await mirror.mirror.verify()
  t.match(result, { folder: 'flatcar', version: '1.0.0', keys: [key.fingerprint], bytes: 900_000 })
  t.same(result!.problems, {})
  t.same([...result!.notes].sort(), [kernel, initrd, disk].map(name => `${name}: signed by ${key.fingerprint}, which has ended since`).sort())
  t.same(await fetched(), [])
})

t.test('what is missing, changed or not signed any more is damaged; without its key nothing is', async t => {
  const key = await makeKey('publisher')
  const { folder, mirror, at, fetched } = await published(t, key)
  const seen: string[] = []
  const verified = async (): Promise<Readonly<Record<string, string>>> => (await mirror.mirror.verify(({ version }) => { seen.push(version) }))[0]!.problems
  t.same(await verified(), {})
  rmSync(at(kernel))
  const changed = Buffer.from(readFileSync(at(initrd)))
  changed[7]! ^= 1
  rmSync(at(initrd))
  writeFileSync(at(initrd), changed)
  rmSync(at(`${disk}.sig`))
  t.match(await verified(), { [kernel]: /is missing$/, [initrd]: /./, [disk]: /^the signature of .*can't be read/ })
  t.same(await fetched(), [disk, kernel, initrd].sort().filter(name => name !== disk))
  t.same(await verified(), {})
  t.same(seen, ['1.0.0', '1.0.0', '1.0.0'])
  rmSync(join(folder, 'keys', key.fingerprint))
  const unjudged = await verified()
  t.same(Object.keys(unjudged).sort(), [...flatcarFiles].sort())
  writeFileSync(join(folder, 'keys', key.fingerprint), key.publicKey)
  t.same(await fetched(), [], 'they may well be good')
})

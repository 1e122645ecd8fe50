// A release from another provisioner: what its publisher vouches for is taken from whoever has it nearer, and nobody is believed.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { SyncResult } from '../../src/mirror/sync.js'
import { startEtcd } from '../helpers/etcd.js'
import { freePort } from '../helpers/free-port.js'
import { TestMirror } from '../helpers/mirror.js'
import { Program } from '../helpers/program.js'
import { type Fault, flatcarFiles, makeKey, Publisher } from '../helpers/publisher.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

const key = await makeKey('publisher')
const [kernel, initrd, disk] = flatcarFiles
const version = '4230.2.1'
const isImage = (request: string): boolean => flatcarFiles.some(name => request.split(' ')[1]!.endsWith(`/${name}`))

interface Scene {
  readonly publisher: Publisher
  readonly siblings: readonly Publisher[]
  readonly made: ReadonlyMap<string, Buffer>
  readonly mirror: TestMirror
  readonly refused: string[]
  readonly sync: () => Promise<readonly SyncResult[]>
}

/** `timeout`: milliseconds for a sibling that stalls; where none does nobody is given up for being slow. */
async function scene (t: Test, count = 1, timeout = 60_000): Promise<Scene> {
  const start = async (): Promise<Publisher> => {
    const server = await Publisher.start()
    t.teardown(() => server.close())
    return server
  }
  const publisher = await start()
  const made = await publisher.flatcar(version, key)
  const siblings = await Promise.all(Array.from({ length: count }, start))
  for (const sibling of siblings) for (const [name, bytes] of made) sibling.put(`/assets/flatcar/${version}/${name}`, bytes)
  const mirror = new TestMirror([{ os: 'flatcar', base_url: publisher.url }], { folder: t.testdir(), keys: [key], timeout })
  const refused: string[] = []
  const sync = async (): Promise<readonly SyncResult[]> => await mirror.mirror.sync({
    signal: new AbortController().signal,
    siblings: siblings.map(({ url }) => url),
    onSibling: (origin, reason) => { refused.push(`${siblings.findIndex(({ url }) => url === origin)} ${reason}`) }
  })
  return { publisher, siblings, made, mirror, refused, sync }
}

function whole (t: Test, { mirror, made }: Scene): void {
  const seen = mirror.seen('flatcar')
  for (const [name, bytes] of made) t.ok(seen.get(`${version}/${name}`)?.equals(bytes), name)
  t.same(readdirSync(join(mirror.assets, 'flatcar', version)).filter(name => /\.(?:sibling|part)/.test(name)), [])
}

t.test('images come from the sibling; what vouches for them from the publisher', async t => {
  const at = await scene(t, 2)
  t.match(await at.sync(), [{ outcome: 'published', version, near: 3 }])
  whole(t, at)
  t.same(at.publisher.requests.filter(isImage), [], 'no image was asked of the publisher')
  t.ok(at.publisher.requests.some(request => request.endsWith(`${kernel}.sig`)))
  t.equal(at.siblings[0]!.requests.filter(isImage).length, 3)
  t.same(at.siblings[1]!.requests, [], 'one sibling at a time')
  t.match(await at.mirror.mirror.verify(), [{ version, problems: {} }])
})

t.test('a sibling that lacks it, lies, stalls, breaks off or sends elsewhere changes nothing: another one, then the publisher', async t => {
  const path = (name: string): string => `/assets/flatcar/${version}/${name}`
  const faults: Readonly<Record<string, Fault>> = {
    lacks: { kind: 'status', status: 404 },
    'is busy': { kind: 'status', status: 503, retryAfter: '3600' },
    stalls: { kind: 'hang' },
    'breaks off': { kind: 'cut', after: 1000 },
    'sends elsewhere': { kind: 'redirect', to: 'http://127.0.0.1:9/x' }
  }
  for (const [name, fault] of Object.entries(faults)) {
    await t.test(name, async t => {
      const at = await scene(t, 1, name === 'stalls' ? 500 : undefined)
      for (const file of flatcarFiles) at.siblings[0]!.faults.set(path(file), fault)
      t.match(await at.sync(), [{ outcome: 'published', version, near: undefined }])
      whole(t, at)
      t.ok(at.refused.length >= 1 && at.refused.length <= 2, `it is asked no more: ${at.refused.join('; ')}`)
    })
  }
  await t.test('lies', async t => {
    const at = await scene(t, 2)
    // Of the right length, and even a file that the publisher signed, of another name.
    at.siblings[0]!.put(path(kernel), at.made.get(initrd)!)
    at.siblings[0]!.put(path(initrd), Buffer.alloc(300_000, 'x'))
    t.match(await at.sync(), [{ outcome: 'published', version, near: 3 }])
    whole(t, at)
    t.match(at.refused, [/^0 .*signature/i])
    t.same(at.publisher.requests.filter(isImage), [], 'the other sibling was honest')
  })
  await t.test('all lie, or send without end', async t => {
    const at = await scene(t, 3)
    const endless = new TestMirror([{ os: 'flatcar', base_url: at.publisher.url }], { folder: join(t.testdirName, 'small'), keys: [key], timeout: 60_000, maxSize: 2 ** 20 })
    // Each of its files: whichever is asked for first, the others are not honest either.
    for (const file of flatcarFiles) at.siblings[0]!.faults.set(path(file), { kind: 'endless' })
    for (const sibling of at.siblings.slice(1)) for (const file of flatcarFiles) sibling.put(path(file), Buffer.alloc(300_000, 'x'))
    const refused: string[] = []
    t.match(await endless.mirror.sync({ signal: new AbortController().signal, siblings: at.siblings.map(({ url }) => url), onSibling: (_, reason) => { refused.push(reason) } }), [{ outcome: 'published', version }])
    whole(t, { ...at, mirror: endless })
    t.ok(refused.some(reason => reason.includes('larger than')))
    t.equal(at.publisher.requests.filter(isImage).length, 3)
  })
  t.equal(disk, flatcarFiles[2])
})

t.test('two provisioners: the second has its release from the first', async t => {
  if (!needs(t, 'etcd')) return
  const publisher = await Publisher.start()
  t.teardown(() => publisher.close())
  const made = await publisher.flatcar(version, key)
  const etcd = await startEtcd(t)
  const folder = t.testdir({ key: key.publicKey })
  const start = async (name: string): Promise<{ readonly program: Program, readonly url: string }> => {
    const port = await freePort()
    mkdirSync(join(folder, name))
    const config = join(folder, `${name}.yaml`)
    writeFileSync(config, JSON.stringify({
      data_path: join(folder, name, 'data'),
      assets_path: join(folder, name, 'assets'),
      state_path: join(folder, name, 'state'),
      control_socket: join(shortFolder(t), 'c'),
      http: { address: `127.0.0.1:${port}` },
      rpc: { address: '' },
      tftp: { address: '' },
      images: { sources: [{ os: 'flatcar', base_url: publisher.url }], keys: [{ file: join(folder, 'key'), fingerprint: key.fingerprint }] },
      cluster: { name, etcd: { endpoints: etcd.endpoints } }
    }))
    const program = new Program(['serve', '--config', config])
    t.teardown(() => program.child.kill('SIGKILL'))
    await program.logged('appliance.ready')
    return { program, url: `http://127.0.0.1:${port}` }
  }
  const first = await start('p1')
  t.match(await first.program.logged('images.sync'), { outcome: 'published', version })
  const before = publisher.requests.filter(isImage).length
  const second = await start('p2')
  t.match(await second.program.logged('images.sync'), { outcome: 'published', version, near: 3 })
  t.equal(publisher.requests.filter(isImage).length, before, 'the publisher sent each image once')
  await until('it is served', async () => Buffer.from(await (await fetch(`${second.url}/assets/flatcar/stable/${kernel}`)).arrayBuffer()).equals(made.get(kernel)!))
})

// images, as a person uses it: keys, sync, list, verify, prune; and the service that does it by itself.
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import type { ImagesShown } from '../../src/mirror/mirror.js'
import { runCommand } from '../helpers/command.js'
import { freePort } from '../helpers/free-port.js'
import { Gpg } from '../helpers/gpg.js'
import { seenFiles } from '../helpers/mirror.js'
import { writeConfig } from '../helpers/mirror-kill.js'
import { type Ended, Program } from '../helpers/program.js'
import { makeKey, Publisher } from '../helpers/publisher.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs } from '../helpers/tools.js'

const key = await makeKey('publisher')

const profile = (id: string, kernel: string): string => JSON.stringify({ id, boot: { kernel, initrd: [], args: [] } })

t.test('sync, list, verify, prune', async t => {
  const folder = shortFolder(t)
  const server = await Publisher.start()
  t.teardown(() => server.close())
  const config = writeConfig(folder, server.url, key, 'keep: 1')
  const images = async (...args: string[]): Promise<Ended> => await runCommand(['images', ...args, '--config', config])

  for (const version of ['1.0.0', '1.1.0', '1.2.0', '1.3.0']) {
    await server.flatcar(version, key)
    const { status, stdout, stderr } = await images('sync')
    t.equal(status, 0, stderr)
    t.match(stdout, new RegExp(`^flatcar/stable/amd64 ${version} flatcar_production_pxe\\.vmlinuz: 293\\.0 KiB$`, 'm'), 'a plain line a file')
    t.match(stdout, new RegExp(`^flatcar/stable/amd64: ${version} published and verified$`, 'm'))
    t.notOk(stdout.includes('\u001b'), 'nothing of a terminal')
  }
  t.match(JSON.parse((await images('sync', '--json')).stdout), [{ outcome: 'present', version: '1.3.0' }])

  const list = await images('list')
  t.match(list.stdout, new RegExp(`^/assets/flatcar/1\\.3\\.0 +current latest stable +878\\.9 KiB +\\d+s +${key.fingerprint.slice(-16)}`, 'm'))
  const shown = JSON.parse((await images('list', '--json')).stdout) as ImagesShown
  t.match(shown.releases.map(({ version }) => version), ['1.3.0', '1.2.0', '1.1.0', '1.0.0'])
  t.match(shown.sources, [{ source: 'flatcar/stable/amd64', version: '1.3.0' }])

  mkdirSync(join(folder, 'data/profiles'), { recursive: true })
  writeFileSync(join(folder, 'data/profiles/old.json'), profile('old', '/assets/flatcar/1.0.0/flatcar_production_pxe.vmlinuz'))
  t.match(await images('prune', '--dry-run'), { status: 0, stdout: /: would be removed, / })
  for (const [said, meant] of [['flatcr', 'flatcar'], ['FLATCAR', 'flatcar'], ['flatcar/stabel', 'flatcar/stable'], ['flatcar/stable/amd46', 'flatcar/stable/amd64']] as const) {
    t.match(await images('sync', said), { status: 2, stderr: `no image source is called "${said}", of flatcar/stable/amd64; did you mean "${meant}"?\n` })
  }
  t.match(await images('sync', 'flatcar/stable'), { status: 0, stdout: 'flatcar/stable/amd64: 1.3.0 up to date' })
  t.match(await images('sync', 'flatcar/sta'), { status: 2, stderr: /no image source is called "flatcar\/sta"/ })
  const pruned = await images('prune', '--json')
  t.match(JSON.parse(pruned.stdout), [
    { version: '1.3.0', kept: 'current, latest, stable is this one' },
    { version: '1.2.0' },
    { version: '1.1.0' },
    { version: '1.0.0', kept: 'the store names it' }
  ])
  t.same(readdirSync(join(folder, 'assets/flatcar')).filter(name => /^\d/.test(name)).sort(), ['1.0.0', '1.3.0'])
  writeFileSync(join(folder, 'data/profiles/broken.json'), '{')
  t.match(await images('prune'), { status: 1, stderr: /nothing is removed: profiles\/broken\.json can't be read/ })

  t.match(await images('verify'), { status: 0, stdout: new RegExp(`^flatcar/1\\.3\\.0: good, 878\\.9 KiB, ${key.fingerprint}$`, 'm') })
  if (needs(t, 'gpg')) {
    const gpg = new Gpg(t)
    await gpg.run(['--import', join(folder, 'key.asc')])
    const seen = seenFiles(join(folder, 'assets/flatcar'))
    const signed = [...seen.keys()].filter(name => name.endsWith('.sig'))
    t.equal(signed.length, 6)
    for (const name of signed) t.ok(await gpg.verifies(seen.get(name)!, seen.get(name.slice(0, -4))!), `gpg --verify takes ${name}`)
  }
  const kernel = join(folder, 'assets/flatcar/1.3.0/flatcar_production_pxe.vmlinuz')
  const bytes = readFileSync(kernel)
  bytes[9]! ^= 1
  writeFileSync(kernel, bytes)
  const bad = await images('verify')
  t.match(bad, { status: 1, stdout: /^flatcar\/1\.3\.0: 1 bad$/m, stderr: /^core-provisioner images verify: .*vmlinuz: its signature by \w+ is bad: the file is not what was signed\n$/ })
  t.match((await new Program(['doctor', '--config', config]).end()).stdout, /^PROBLEM {2}images: \/assets\/flatcar\/1\.3\.0: .*not what was signed/m)
  t.match(await images('sync'), { status: 0, stdout: /1\.3\.0 fetched again and verified/ })

  await server.flatcar('1.4.0', await makeKey('foreign'))
  t.match(await images('sync'), { status: 1, stderr: /^core-provisioner images sync: flatcar\/stable\/amd64: .*signed with key [0-9A-F]{16}, which is not pinned.*\n$/ })
  t.equal(readlinkSync(join(folder, 'assets/flatcar/stable')), '1.3.0')
  t.match((await new Program(['doctor', '--config', config]).end()).stdout, /^PROBLEM {2}images: flatcar\/stable\/amd64 failed at .*not pinned/m)
  t.match(await images('dance'), { status: 2, stderr: /expected one of sync, list, verify, prune, keys/ })
  t.match(await images('sync', '--set', 'images.sources=[]'), { status: 1, stderr: /no image source is configured/ })
  t.match(await images('sync', '--set', 'images.sources=[{os: flatcar, channel: edge}]'), { status: 1, stderr: /--set images\.sources: images\.sources\.0: expected channel to be one of stable, beta, alpha, lts/ })
})

t.test('keys are imported and pinned by fingerprint, as gpg makes them', async t => {
  if (!needs(t, 'gpg')) return
  const folder = shortFolder(t)
  const gpg = new Gpg(t)
  await gpg.run(['--passphrase', '', '--quick-gen-key', 'images <images@example.com>', 'rsa2048', 'cert', 'never'])
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec((await gpg.run(['--with-colons', '--list-keys'])).stdout.toString())?.[1] ?? ''
  await gpg.run(['--passphrase', '', '--quick-add-key', fingerprint, 'rsa2048', 'sign', '1y'])
  const exported = join(folder, 'images.gpg')
  writeFileSync(exported, (await gpg.run(['--export'])).stdout)
  const sign = async (content: Buffer): Promise<Buffer> => {
    const file = gpg.file(content)
    await gpg.run(['--passphrase', '', '--output', `${file}.sig`, '--detach-sign', file])
    return readFileSync(`${file}.sig`)
  }
  const server = await Publisher.start()
  t.teardown(() => server.close())
  await server.flatcar('1.0.0', { ...key, sign }, { bytes: 3_000_000 })
  const config = writeConfig(folder, server.url, key)
  const images = async (...args: string[]): Promise<Ended> => await runCommand(['images', ...args, '--config', config, '--set', 'images.keys=[]'])
  t.match(await images('sync'), { status: 1, stderr: /no key is pinned that could have signed flatcar\/stable\/amd64/ })
  t.match(await images('keys', 'add', exported), { status: 2, stderr: new RegExp(`give it with --fingerprint; .* holds ${fingerprint} \\(images`) })
  t.match(await images('keys', 'add', exported, '--fingerprint', '0'.repeat(40)), { status: 1, stderr: /does not hold the key 0000/ })
  t.match(await images('keys', 'add', exported, '--fingerprint', fingerprint.toLowerCase().replace(/.{4}/g, '$& ')), { status: 0, stdout: new RegExp(fingerprint) })
  t.match(await images('sync'), { status: 0, stdout: /1\.0\.0 published and verified/ })
  t.match(JSON.parse((await images('keys', 'list', '--json')).stdout), [{ fingerprint, users: ['images <images@example.com>'], expires: /^\d{4}-/ }])
  t.match(await images('keys', 'remove', fingerprint), { status: 0 })
  t.match(await images('verify'), { status: 1, stderr: /not pinned/ })
})

t.test('the service syncs and prunes by itself, and tells of it', async t => {
  const folder = shortFolder(t)
  const server = await Publisher.start()
  t.teardown(() => server.close())
  const port = await freePort()
  await server.flatcar('1.0.0', key)
  const config = writeConfig(folder, server.url, key, 'keep: 0\n  interval: 1s')
  mkdirSync(join(folder, 'data/profiles'), { recursive: true })
  writeFileSync(join(folder, 'data/profiles/old.json'), profile('old', '/assets/flatcar/1.0.0/flatcar_production_pxe.vmlinuz'))
  const program = new Program(['serve', '--config', config, '--set', `http.address=127.0.0.1:${port}`])
  t.teardown(() => program.child.kill('SIGKILL'))
  t.match(await program.logged('images.sync'), { source: 'flatcar/stable/amd64', version: '1.0.0', outcome: 'published' })
  const url = `http://127.0.0.1:${port}`
  const shown = async (): Promise<ImagesShown> => await (await fetch(`${url}/v1/images`)).json() as ImagesShown
  const until = async (what: (images: ImagesShown) => boolean): Promise<ImagesShown> => {
    for (;;) {
      const images = await shown()
      if (what(images)) return images
      await once(AbortSignal.timeout(100), 'abort')
    }
  }
  for (const version of ['1.1.0', '1.2.0']) {
    await server.flatcar(version, key)
    await until(({ sources }) => sources[0]?.version === version)
  }
  t.match(await program.logged('images.prune'), { version: '1.1.0', folder: 'flatcar' })
  const { releases } = await until(images => images.releases.length === 2)
  t.match(releases, [{ version: '1.2.0', aliases: ['current', 'latest', 'stable'], keys: [key.fingerprint] }, { version: '1.0.0' }], 'what the profile names stays')
  t.ok(Buffer.from(await (await fetch(`${url}/assets/flatcar/stable/flatcar_production_pxe.vmlinuz`)).arrayBuffer()).equals(server.files.get('/amd64-usr/1.2.0/flatcar_production_pxe.vmlinuz')!.body))

  // It is a mirror that another one can be fed from.
  const below = join(folder, 'below')
  const fed = writeConfig(below, `${url}/assets`, key)
  t.match(await new Program(['images', 'sync', '--config', fed]).end(), { status: 0, stdout: /1\.2\.0 published and verified/ })
  t.equal(readlinkSync(join(below, 'assets/flatcar/stable')), '1.2.0')

  server.faults.set('/amd64-usr/current/version.txt', { kind: 'status', status: 404 })
  const failing = await until(({ sources }) => sources[0]?.error !== undefined)
  t.match(failing.sources, [{ version: '1.2.0', error: { code: 'image_download_failed', text: /answered 404/ } }])
  const metrics = await (await fetch(`${url}/metrics`)).text()
  t.match(metrics, `image_release_info{path="/assets/flatcar/1.2.0",version="1.2.0",aliases="current,latest,stable",key="${key.fingerprint}"} 1`)
  t.match(metrics, 'image_source_failed{source="flatcar/stable/amd64",error="image_download_failed"} 1')
  t.match(metrics, 'image_release_bytes{path="/assets/flatcar/1.2.0"} 900000')
  t.equal((await program.end('SIGTERM')).status, 0)
  t.ok(existsSync(join(folder, 'assets/flatcar/1.0.0/release.json')))
})

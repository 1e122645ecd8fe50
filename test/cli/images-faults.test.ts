// images beside the world it stands in: connections that break, and root.
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { builtProgram } from '../helpers/built.js'
import { runCommand } from '../helpers/command.js'
import { writeConfig } from '../helpers/mirror-kill.js'
import { Program } from '../helpers/program.js'
import { makeKey, Publisher } from '../helpers/publisher.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs, needsRoot, runTool } from '../helpers/tools.js'
import { until } from '../helpers/until.js'

const key = await makeKey('publisher')

const profile = (id: string, kernel: string): string => JSON.stringify({ id, boot: { kernel, initrd: [], args: [] } })

t.test('a connection that breaks is waited for, and the command ends when its work is done', async t => {
  const folder = shortFolder(t)
  const server = await Publisher.start()
  t.teardown(() => server.close())
  await server.flatcar('1.0.0', key, { bytes: 3_000_000 })
  server.faults.set('/amd64-usr/1.0.0/flatcar_production_pxe.vmlinuz', { kind: 'cut', after: 1_200_000, times: 2 })
  server.faults.set('/amd64-usr/current/version.txt', { kind: 'status', status: 503, times: 1 })
  const config = writeConfig(folder, server.url, key)
  t.match(await runCommand(['images', 'sync', '--config', config]), { status: 0, stdout: /1\.0\.0 published and verified/, stderr: '' })
  await server.flatcar('1.1.0', key)
  server.faults.set('/amd64-usr/1.1.0/flatcar_production_pxe.vmlinuz', { kind: 'redirect', to: 'file:///etc/passwd' })
  t.match(await runCommand(['images', 'sync', '--config', config]), { status: 1, stderr: /^core-provisioner images sync: .* which is not followed\n$/ })
})

t.test('a signal ends it as one does, says so in a line, and leaves nothing that is half', async t => {
  for (const [signal, status] of [['SIGTERM', 143], ['SIGINT', 130]] as const) {
    const folder = shortFolder(t)
    const server = await Publisher.start()
    t.teardown(() => server.close())
    await server.flatcar('1.0.0', key, { bytes: 3_000_000 })
    server.faults.set('/amd64-usr/1.0.0/flatcar_production_pxe.vmlinuz', { kind: 'hang' })
    const config = writeConfig(folder, server.url, key)
    const syncing = new Program(['images', 'sync', '--config', config])
    const partial = join(folder, 'assets/flatcar/.partial')
    await until('it is fetched', () => existsSync(partial) && readdirSync(partial).some(name => name !== 'lock'))
    const ended = await syncing.end(signal)
    t.match(ended, { status, stderr: `core-provisioner images: ended by ${signal} before it was done\n` })
    t.same(readdirSync(join(folder, 'assets/flatcar')).filter(name => name !== '.partial'), [], 'nothing is published')
    server.faults.clear()
    t.match(await new Program(['images', 'sync', '--config', config]).end(), { status: 0, stdout: /1\.0\.0 published and verified/ })
  }
})

t.test('root works as the user whose the state is; doctor tells of what is booted and not there', async t => {
  const folder = shortFolder(t)
  const server = await Publisher.start()
  t.teardown(() => server.close())
  await server.flatcar('1.0.0', key)
  const config = writeConfig(folder, server.url, key)
  mkdirSync(join(folder, 'data/profiles'), { recursive: true })
  writeFileSync(join(folder, 'data/profiles/a.json'), profile('a', '/assets/flatcar/stable/flatcar_production_pxe.vmlinuz'))
  writeFileSync(join(folder, 'data/profiles/b.json'), profile('b', '/assets/flatcar/0.9.0/flatcar_production_pxe.vmlinuz'))
  if (needsRoot(t)) {
    const nobody = 65534
    for (const name of ['state', 'assets']) {
      mkdirSync(join(folder, name))
      chownSync(join(folder, name), nobody, nobody)
    }
    chmodSync(folder, 0o755)
    t.match(await new Program(['images', 'sync', '--config', config]).end(), { status: 0, stderr: '' })
    const made = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => /^(state|assets)\//.test(name))
    t.ok(made.includes('assets/flatcar/.partial/lock'))
    t.same(made.filter(name => lstatSync(join(folder, name)).uid !== nobody), [], 'nothing is root\'s')
  }
  const { stdout } = await new Program(['doctor', '--config', config]).end()
  t.match(stdout, /^PROBLEM {2}store: .*profiles\/b\.json:1:\d+: boots \/assets\/flatcar\/0\.9\.0\/flatcar_production_pxe\.vmlinuz, which is not there/m)
  t.notMatch(stdout, /profiles\/a\.json/)
})

t.test('check and doctor tell of files that the mirror will miss, which keep nobody from booting', async t => {
  const folder = shortFolder(t)
  for (const name of ['store/groups', 'store/profiles', 'assets', 'a-folder']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'junk'), 'junk')
  const set = (...more: readonly string[]): string[] => [`data_path=${folder}/store`, `state_path=${folder}/state`, `assets_path=${folder}/assets`,
    `control_socket=${folder}/s`, 'http.address=127.0.0.1:0', 'rpc.address=', 'tftp.address=', 'images.sources=[{os: flatcar}]', ...more].flatMap(pair => ['--set', pair])
  const fingerprint = 'F88CFEDEFF29A5B4D9523864E25D9AED0593B34A'
  const rows = [
    ['images.ca_file=/nowhere', /images\.ca_file: cannot read \/nowhere: ENOENT/],
    [`images.ca_file=${folder}/junk`, /junk holds no certificate in PEM/],
    [`images.ca_file=${folder}/a-folder`, /images\.ca_file: cannot read .*EISDIR/],
    [`images.keys=[{file: /nowhere, fingerprint: ${fingerprint}}]`, /there is no key file \/nowhere/],
    [`images.keys=[{file: ${folder}/junk, fingerprint: ${fingerprint}}]`, /junk is not an OpenPGP public key/],
    ['images.interval=0', /flatcar\/stable\/amd64 has no key/]
  ] as const
  for (const [wrong, told] of rows) {
    const { status, stderr } = await runCommand(['check', ...set(wrong)])
    t.equal(status, 0, wrong)
    t.match(stderr, told)
    t.match(stderr, /^warning: /m)
  }
  const { stderr } = await new Program(['check', ...set(`assets_path=${folder}/junk`)]).end()
  t.match(stderr, /^warning: --set assets_path: assets_path: .*junk is no folder: nothing below \/assets\/ is served$/m)
  t.match((await new Program(['doctor', ...set(rows[0][0])]).end()).stdout, new RegExp(`^PROBLEM {2}images: --set images\\.ca_file: ${rows[0][1].source}`, 'm'))
})

t.test('a publisher that speaks HTTP/1.0: each file on a connection that it closes', async t => {
  const folder = shortFolder(t)
  const made = await Publisher.start()
  t.teardown(() => made.close())
  await made.flatcar('1.0.0', key, { bytes: 6_000_000 })
  let asked = 0
  const server = createServer(socket => {
    socket.once('data', data => {
      asked++
      const file = made.files.get(/^GET (\S+) /.exec(data.toString('latin1'))?.[1] ?? '')
      socket.end(file === undefined
        ? 'HTTP/1.0 404 Not Found\r\n\r\n'
        : Buffer.concat([Buffer.from(`HTTP/1.0 200 OK\r\nContent-Length: ${file.body.length}\r\n\r\n`), file.body]))
    }).on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const config = writeConfig(folder, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key)
  t.match(await runCommand(['images', 'sync', '--config', config]), { status: 0, stdout: /1\.0\.0 published and verified/, stderr: '' })
  t.ok(asked > 3, `${asked} requests`)
})

t.test('a folder on a read-only file system is called so', async t => {
  if (!needsRoot(t) || !needs(t, 'unshare', 'mount')) return
  const folder = shortFolder(t)
  const server = await Publisher.start()
  t.teardown(() => server.close())
  await server.flatcar('1.0.0', key)
  const config = writeConfig(folder, server.url, key)
  mkdirSync(join(folder, 'assets'))
  const script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec env -u NODE_OPTIONS "$2" "$3" images sync --config "$4"'
  const ended = await runTool('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', join(folder, 'assets'), process.execPath, builtProgram(), config])
  t.equal(ended.code, 1)
  t.match(ended.stderr, /is on a read-only file system/)
  t.match(await runCommand(['images', 'sync', '--config', config]), { status: 0 }, 'and goes on once it is not')
})

// What a client is given to carry, as tar(1) unpacks it.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { packClient, repackClient } from '../../src/tls/client-package.js'

const now = Date.UTC(2026, 0, 2) + 999
const files = { 'ca.crt': 'authority\n', 'client.crt': 'c'.repeat(512), 'client.key': 'key', 'ca.key': 'secret' }

t.test('three files, with their modes and the time, and nothing else', async t => {
  const dir = t.testdir({ certs: files, out: {} })
  const bytes = await packClient(join(dir, 'certs'), now)
  t.equal(gunzipSync(bytes).length, 512 * (4 + 3 + 2), 'a block for each header and each content, and two at the end')
  // Mode, user, group, size and time each in its place (POSIX.1-2001, pax, "ustar Interchange Format").
  const [block, time] = [gunzipSync(bytes).subarray(512, 1024), (now - 999) / 1000]
  t.equal(block.toString('latin1', 100, 148), `0000644\0${'0000000\0'.repeat(2)}00000000012\0${time.toString(8).padStart(11, '0')}\0`)
  t.equal(block.toString('latin1', 154, 265), `\0 0${'\0'.repeat(100)}ustar\x0000`)
  writeFileSync(join(dir, 'a.tgz'), bytes)
  execFileSync('tar', ['-xpzf', join(dir, 'a.tgz'), '-C', join(dir, 'out')])
  const out = join(dir, 'out/matchbox-certs')
  t.same(readdirSync(out).sort(), ['ca.crt', 'client.crt', 'client.key'])
  for (const name of ['ca.crt', 'client.crt', 'client.key'] as const) t.equal(readFileSync(join(out, name), 'utf8'), files[name], name)
  t.same(['.', 'ca.crt', 'client.crt', 'client.key'].map(name => (statSync(join(out, name)).mode & 0o777).toString(8)), ['700', '644', '644', '600'])
  t.equal(statSync(join(out, 'client.key')).mtimeMs, Date.UTC(2026, 0, 2))
  t.match(execFileSync('tar', ['-tvzf', join(dir, 'a.tgz'), '--numeric-owner'], { encoding: 'utf8' }), /^drwx------ 0\/0 /)
  unlinkSync(join(dir, 'certs/client.key'))
  await t.rejects(packClient(join(dir, 'certs'), now), { code: 'config_missing', message: /client\.key: core-provisioner certs init makes it$/ })
  mkdirSync(join(dir, 'certs/client.key'))
  await t.rejects(packClient(join(dir, 'certs'), now), { code: 'read_failed', message: /client\.key/ })
})

t.test('packed anew where it lies packed', async t => {
  const dir = t.testdir(files)
  const path = join(dir, 'matchbox-certs.tar.gz')
  t.equal(await repackClient(dir, now), undefined)
  t.notOk(existsSync(path))
  writeFileSync(path, 'old', { mode: 0o640 })
  t.equal(await repackClient(dir, now), path)
  t.same([readFileSync(path), statSync(path).mode & 0o777], [await packClient(dir, now), 0o640], 'with the mode that somebody gave it')
  chmodSync(path, 0o644)
  await repackClient(dir, now)
  t.equal(statSync(path).mode & 0o777, 0o640, 'the key in it is not everybody\'s')
})

import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runCommand } from '../helpers/command.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needsRoot } from '../helpers/tools.js'

async function run (...args: string[]): Promise<{ status: number | null, out: string, err: string }> {
  const { status, stdout: out, stderr: err } = await runCommand(['certs', ...args])
  return { status, out, err }
}

t.test('init, show and renew', async t => {
  const dir = join(t.testdir(), 'tls')
  const made = await run('init', '--dir', dir, '--san', 'DNS:matchbox.example.com,IP:10.0.0.1', '--san', 'DNS:b')
  t.match(made, { status: 0, err: '', out: /DNS:matchbox\.example\.com, IP:10\.0\.0\.1, DNS:b/ })
  t.match(await run('init', '--dir', dir), { status: 1, out: '', err: /already has ca\.crt.*--force/ })
  const shown = await run('show', '--dir', dir, '--json')
  t.equal(shown.status, 0)
  const { certificates } = JSON.parse(shown.out) as { certificates: Array<{ file: string, names: string[], notAfter: string }> }
  t.same(certificates.map(c => c.file), ['ca.crt', 'server.crt', 'client.crt'])
  t.same(certificates[1]?.names, ['DNS:matchbox.example.com', 'IP:10.0.0.1', 'DNS:b'])
  t.match(certificates[1]?.notAfter, /^\d{4}-\d\d-\d\dT/)
  const authority = readFileSync(join(dir, 'ca.crt'), 'utf8')
  t.match(await run('renew', '--dir', dir), { status: 0, out: /DNS:matchbox\.example\.com, IP:10\.0\.0\.1, DNS:b/ })
  t.equal(readFileSync(join(dir, 'ca.crt'), 'utf8'), authority)
  t.match(await run('init', '--dir', dir, '--force'), { status: 0, out: /DNS:localhost/ })
  t.not(readFileSync(join(dir, 'ca.crt'), 'utf8'), authority)
})

t.test('whoever only looks needs no key', async t => {
  if (!needsRoot(t)) return
  const dir = shortFolder(t)
  await run('init', '--dir', dir)
  chmodSync(dir, 0o755)
  chmodSync(join(dir, 'client.key'), 0o644)
  process.seteuid?.(65_534)
  const { status, out } = await run('show', '--dir', dir).finally(() => { process.seteuid?.(0) })
  t.equal(status, 0)
  t.match(out, /ca\.crt {2}authority[^]*whether server\.key belongs to server\.crt was not looked at: cannot read \S+server\.key: EACCES/)
  t.notMatch(out, /ca\.key|client\.key belongs/)
})

t.test('wrong usage', async t => {
  const wrong: ReadonlyArray<readonly [args: readonly string[], told: RegExp]> = [
    [[], /expected one of init, show,/], [['bogus'], /expected one of init, .*, not "bogus"/], [['show', 'more'], /show takes no "more"/],
    [['init', '--nonsense'], /Unknown option '--nonsense'/], [['init', '--jsno'], /did you mean --json\?/], [['init', '--san'], /--san needs a value/],
    [['show', '--san', 'DNS:a'], /--san goes with init and renew/], [['renew', '--force'], /--force goes with init/], [['init', '--san', 'a b'], /"a b" is no name/],
    [['client'], /client takes one name/], [['client', 'a', 'b'], /client takes one name/], [['init', '--client'], /--client and --out go with export/], [['export'], /export takes --client and --out FILE/]
  ]
  for (const [args, told] of wrong) {
    const { status, out, err } = await run(...args)
    t.same([status, out, err.split('\n').length], [2, '', 2], `one line for ${args.join(' ')}`)
    t.match(err, told, args.join(' '))
    t.match(err, /^core-provisioner certs: /)
  }
  t.match(await run('--help'), { status: 0, out: /usage/ })
})

t.test('what is taken away is a certificate of this authority', async t => {
  const [dir, other] = [join(t.testdir(), 'tls'), join(t.testdirName, 'other')]
  for (const place of [dir, other]) await run('init', '--dir', place)
  t.match(await run('revoke', 'client', '--dir', dir), { status: 0, err: '' })
  const list = readFileSync(join(dir, 'crl.pem'), 'utf8')
  // One name on both: by its name it would look as if it were taken away.
  t.match(await run('revoke', join(other, 'client.crt'), '--dir', dir), { status: 1, err: /other\/client\.crt was not issued by the authority in \S*tls\/ca\.crt: nothing was revoked/ })
  t.match(await run('revoke', 'ca', '--dir', dir), { status: 1, err: /tls\/ca\.crt is the certificate of an authority: `certs init --force`/ })
  t.equal(readFileSync(join(dir, 'crl.pem'), 'utf8'), list)
  await run('revoke', 'client', '--dir', dir)
  const { out } = await run('revoke', '--dir', dir, '--json')
  t.equal((JSON.parse(out) as readonly unknown[]).length, 1, 'twice is once')
})

t.test('a failure is one line', async t => {
  const { status, err } = await run('show', '--dir', join(t.testdir(), 'none'))
  t.equal(status, 1)
  t.match(err, /^core-provisioner certs: .*certs init.*\n$/)
})

t.test('what a client needs, as one archive that tar reads', async t => {
  const folder = t.testdir()
  const [dir, out] = [join(folder, 'tls'), join(folder, 'matchbox-certs.tar.gz')]
  t.match(await run('export', '--dir', dir, '--client', '--out', out), { status: 1, err: /there is no \S+ca\.crt: core-provisioner certs init makes it/ })
  t.equal((await run('init', '--dir', dir)).status, 0)
  t.match(await run('export', '--dir', dir, '--client', '--out', out), { status: 0, out: /matchbox-certs\/ with ca\.crt, client\.crt, client\.key/ })
  t.equal(statSync(out).mode & 0o777, 0o600)
  t.match(execFileSync('tar', ['-tvzf', out], { encoding: 'utf8' }), /^drwx------ .* matchbox-certs\/\n-rw-r--r-- .* matchbox-certs\/ca\.crt\n-rw-r--r-- .*client\.crt\n-rw------- .*client\.key\n$/)
  execFileSync('tar', ['-xzf', out, '-C', folder])
  for (const name of ['ca.crt', 'client.crt', 'client.key']) t.ok(readFileSync(join(folder, 'matchbox-certs', name)).equals(readFileSync(join(dir, name))), name)
  t.match(await run('export', '--dir', dir, '--client', '--out', out), { status: 1, err: /is there already/ })
  t.notMatch((await run('renew', '--dir', dir)).out, /packed anew/, 'none lies there')
  // As install.sh leaves it: renewed, the old one would let nobody in.
  const beside = join(dir, 'matchbox-certs.tar.gz')
  t.equal((await run('export', '--dir', dir, '--client', '--out', beside)).status, 0)
  chmodSync(beside, 0o640)
  t.match(await run('renew', '--dir', dir), { status: 0, out: /matchbox-certs\.tar\.gz is packed anew/ })
  t.equal(statSync(beside).mode & 0o777, 0o640, 'with its mode')
  execFileSync('tar', ['-xzf', beside, '-C', folder])
  for (const name of ['ca.crt', 'client.crt', 'client.key']) t.ok(readFileSync(join(folder, 'matchbox-certs', name)).equals(readFileSync(join(dir, name))), `${name} after a renewal`)
  t.match(JSON.parse((await run('renew', '--dir', dir, '--json')).out), { repacked: beside })
  for (const args of [['export', '--dir', dir], ['export', '--dir', dir, '--client'], ['show', '--dir', dir, '--client']]) t.equal((await run(...args)).status, 2, args.join(' '))
})

// install.sh where systemd is 219, as on CentOS 7: with a systemctl that refuses what that one does not know, in a root that has
// nothing else than busybox. The program itself really runs and is really ready; its sockets are its own, since no systemd opens them.
import { chmodSync, copyFileSync, existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { bundleProblem, busyboxRoot, theBundle, unpack } from '../helpers/bundle.js'
import { NetworkNamespace, namespaceProblem } from '../helpers/netns.js'
import { able, runTool } from '../helpers/tools.js'

const flags = ['--interface', 'br0', '--subnet', '172.30.0.0/24', '--range', '172.30.0.10-172.30.0.20', '--unknown-clients', 'allow']

t.setTimeout(900_000)
t.test('install.sh beside systemd 219', async t => {
  if (!able(t, bundleProblem()) || !able(t, namespaceProblem())) return
  const root = await mkdtemp(join(tmpdir(), 'cp-centos-'))
  const network = new NetworkNamespace()
  t.teardown(async () => {
    await network.close()
    await rm(root, { recursive: true, force: true })
  })
  await chmod(root, 0o755)
  await busyboxRoot(root)
  for (const name of ['dev', 'proc', 'run/systemd/system', 'usr/bin', 'etc/systemd/system']) await mkdir(join(root, name), { recursive: true })
  for (const [name, minor] of [['null', '3'], ['urandom', '9'], ['random', '8']] as const) await runTool('mknod', ['-m', '666', join(root, 'dev', name), 'c', '1', minor])
  copyFileSync(fileURLToPath(new URL('../fixtures/systemd/systemctl-219', import.meta.url)), join(root, 'usr/bin/systemctl'))
  chmodSync(join(root, 'usr/bin/systemctl'), 0o755)
  network.bridge('br0', '172.30.0.1/24')
  // A bridge has a carrier when somebody is on it.
  network.client('br0')
  unpack(await theBundle(), join(root, 'root/bundle'))

  const run = async (...command: readonly string[]): Promise<{ code: number | null, out: string }> => {
    const { code, stdout, stderr } = await runTool('ip', ['netns', 'exec', network.name, 'unshare', '--mount', 'env', '-i', 'PATH=/bin:/usr/bin:/usr/sbin:/sbin', 'sh', '-c',
      'mount -t proc proc "$1/proc" && exec chroot "$@" 2>&1', 'sh', root, ...command], { timeout: 600_000 })
    return { code, out: `${stdout.toString()}${stderr}` }
  }
  const install = async (...args: readonly string[]) => await run('/root/bundle/install.sh', ...args)
  const file = (path: string): string => readFileSync(join(root, path), 'utf8')
  const refused = (): string => existsSync(join(root, 'tmp/refused')) ? file('tmp/refused') : ''

  const { code, out } = await install(...flags)
  t.equal(code, 0, out)
  t.match(out, /0\.1\.0 is ready\n/)
  t.notOk(existsSync(join(root, 'etc/systemd/system/core-provisioner.service.d/hardening.conf')), 'what systemd 219 would complain of is left out')
  t.match((await install()).out, /0\.1\.0 runs\nnothing to do\n$/)
  t.equal((await run('/usr/local/bin/core-provisioner', 'doctor', '--wait', '30')).code, 0)

  // An upgrade that does not start is taken back, and a machine of 219 has no more to say of it.
  const version = (text: string): string => text.replace(/"version": "[^"]*"/, '"version": "99.0.0"')
  for (const [name, by] of [
    ['package.json', version],
    // The version that works is waited for as long as ever.
    ['install.sh', (text: string) => text.replace(/^patience=30$/m, 'patience=4').replace(/^ {2}if put_in_force; then die/m, '  patience=30\n$&')],
    ['app/main.js', (text: string) => `if (process.argv[2] === 'serve') throw new Error('this version is broken')\n${text}`]
  ] as const) writeFileSync(join(root, 'root/bundle', name), by(file(join('root/bundle', name))))
  await run('/bin/sh', '-c', 'cd /root/bundle && for name in package.json install.sh app/main.js; do grep -v " $name$" SHA256SUMS >new; sha256sum $name >>new; mv new SHA256SUMS; done')
  const upgrade = await install()
  t.equal(upgrade.code, 1)
  t.match(upgrade.out, /99\.0\.0 is not ready[^]*0\.1\.0-\w{8} runs again/)
  t.match(readlinkSync(join(root, 'opt/core-provisioner/current')), /\/0\.1\.0-/)
  t.equal((await run('/usr/local/bin/core-provisioner', 'doctor', '--wait', '30')).code, 0)

  t.equal((await run('/opt/core-provisioner/current/install.sh', '--uninstall', '--purge', '--yes')).code, 0)
  t.equal(refused(), '', 'nothing was asked of systemctl that 219 does not know')
})

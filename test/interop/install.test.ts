// install.sh in a root that has nothing but busybox: no systemd, no Node.js, no bash. What it does with systemd is tested where
// one runs (test/interop/systemd.test.ts).
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { bundleProblem, busyboxRoot, theBundle, unpack } from '../helpers/bundle.js'
import { NetworkNamespace, namespaceProblem, watch } from '../helpers/netns.js'
import { able, needs, runTool } from '../helpers/tools.js'

const server = ['--interface', 'br0', '--subnet', '172.30.0.0/24', '--range', '172.30.0.10-172.30.0.20', '--router', '172.30.0.254',
  '--dns', '172.30.0.1,172.30.0.2', '--domain', 'lab.example.com', '--unknown-clients', 'allow', '--advertise', 'boot.example.com']

/** Everything below a folder: type, mode, owner, time and contents or target, a line each. */
function snapshot (folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort().map(name => {
    const path = join(folder, name)
    const { mode, uid, gid, mtimeMs, size } = lstatSync(path)
    const link = (mode & 0o170000) === 0o120000 ? readlinkSync(path) : ''
    return `${name} ${mode.toString(8)} ${uid}:${gid} ${mtimeMs} ${size} ${link}`
  })
}

t.test('install.sh', async t => {
  if (!able(t, bundleProblem()) || !able(t, namespaceProblem())) return
  const root = await mkdtemp(join(tmpdir(), 'cp-install-'))
  t.teardown(async () => { await rm(root, { recursive: true, force: true }) })
  // A root that others than root may enter, as everywhere.
  await chmod(root, 0o755)
  await busyboxRoot(root)
  unpack(await theBundle(), join(root, 'root/bundle'))
  // What any system has: where output goes to die, and the kernel's tables, which tell who has a port.
  for (const name of ['dev', 'proc']) await mkdir(join(root, name))
  await runTool('mknod', [join(root, 'dev/null'), 'c', '1', '3'])
  const network = new NetworkNamespace()
  t.teardown(async () => { await network.close() })
  network.bridge('br0', '172.30.0.1/24')

  /** In a mount namespace of its own, so that its /proc goes with it. */
  const run = async (script: string, ...args: readonly string[]): Promise<{ code: number | null, out: string }> => {
    const { code, stdout, stderr } = await runTool('ip', ['netns', 'exec', network.name, 'unshare', '--mount', 'env', '-i', 'PATH=/bin:/usr/bin:/usr/sbin:/sbin', 'sh', '-c',
      'mount -t proc proc "$1/proc" && exec chroot "$@" 2>&1', 'sh', root, script, ...args], { timeout: 600_000 })
    return { code, out: `${stdout.toString()}${stderr}` }
  }
  const install = async (...args: readonly string[]) => await run('/root/bundle/install.sh', ...args)
  const file = (path: string): string => readFileSync(join(root, path), 'utf8')
  const before = snapshot(root)

  await t.test('wrong usage is told, with status 2', async t => {
    // What the program refuses has its table in test/cli/setup.test.ts; these pass through the shell, and are its own.
    const wrong: ReadonlyArray<readonly [RegExp, ...string[]]> = [
      [/Unknown option '--nonsense'/, '--nonsense'],
      [/--interface needs a value/, '--interface='],
      [/--domain can't be "a\\nb'; reboot"/, '--domain', "a\nb'; reboot"],
      [/--purge goes with --uninstall/, '--purge'],
      [/--uninstall takes no --subnet/, '--uninstall', '--subnet', '172.30.0.0/24'],
      [/--purge removes data for good: say --yes/, '--uninstall', '--purge'],
      [/nobody to ask/]
    ]
    for (const [message, ...args] of wrong) {
      const { code, out } = await install(...args)
      t.equal(code, 2, args.join(' '))
      t.match(out, message)
    }
    const help = await install('--help')
    t.equal(help.code, 0)
    t.match(help.out, /^usage: install\.sh/)
  })

  await t.test('a configuration that would not work changes nothing', async t => {
    const wrong: ReadonlyArray<readonly [RegExp, ...string[]]> = [
      [/no interface br7/, '--interface', 'br7', '--subnet', '172.30.0.0/24'],
      [/^\/etc\/core-provisioner\/config\.yaml:8:\d+: error: dhcp\.subnets\.0\.subnet: expected a subnet/, '--interface', 'br0', '--subnet', '172.30.0.5/24'],
      [/hold no address of br0 \(172\.30\.0\.1\)[^]*--subnet and --interface do not fit/, '--interface', 'br0', '--subnet', '10.9.0.0/24']
    ]
    for (const [message, ...args] of wrong) {
      const { code, out } = await install(...args)
      t.equal(code, 1, args.join(' '))
      t.match(out, message)
      t.match(out, /nothing was changed/)
    }
  })

  await t.test('a port that another program has is named before anything is changed', async t => {
    const owner = network.spawn(process.execPath, '-e', `
      require('node:fs').writeFileSync('/proc/self/comm', 'dnsmasq')
      require('node:dgram').createSocket('udp4').bind(69, () => { console.log('bound') })`)
    await owner.line(/bound/)
    const { code, out } = await install(...server)
    t.equal(code, 1)
    t.match(out, /69\/udp is taken by dnsmasq \(pid \d+\): systemctl disable --now dnsmasq/)
    t.match(out, /nothing was changed: that is in the way/)
    const dry = await install(...server, '--dry-run')
    t.equal(dry.code, 0)
    t.match(dry.out, /taken by dnsmasq[^]*would copy/)
    owner.child.kill('SIGKILL')
    await owner.ended
  })

  await t.test('--dry-run says what it would do', async t => {
    const { code, out } = await install(...server, '--dry-run')
    t.equal(code, 0)
    t.notMatch(out, /^next:/m, 'nothing is installed yet')
    for (const line of ['would copy /root/bundle to /opt/core-provisioner/', 'would make the folder /var/lib/matchbox/ignition (matchbox:matchbox, 755)', 'would write /etc/core-provisioner/config.yaml',
      'would make certificates in /etc/matchbox for ', 'would write /etc/systemd/system/core-provisioner.service', 'would write /etc/systemd/system/core-provisioner-dhcp.socket.d/interface.conf']) t.ok(out.includes(line), line)
  })

  await t.test('on a terminal: each answer is looked at as it is given, and the network before anybody decides', async t => {
    if (!needs(t, 'script', 'dnsmasq')) return
    const other = network.client('br0')
    other.ip('address', 'add', '172.30.0.66/24', 'dev', 'eth0')
    const dnsmasq = other.spawn('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--interface=eth0', '--user=root', '--dhcp-authoritative',
      '--dhcp-range=172.30.0.200,172.30.0.210', `--dhcp-leasefile=${join(t.testdir({}), 'leases')}`)
    await dnsmasq.line(/DHCP, IP range/)
    const command = ['ip', 'netns', 'exec', network.name, 'unshare', '--mount', 'env', '-i', 'PATH=/bin:/usr/bin:/usr/sbin:/sbin', 'sh', '-c',
      `'mount -t proc proc ${root}/proc && exec chroot ${root} /root/bundle/install.sh'`].join(' ')
    const child = spawn('script', ['-qfec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], TERM: 'dumb' } })
    const terminal = watch(child)
    t.teardown(() => { child.kill('SIGKILL') })
    const dialogue: ReadonlyArray<readonly [asked: RegExp, typed: string]> = [
      [/DHCP: server here, proxy beside the server of another machine, or off \(server, proxy, off\) \[server\]: $/, 'srever'],
      [/there is no mode srever: server, proxy or off/, ''],
      [/Which interface do machines boot from \[br0\]: $/, 'br7'],
      [/no interface br7 with an IPv4 address on this machine; there are: br0/, 'br0'],
      [/another DHCP server answers on br0 \(172\.30\.0\.66\): proxy works beside it, server needs it turned off/, ''],
      [/Install with this configuration \(yes, no\) \[yes\]: $/, 'no']
    ]
    for (const [asked, typed] of dialogue) {
      t.match(await terminal.line(asked, 120_000), asked)
      child.stdin.write(`${typed}\n`)
    }
    t.equal(await terminal.ended, 1)
    t.match(terminal.output(), /mode: 'proxy'\r?\n {4}interface: 'br0'[^]*nothing was changed/)
    dnsmasq.child.kill('SIGKILL')
    await dnsmasq.ended
  })

  t.same(snapshot(root).filter(line => !/^(?:proc|tmp|dev\/null) /.test(line)), before.filter(line => !/^(?:proc|tmp|dev\/null) /.test(line)), 'so far the root is as it was')
  t.same(readdirSync(join(root, 'tmp')), [])

  await t.test('a bundle that is damaged is refused', async t => {
    const path = join(root, 'root/bundle/README.md')
    const whole = readFileSync(path)
    writeFileSync(path, 'other')
    const { code, out } = await install(...server)
    writeFileSync(path, whole)
    t.equal(code, 1)
    t.match(out, /README\.md: FAILED[^]*is damaged/)
  })

  await t.test('installs', async t => {
    await run('/bin/sh', '-c', 'chmod -R go= /root/bundle && chown -R 1000:1000 /root/bundle')
    const { code, out } = await install(...server)
    t.equal(code, 0, out)
    t.match(out, /not started: systemd does not run here/)
    t.match(out, /^next:\n {2}1\.[^]*\/var\/lib\/matchbox\/groups[^]*^certificates: \/etc\/matchbox /m, 'what to do next, and where the certificates are')
    t.notMatch(out, /the user matchbox would see/, 'it can read what it needs')
    t.match(out, /check warns:\n.*advertise: boot\.example\.com does not resolve/, 'what machines may miss is told')
    t.equal(readlinkSync(join(root, 'usr/local/bin/core-provisioner')), '/opt/core-provisioner/current/bin/core-provisioner')
    t.match(readlinkSync(join(root, 'opt/core-provisioner/current')), /^\/opt\/core-provisioner\/\d/)
    const checked = await run('/usr/local/bin/core-provisioner', 'check')
    t.equal(checked.code, 0)
    t.match(checked.out, /br0:67\/udp +as 172\.30\.0\.1, 1 subnet, 0 reservations, unknown clients: allow/)
    t.match(checked.out, /machines are told http:\/\/boot\.example\.com:8080\/boot\.ipxe/)
    t.match(checked.out, /grpc +0\.0\.0\.0:8081\/tcp +as \/etc\/matchbox\/server\.crt/)
    t.match(file('etc/core-provisioner/config.yaml'), /routers: \[172\.30\.0\.254\]\n +dns_servers: \[172\.30\.0\.1, 172\.30\.0\.2\]\n +domain_name: 'lab\.example\.com'/)
    const certificates = await run('/usr/local/bin/core-provisioner', 'certs', 'show')
    t.match(certificates.out, /server\.crt[^]*names +.*DNS:boot\.example\.com.*IP:172\.30\.0\.1/)
    t.equal(file('etc/systemd/system/core-provisioner-dhcp.socket.d/interface.conf').split('\n').at(-2), 'BindToDevice=br0')
    t.match(out, /^\S*for Terraform and cluster packages: \/etc\/matchbox\/matchbox-certs\.tar\.gz /m)
    const packed = await runTool('tar', ['-tzf', join(root, 'etc/matchbox/matchbox-certs.tar.gz')])
    t.same(packed.stdout.toString().trim().split('\n'), ['matchbox-certs/', 'matchbox-certs/ca.crt', 'matchbox-certs/client.crt', 'matchbox-certs/client.key'], "what a cluster's package takes")
    const home = readlinkSync(join(root, 'opt/core-provisioner/current'))
    const { version } = JSON.parse(file('root/bundle/package.json')) as { version: string }
    t.match(home, new RegExp(`^/opt/core-provisioner/${version}-[0-9a-f]{8}$`), 'a version and a build')
    const modes = {
      'opt/core-provisioner/current/lib/node': '100755 0:0',
      'opt/core-provisioner/current/app/main.js': '100644 0:0',
      'etc/core-provisioner/config.yaml': '100640 0:990',
      'etc/matchbox/server.key': '100640 0:990',
      'etc/matchbox/ca.key': '100600 0:0',
      'etc/matchbox/client.key': '100600 0:0',
      'etc/matchbox/matchbox-certs.tar.gz': '100600 0:0',
      'var/lib/matchbox/groups': '40755 990:990',
      'var/lib/matchbox/assets': '40755 990:990',
      'var/lib/core-provisioner': '40750 990:990'
    }
    for (const [path, expected] of Object.entries(modes)) {
      const { mode, uid, gid } = lstatSync(join(root, path.replace('opt/core-provisioner/current', home.slice(1))))
      t.equal(`${mode.toString(8)} ${uid}:${gid}`, expected, path)
    }
  })

  await t.test('what the service cannot read is told; a renewed key keeps its owner, group and mode', async t => {
    const key = join(root, 'etc/matchbox/server.key')
    chmodSync(key, 0o600)
    t.match((await install()).out, /what the user matchbox would see[^]*error: gRPC stays off: \S+config\.yaml:1:1: rpc\.key_file: cannot read the server key from \/etc\/matchbox\/server\.key: EACCES/)
    chmodSync(key, 0o640)
    const before = lstatSync(key)
    t.equal((await run('/usr/local/bin/core-provisioner', 'certs', 'renew')).code, 0)
    const after = lstatSync(key)
    t.not(after.ino, before.ino)
    t.same([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid])
    t.equal((await run('/usr/local/bin/core-provisioner', 'check', '--as', 'matchbox')).code, 0)
  })

  await t.test('a second time it changes nothing, from wherever it is run', async t => {
    const installed = snapshot(root)
    const calls = [['/root/bundle/install.sh'], ['/root/bundle/install.sh', ...server], ['/opt/core-provisioner/current/install.sh']]
    for (const [script = '', ...args] of calls) {
      const { code, out } = await run(script, ...args)
      t.equal(code, 0)
      t.match(out, /nothing to do\n$/)
    }
    t.same(snapshot(root).filter(line => !/^(?:tmp|dev\/null) /.test(line)), installed.filter(line => !/^(?:tmp|dev\/null) /.test(line)))
  })

  await t.test('the sockets follow the configuration', async t => {
    const before = file('etc/core-provisioner/config.yaml')
    writeFileSync(join(root, 'etc/core-provisioner/config.yaml'), "http: {address: '0.0.0.0:9090'}\ntftp: {address: ''}\ndhcp: {mode: 'off'}\n")
    const { code, out } = await install()
    t.equal(code, 0, out)
    t.equal(file('etc/systemd/system/core-provisioner-http.socket.d/listen.conf').replace(/^#.*\n/, ''), '[Socket]\nListenStream=\nListenStream=0.0.0.0:9090\n')
    t.match(out, /remove \/etc\/systemd\/system\/core-provisioner-dhcp\.socket\.d\/interface\.conf/)
    network.bridge('br1', '172.31.0.1/24')
    writeFileSync(join(root, 'etc/core-provisioner/config.yaml'),
      'dhcp: { mode: server, interfaces: [br0, { name: br1, mode: proxy }], port: 1067, subnets: [{ subnet: 172.30.0.0/24 }] }\n')
    t.match(await install(), { code: 0, out: /remove \/etc\/systemd\/system\/core-provisioner-http\.socket\.d\/listen\.conf/ })
    const lines = (name: string): string => file(`etc/systemd/system/core-provisioner-${name}.conf`).replace(/^#.*\n/, '')
    for (const [name, device] of [['dhcp@br0', 'br0'], ['dhcp-client@br0', 'br0'], ['dhcp@br1', 'br1'], ['boot-server@br1', 'br1']] as const) {
      t.equal(lines(`${name}.socket.d/interface`), `[Socket]\nBindToDevice=${device}\n`, name)
    }
    t.equal(lines('dhcp@.socket.d/listen'), '[Socket]\nListenDatagram=\nListenDatagram=0.0.0.0:1067\n', 'of every instance')
    t.notOk(existsSync(join(root, 'etc/systemd/system/core-provisioner-dhcp.socket.d/interface.conf')))
    t.match((await install()).out, /nothing to do/)
    writeFileSync(join(root, 'etc/core-provisioner/config.yaml'), before)
    const { out: back } = await install()
    for (const name of ['dhcp@br1.socket.d/interface', 'dhcp@.socket.d/listen']) t.match(back, `remove /etc/systemd/system/core-provisioner-${name}.conf`)
    t.match((await install()).out, /nothing to do/)
  })

  await t.test('firewalld is told in the zone of the interface, SELinux what is a program; once', async t => {
    await mkdir(join(root, 'etc/firewalld'))
    const stub = (name: string, body: string): void => { writeFileSync(join(root, 'usr/sbin', name), `#!/bin/sh\necho "${name} $*" >>/tmp/calls\n${body}\n`, { mode: 0o755 }) }
    await mkdir(join(root, 'usr/sbin'))
    stub('firewall-cmd', `case $* in
      --get-zone-of-interface=br0) echo internal ;;
      --get-zones) echo public internal ;;
      *--query-service=*) grep -q -- "--permanent --zone=internal --add-service=\${*##*=}$" /tmp/calls && case $* in *=internal*) ;; *) false ;; esac ;;
    esac`)
    for (const name of ['selinuxenabled', 'restorecon', 'semanage']) stub(name, 'exit 0')
    const { code, out } = await install()
    t.equal(code, 0, out)
    t.match(out, /let core-provisioner through firewalld \(zone internal\)\nlet core-provisioner-rpc through firewalld \(zone internal\)\n/)
    const calls = file('tmp/calls')
    for (const call of ['firewall-cmd --quiet --reload', 'firewall-cmd --quiet --permanent --zone=internal --add-service=core-provisioner-rpc', 'firewall-cmd --quiet --zone=internal --add-service=core-provisioner',
      'semanage fcontext -a -t bin_t /opt/core-provisioner/[^/]+/lib/(node|ld-linux-x86-64\\.so\\.2)', 'restorecon -R /opt/core-provisioner /etc/core-provisioner']) t.ok(calls.includes(call), call)
    const ports = (name: string): string[] => [...file(`etc/firewalld/services/${name}.xml`).matchAll(/protocol="(\w+)" port="(\d+)"/g)].map(([, protocol = '', port = '']) => `${port}/${protocol}`)
    t.same(ports('core-provisioner').sort(), ['67/udp', '68/udp', '69/udp', '8080/tcp'], '68: the answers of other DHCP servers')
    t.same(ports('core-provisioner-rpc'), ['8081/tcp'])
    t.match((await install()).out, /nothing to do/)
    t.equal(file('tmp/calls').split('restorecon').length, 2)
  })

  await t.test('firewalld opens the ports that the configuration names', async t => {
    const before = file('etc/core-provisioner/config.yaml')
    writeFileSync(join(root, 'etc/core-provisioner/config.yaml'), `${before}\nhttp: {address: '0.0.0.0:9090'}\n`)
    t.match((await install()).out, /have firewalld read its services/)
    t.match(file('etc/firewalld/services/core-provisioner.xml'), /port="9090"/)
    t.notMatch(file('etc/firewalld/services/core-provisioner.xml'), /port="8080"/)
    writeFileSync(join(root, 'etc/core-provisioner/config.yaml'), before)
    t.equal((await install()).code, 0)
  })

  /** The bundle as another build: of `version`, or of the same one. */
  const rebuild = async (version: string, mark: string): Promise<void> => {
    const description = JSON.parse(file('root/bundle/package.json')) as object
    writeFileSync(join(root, 'root/bundle/package.json'), `${JSON.stringify({ ...description, version, mark }, null, 2)}\n`)
    await run('/bin/sh', '-c', 'cd /root/bundle && sha256sum package.json >new && grep -v " package.json$" SHA256SUMS >>new && mv new SHA256SUMS')
  }
  const current = (): string => readlinkSync(join(root, 'opt/core-provisioner/current'))
  const previous = (): string => readlinkSync(join(root, 'opt/core-provisioner/previous'))

  await t.test('upgrades, keeps the configuration and the version before, and gives the service what root left in the store', async t => {
    const first = current()
    const settings = file('etc/core-provisioner/config.yaml')
    await rebuild('99.0.0', 'one')
    writeFileSync(join(root, 'var/lib/matchbox/groups/a.json'), '{"id":"a","profile":"p"}')
    const { code, out } = await install()
    t.equal(code, 0, out)
    t.match(current(), /^\/opt\/core-provisioner\/99\.0\.0-/)
    t.equal(previous(), first)
    t.equal(file('etc/core-provisioner/config.yaml'), settings)
    t.equal(lstatSync(join(root, 'var/lib/matchbox/groups/a.json')).uid, 990)
    t.equal((await run('/usr/local/bin/core-provisioner', '--version')).out, '99.0.0\n')
    t.match((await install()).out, /nothing to do/)
    t.equal((await run(`${first}/install.sh`)).code, 0, 'back again')
    t.equal(current(), first)
  })

  await t.test('a store that is a link is given to the service too', async t => {
    await run('/bin/sh', '-c', 'mkdir /var/room && mv /var/lib/matchbox /var/room/store && ln -s /var/room/store /var/lib/matchbox')
    writeFileSync(join(root, 'var/room/store/groups/b.json'), '{"id":"b","profile":"p"}')
    t.equal((await install()).code, 0)
    t.equal(lstatSync(join(root, 'var/room/store/groups/b.json')).uid, 990)
    await run('/bin/sh', '-c', 'rm /var/lib/matchbox && mv /var/room/store /var/lib/matchbox && rm -r /var/room')
  })

  await t.test('it never removes what it stands on, nor what is not its own', async t => {
    const folders = (): string[] => readdirSync(join(root, 'opt/core-provisioner')).filter(name => !['current', 'previous'].includes(name)).sort()
    const mine = ['my-images', '99.5.0', 'core-provisioner-99.0.0-linux-x64']
    await run('/bin/sh', '-c', 'cd /opt/core-provisioner && mkdir my-images 99.5.0 && echo x >my-images/a && cp -R /root/bundle core-provisioner-99.0.0-linux-x64')
    const one = current()
    // Two builds of one version, and back and forth between them from where they lie.
    await rebuild('99.0.0', 'two')
    t.equal((await install()).code, 0)
    const two = current()
    t.not(two, one)
    t.equal(previous(), one)
    for (let turn = 0; turn < 2; turn++) {
      t.equal((await run('/opt/core-provisioner/previous/install.sh')).code, 0)
      t.same([current(), previous()], turn % 2 === 0 ? [one, two] : [two, one])
      t.match((await run('/opt/core-provisioner/current/install.sh')).out, /nothing to do/)
    }
    for (const name of mine) t.ok(folders().includes(name), name)
    t.same(folders(), [...mine, ...[one, two].map(path => path.split('/').at(-1))].sort(), 'and of its own the two that it can go back and forth between')
    // From the folder that nobody points to any more.
    await run('/bin/sh', '-c', 'cp -R /opt/core-provisioner/current /opt/core-provisioner/aside && chmod -R go= /opt/core-provisioner/aside')
    t.equal((await run('/opt/core-provisioner/aside/install.sh')).code, 0)
    t.ok(folders().includes('aside'), 'the folder that install.sh lies in stays')
    await run('/bin/sh', '-c', `cd /opt/core-provisioner && rm -r aside ${mine.join(' ')}`)
  })

  await t.test('killed after any step, it goes on from there', async t => {
    const script = file('root/bundle/install.sh')
    // All that is changed goes through one function, which here ends the script after that many changes.
    const deadly = '    [ "$changes" != "$' + '{KILL:-0}" ] || kill -9 $$'
    const mortal = script.replace('    shift\n    "$@"\n', found => `${found}${deadly}\n`)
    t.not(mortal, script)
    writeFileSync(join(root, 'root/bundle/install.sh'), mortal)
    await run('/bin/sh', '-c', 'cd /root/bundle && sha256sum install.sh >new && grep -v " install.sh$" SHA256SUMS >>new && mv new SHA256SUMS')
    let steps = 0
    for (let after = 1; after === 1 || after <= steps; after++) {
      const stands = current()
      await rebuild(`99.2.${after}`, 'killed')
      // Every one of these upgrades has the same steps; that there are no more is seen at the end.
      if (after === 1) steps = (await install('--dry-run')).out.match(/^would /gm)?.length ?? 0
      t.equal((await run('/bin/sh', '-c', `KILL=${after} /root/bundle/install.sh; code=$?; [ -x /opt/core-provisioner/current/lib/node ] || code=7; exit $code`)).code, 137, `killed after step ${after} of ${steps}, and what current leads to is whole`)
      const { code, out } = await install()
      t.equal(code, 0, out)
      t.match(current(), new RegExp(`/99\\.2\\.${after}-`))
      t.equal(previous(), stands, 'and there is a way back')
    }
    // A copy that was killed half-way.
    await run('/bin/sh', '-c', 'mkdir /opt/core-provisioner/99.2.9-00000000.new')
    await rebuild('99.2.8', 'after a half copy')
    t.equal((await run('/bin/sh', '-c', `KILL=${steps + 3} /root/bundle/install.sh`)).code, 0, 'after the last step, the old version and the half copy there is nothing more to be killed after')
    t.same(readdirSync(join(root, 'opt/core-provisioner')).filter(name => name.endsWith('.new')), [])
    await run('/bin/sh', '-c', 'rm -rf /tmp/core-provisioner*')
  })

  await t.test('one at a time, and a full disk leaves nothing half-copied', async t => {
    await rebuild('99.3.0', 'full')
    const folder = `${['/run', '/var/run'].find(name => existsSync(join(root, name))) ?? '/tmp'}/core-provisioner-install`
    // Somebody who runs, by the name of the script; and one who was killed.
    const busy = await run('/bin/sh', '-c', `mkdir ${folder} && printf '#!/bin/sh\\nread x\\n' >/tmp/install.sh && chmod 755 /tmp/install.sh && mkfifo /tmp/wait; /tmp/install.sh <>/tmp/wait & echo $! >${folder}/pid; /root/bundle/install.sh; code=$?; kill $!; rm /tmp/install.sh /tmp/wait; exit $code`)
    t.equal(busy.code, 1)
    t.match(busy.out, /another install\.sh runs/)
    const before = snapshot(join(root, 'opt'))
    const copying = await run('/bin/sh', '-c', 'mount -t tmpfs -o size=20m tmpfs /opt && /root/bundle/install.sh; echo "ended with $?"; ls -A /opt/core-provisioner')
    t.match(copying.out, /could not be copied to \/opt\/core-provisioner: .*No space left on device\nended with 1\n$/)
    t.same(snapshot(join(root, 'opt')), before)
    t.notOk(existsSync(join(root, folder)), 'the lock of the one that was killed is gone')
  })

  await t.test('a system whose /usr is read-only goes without the command', async t => {
    rmSync(join(root, 'usr/local/bin/core-provisioner'))
    const { code, out } = await run('/bin/sh', '-c', 'mount -o bind /usr /usr && mount -o remount,bind,ro /usr && /root/bundle/install.sh')
    t.equal(code, 0, out)
    t.match(out, /note: \/usr\/local\/bin can't be written here: the command is \/opt\/core-provisioner\/current\/bin\/core-provisioner/)
    t.equal((await install()).code, 0)
    t.ok(lstatSync(join(root, 'usr/local/bin/core-provisioner')))
  })

  await t.test('folders that are written elsewhere are named to systemd', async t => {
    writeFileSync(join(root, 'usr/sbin/systemctl'), '#!/bin/sh\n[ "$1" != --version ] || echo "systemd 252 (252.1)"\n', { mode: 0o755 })
    const before = file('etc/core-provisioner/config.yaml')
    writeFileSync(join(root, 'etc/core-provisioner/config.yaml'), `${before}\ndata_path: /srv/store\n`)
    const { code, out } = await install()
    t.equal(code, 0, out)
    t.match(file('etc/systemd/system/core-provisioner.service.d/paths.conf'), /^ReadWritePaths=-\/srv\/store$/m)
    writeFileSync(join(root, 'etc/core-provisioner/config.yaml'), before)
    t.match((await install()).out, /remove \/etc\/systemd\/system\/core-provisioner\.service\.d\/paths\.conf/)
    rmSync(join(root, 'usr/sbin/systemctl'))
  })

  await t.test('an upgrade whose check fails where the old one passes changes nothing', async t => {
    const launcher = join(root, 'root/bundle/bin/core-provisioner')
    const [whole, sums] = [readFileSync(launcher), readFileSync(join(root, 'root/bundle/SHA256SUMS'))]
    writeFileSync(launcher, '#!/bin/sh\ncase $1 in --version) echo 99.1.0 ;; setup) echo "problem: no more, nothing was changed" >&2; exit 1 ;; esac\n')
    chmodSync(launcher, 0o755)
    await run('/bin/sh', '-c', 'cd /root/bundle && sha256sum bin/core-provisioner >new && grep -v " bin/core-provisioner$" SHA256SUMS >>new && mv new SHA256SUMS')
    const installed = snapshot(join(root, 'opt'))
    const { code, out } = await install()
    t.equal(code, 1)
    t.match(out, /problem: no more, nothing was changed\n$/, 'what the new version says of it is the last word')
    t.same(snapshot(join(root, 'opt')), installed)
    writeFileSync(launcher, whole)
    writeFileSync(join(root, 'root/bundle/SHA256SUMS'), sums)
  })

  await t.test('--uninstall keeps configuration, certificates and data; --purge does not', async t => {
    t.match((await install('--uninstall', '--dry-run')).out, /would remove \/opt\/core-provisioner\n/)
    t.ok(readdirSync(join(root, 'opt')).length > 0)
    t.equal((await run('/opt/core-provisioner/current/install.sh', '--uninstall')).code, 0)
    t.same(readdirSync(join(root, 'opt')), [])
    t.same(readdirSync(join(root, 'etc/systemd/system')), [])
    t.same(readdirSync(join(root, 'etc/firewalld/services')), [])
    t.match(file('tmp/calls'), /--permanent --zone=internal --remove-service=core-provisioner\n/)
    t.same(readdirSync(join(root, 'usr/local/bin')), [])
    for (const path of ['etc/core-provisioner/config.yaml', 'etc/matchbox/ca.key', 'var/lib/matchbox/groups/a.json', 'var/lib/core-provisioner']) t.ok(lstatSync(join(root, path)), path)
    // Images on another file system stay, and a link is followed to what it stands for.
    const purged = await run('/bin/sh', '-c', 'mkdir -p /var/room && mv /var/lib/core-provisioner /var/room/state && ln -s /var/room/state /var/lib/core-provisioner && ' +
      'mount -t tmpfs tmpfs /var/lib/matchbox/assets && echo x >/var/lib/matchbox/assets/image && /root/bundle/install.sh --uninstall --purge --yes && cat /var/lib/matchbox/assets/image')
    t.match(purged.out, /kept: \/var\/lib\/matchbox, which is a mount point or holds one\n[^]*x\n$/)
    t.same(readdirSync(join(root, 'var/lib/matchbox'), { recursive: true }), ['assets'])
    t.same(readdirSync(join(root, 'var/room')), [])
    t.equal((await install('--uninstall', '--purge', '--yes')).code, 0)
    t.same(readdirSync(join(root, 'var/lib')), [])
    t.notOk(readdirSync(join(root, 'etc')).some(name => name === 'matchbox' || name === 'core-provisioner'))
    rmSync(join(root, 'root'), { recursive: true })
  })
})

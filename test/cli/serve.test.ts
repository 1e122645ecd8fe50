// serve and check, as a person starts them.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import t, { type Test } from 'tap'
import { lineRates } from '../../src/base/line-rations.js'
import { bundledProgram } from '../helpers/built.js'
import { runCommand } from '../helpers/command.js'
import { freePort } from '../helpers/free-port.js'
import { type Ended, Program, surroundings } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs } from '../helpers/tools.js'

const store = {
  groups: {
    'core-1.json': '{"id":"core-1","profile":"node","selector":{"mac":"52:54:00:00:00:01"},"metadata":{}}',
    'broken.json': '{'
  },
  profiles: { 'node.json': '{"id":"node","boot":{"kernel":"/assets/vmlinuz","args":["quiet"]},"ignition_id":"node.ign"}' },
  ignition: { 'node.ign': '{"ignition":{"version":"3.3.0"}}' }
}

/** A configuration over a store of its own, all on loopback, DHCP off. */
function configured (t: Test, more = ''): string {
  const folder = t.testdir({ data: store, assets: { vmlinuz: 'kernel' } })
  const file = join(folder, 'config.yaml')
  writeFileSync(file, `data_path: ${folder}/data
assets_path: ${folder}/assets
state_path: ${folder}/state
control_socket: ${shortFolder(t)}/c
http: { address: "127.0.0.1:0" }
tftp: { address: "" }
${more}`)
  return file
}

t.test('who asks for what no group matches fills no disk with lines: they are counted', async t => {
  const port = await freePort()
  const program = new Program(['serve', '--config', configured(t), '--set', `http.address=127.0.0.1:${port}`])
  t.teardown(() => program.child.kill('SIGKILL'))
  await program.logged('appliance.ready')
  for (let n = 0; n < 400; n++) await (await fetch(`http://127.0.0.1:${port}/ipxe?mac=52:54:00:00:${n >> 8}:${n & 255}`)).arrayBuffer()
  const { status, stdout } = await program.end('SIGTERM')
  t.equal(status, 0)
  const lines = stdout.trimEnd().split('\n').map(line => JSON.parse(line) as { msg: string, event?: string, lines?: number })
  const written = lines.filter(({ msg }) => msg === 'http.unmatched').length
  const leftOut = lines.filter(({ msg, event }) => msg === 'log.left_out' && event === 'http.unmatched').reduce((sum, { lines = 0 }) => sum + lines, 0)
  t.equal(written + leftOut, 400)
  t.ok(written >= lineRates.warn.perSender.burst)
  t.ok(leftOut > 0)
})

t.test('ten thousand machines that somebody makes up leave the line of a named one where it is', async t => {
  const file = configured(t)
  writeFileSync(join(t.testdirName, 'data/groups/all.json'), '{"id":"all","profile":"node","metadata":{}}')
  const port = await freePort()
  const program = new Program(['serve', '--config', file, '--set', `http.address=127.0.0.1:${port}`])
  t.teardown(() => program.child.kill('SIGKILL'))
  await program.logged('appliance.ready')
  const [mine, { perSender, inAll }] = ['52:54:00:00:00:01', lineRates.info]
  const askFrom = async (address: string, macs: readonly string[]): Promise<void> => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: address })
    socket.write(macs.map((mac, n) => `GET /ipxe?mac=${mac} HTTP/1.1\r\nHost: x\r\n${n === macs.length - 1 ? 'Connection: close\r\n' : ''}\r\n`).join(''))
    await once(socket.resume(), 'close')
  }
  // The machine is known from its first request on.
  await askFrom('127.0.0.1', [mine])
  const strangers = Array.from({ length: inAll.burst / perSender.burst + 1 }, (_, k) =>
    askFrom(`127.0.0.${10 + k}`, Array.from({ length: perSender.burst }, (_, n) => `02:00:00:0${k}:${(n >> 8).toString(16)}:${(n & 255).toString(16)}`)))
  await Promise.all(strangers)
  await askFrom('127.0.0.1', [mine])
  const { status, stdout } = await program.end('SIGTERM')
  t.equal(status, 0)
  const lines = stdout.trimEnd().split('\n').map(line => JSON.parse(line) as { msg: string, mac?: string, event?: string, lines?: number })
  const scripts = lines.filter(({ msg }) => msg === 'http.ipxe')
  const leftOut = lines.filter(({ msg, event }) => msg === 'log.left_out' && event === 'http.ipxe').reduce((sum, { lines = 0 }) => sum + lines, 0)
  t.equal(scripts.length + leftOut, inAll.burst + perSender.burst + 2)
  t.ok(leftOut > 0)
  t.equal(scripts.filter(({ mac }) => mac === mine).length, 2)
})

t.test('starts, serves, and ends 0 on SIGTERM', async t => {
  const file = configured(t)
  const port = await freePort()
  const program = new Program(['serve', '--config', file, '--set', `http.address=127.0.0.1:${port}`])
  t.teardown(() => program.child.kill('SIGKILL'))
  t.match(await program.logged('appliance.ready'), { configuration: [file, '--set'], script: `http://127.0.0.1:${port}/boot.ipxe` })
  if (process.platform === 'linux') t.equal(readFileSync(`/proc/${program.child.pid}/comm`, 'utf8'), 'core-provisione\n', 'its name in ps, cut off at 15')
  const url = `http://127.0.0.1:${port}`
  t.match(await (await fetch(`${url}/ipxe?mac=52-54-00-00-00-01`)).text(), /^#!ipxe\nkernel \/assets\/vmlinuz quiet/)
  t.equal(await (await fetch(`${url}/assets/vmlinuz`)).text(), 'kernel')
  const ready = await fetch(`${url}/readyz`)
  t.equal(ready.status, 503)
  t.match(await ready.text(), /groups\/broken\.json: /)
  t.equal((await fetch(`${url}/ipxe?mac=52:54:00:00:00:99`)).status, 404)
  t.match(await program.logged('http.unmatched'), { level: 'warn', mac: '52:54:00:00:00:99' })
  t.match(await (await fetch(`${url}/v1/machines/52:54:00:00:00:01`)).json(), { stage: 'kernel', group: 'core-1', profile: 'node' })
  t.match(await (await fetch(`${url}/metrics`)).text(), /boot_stages_total\{stage="kernel",result="ok"\} 1(?:.*\n)*asset_cache_bytes 0\n(?:.*\n)*asset_cache_hits_total 0/)

  const watching = new Program(['machines', 'watch', '--config', file])
  t.teardown(() => watching.child.kill('SIGKILL'))
  while (!watching.stdout.includes('script')) {
    // Only what happens while it listens is told, so a machine goes on asking until it has been seen.
    await Promise.all([fetch(`${url}/ipxe?mac=52:54:00:00:00:01`), fetch(`${url}/assets/vmlinuz`)])
  }
  t.match(watching.stdout, /52:54:00:00:00:01 {2}127\.0\.0\.1 {2}script {2}\/ipxe/)
  t.equal((await watching.end('SIGINT')).status, 0, 'watching ends when it is told to')
  program.child.kill('SIGHUP')
  t.equal((await fetch(`${url}/healthz`)).status, 200, 'SIGHUP does not end it')
  t.match(JSON.parse((await new Program(['machines', 'show', '52-54-00-00-00-01', '--json', '--config', file]).end()).stdout), { profile: 'node', stage: 'kernel' })
  t.match((await runCommand(['machines', 'list', '--config', file])).stdout, /52:54:00:00:00:01 +- +installing +kernel +127\.0\.0\.1 +core-1 +node/)
  t.match(await runCommand(['machines', 'reset', '52-54-00-00-00-01', '--config', file]), { status: 0 })
  t.match(await runCommand(['machines', 'show', '52-54-00-00-00-77', '--config', file]), { status: 1, stderr: /no machine 52:54:00:00:00:77/ })
  t.match(await runCommand(['leases', 'release', '10.0.0.1', '--config', file]), { status: 1, stderr: /no lease of 10\.0\.0\.1/ })
  const second = await new Program(['serve', '--config', file]).end()
  t.match(second, { status: 1, stderr: /state_path: another core-provisioner \(pid \d+\) has / }, 'a second appliance takes nothing away')

  const { status, stderr } = await program.end('SIGTERM')
  t.equal(status, 0)
  t.match(await program.logged('appliance.end'), { orderly: true }, 'though connections are kept alive')
  t.equal(stderr, '')

  const again = new Program(['serve', '--config', file, '--set', `http.address=127.0.0.1:${port}`])
  await again.logged('appliance.ready')
  t.match(await (await fetch(`${url}/v1/machines/52:54:00:00:00:01`)).json(), { group: 'core-1', timeline: [] }, 'what was seen outlasts a restart')
  t.match(await runCommand(['machines', 'list', '--set', 'control_socket=/nowhere/control.sock']),
    { status: 1, stderr: /nobody answers on \/nowhere\/control\.sock \(control_socket\): no appliance is running/ })
  t.equal((await again.end('SIGINT')).status, 0)
})

const refused = async (t: Test, args: readonly string[], message: RegExp, status = 1, run: (args: readonly string[]) => Promise<Ended> = runCommand): Promise<void> => {
  const ended = await run(args)
  t.match(ended, { status, stderr: message }, `${args.join(' ')} says ${String(message)}`)
  t.equal(ended.stderr.trimEnd().split('\n').length, 1, 'in one line')
}

t.test('what can not start is told in one line', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const asProcess = async (args: readonly string[]): Promise<Ended> => await new Program(args).end()
  await refused(t, ['serve', '--config', configured(t), '--set', `http.address=127.0.0.1:${port}`],
    new RegExp(`^core-provisioner serve: cannot listen on 127\\.0\\.0\\.1:${port}/tcp: another program listens there\n$`), 1, asProcess)

  const udp = createSocket('udp4').bind(0, '127.0.0.1')
  await once(udp, 'listening')
  t.teardown(() => udp.close())
  await refused(t, ['serve', '--config', configured(t), '--set', `tftp.address=127.0.0.1:${udp.address().port}`],
    /cannot listen on 127\.0\.0\.1:\d+\/udp: another program listens there\n$/, 1, asProcess)

  await refused(t, ['serve', '--config', configured(t, 'dhpc: {}')], /config\.yaml:7:1: dhpc: unknown key; did you mean "dhcp"\?\n$/)
  await refused(t, ['serve', '--config', '/nowhere.yaml'], /there is no configuration file \/nowhere\.yaml/)
  await refused(t, ['serve', '--set', 'state_path=/etc/passwd/state', '--set', 'tftp.address=""', '--set', 'http.address=127.0.0.1:0'],
    /^core-provisioner serve: --set state_path: state_path: \/etc\/passwd is no folder$/m, 1, asProcess)
  await refused(t, ['serve', '--colour'], /Unknown option '--colour'/, 2)
  await refused(t, ['serve', 'now'], /unexpected argument "now"/, 2)
  await refused(t, ['dance'], /no command "dance"/, 2)
})

t.test('an interface that is not there is waited for, and the rest serves meanwhile', async t => {
  const program = new Program(['serve', '--config', configured(t, 'dhcp: { mode: server, interface: ens999, subnets: [{ subnet: 10.9.0.0/24 }] }')])
  t.teardown(() => program.child.kill('SIGKILL'))
  t.match(await program.logged('dhcp.link_down'), { level: 'warn', interface: 'ens999', reason: /^no interface ens999 with an IPv4 address on this machine/ })
  const { address } = await program.logged('http.listen').then(({ url }) => ({ address: String(url) }))
  await program.logged('appliance.ready')
  t.match(await (await fetch(`${address}/readyz`)).text(), /^dhcp: no interface ens999/m)
  t.equal((await program.end('SIGTERM')).status, 0)
})

t.test('check prints what would listen', async t => {
  const file = configured(t, 'dhcp: { mode: server, interface: lo, subnets: [{ subnet: 127.0.0.0/8 }], reservations: [{ mac: "52:54:00:00:00:01", ip: 127.0.0.9 }] }\n')
  const { status, stdout, stderr } = await new Program(['check', '--config', file]).end()
  t.equal(status, 1, 'a group does not parse')
  t.match(stderr, /groups\/broken\.json:\d+:\d+: error: /)
  t.match(stdout, /dhcp +lo:67\/udp +as 127\.0\.0\.1, 1 subnet, 1 reservation, unknown clients: deny/)
  t.match(stdout, /store +.*\/data +1 group, 1 profile, 1 ignition/)
  const json = await runCommand(['check', '--json', '--config', file])
  t.match(JSON.parse(json.stdout), { dhcp: { mode: 'server', interface: 'lo' }, listeners: [{ protocol: 'http' }, { protocol: 'grpc' }, { protocol: 'dhcp', address: 'lo:67/udp' }, { protocol: 'dhcp-client' }, { protocol: 'control' }], problems: { length: 1 } })

  const folder = t.testdirName
  mkdirSync(join(folder, 'state/hosts.d'), { recursive: true })
  writeFileSync(join(folder, 'state/hosts.d/a.yaml'), '- { mac: "52:54:00:00:00:02", ip: 10.0.0.1 }\n- { mac: x, ip: 127.0.0.2 }\n')
  const hosts = await runCommand(['check', '--config', file])
  t.match(hosts.stderr, /hosts\.d\/a\.yaml:2:5: error: mac: expected a MAC address/)
  t.match(hosts.stderr, /hosts\.d\/a\.yaml:1: error: the reservation of 10\.0\.0\.1 .* no subnet/)

  const wrong = await runCommand(['check', '--config', configured(t, 'a: 1\nlog_level: loud\n')])
  t.match(wrong, { status: 1, stderr: /:7:1: error: a: unknown key\n.*:8:1: error: log_level: expected one of .*\n.*groups\/broken\.json:\d+:\d+: error: [^\n]*\n$/ }, 'check tells all')
})

t.test('render and transpile, without a machine', async t => {
  const file = configured(t)
  const render = async (...args: string[]) => await runCommand(['render', ...args, '--config', file])
  t.match(await new Program(['render', 'ipxe', '--label', 'mac=52-54-00-00-00-01', '--config', file]).end(), { status: 0, stdout: /^#!ipxe\nkernel \/assets\/vmlinuz quiet\nboot\n$/, stderr: '' })
  t.match(await render('ignition', '-l', 'mac=52-54-00-00-00-01'), { status: 0, stdout: '{"ignition":{"version":"3.3.0"}}' })
  t.match(await render('ipxe', '--label', 'mac=52-54-00-00-00-02'), { status: 1, stdout: '', stderr: /no group matches/ })
  t.match(await render('ipxe', '--label', 'mac=52'), { status: 2, stderr: /"52" is not a hardware address/ })
  t.match(await render('lunch'), { status: 2, stderr: /expected one of ipxe, grub/ })

  const transpile = async (input: string, ...args: string[]) => await runCommand(['transpile', ...args], { input })
  const butane = 'variant: fcos\nversion: 1.5.0\npasswd: { users: [{ name: core, shell: /bin/sh }] }\n'
  t.match(JSON.parse((await transpile(butane)).stdout), { ignition: { version: '3.4.0' }, passwd: { users: [{ name: 'core' }] } })
  t.match(JSON.parse((await transpile('passwd: { users: [{ name: core }] }', '-')).stdout), { ignition: { version: '2.2.0' } })
  t.match(await transpile('variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: etc/motd\n'), { status: 1, stdout: '', stderr: /^stdin:5:13: error: path not absolute/ })
  t.match(await new Program(['transpile', '/nowhere.bu']).end(), { status: 1, stderr: /there is no file \/nowhere\.bu/ })
})

t.test('doctor', async t => {
  const file = configured(t)
  const healthy = await new Program(['doctor', '--config', file, '--set', 'http.address=127.0.0.1:9', '--set', 'rpc.address=""']).end()
  t.match(healthy.stdout, /^PROBLEM {2}store: .*groups\/broken\.json/m)
  t.match(healthy.stdout, /^ok {7}http: 9\/tcp is free$/m)
  t.match(healthy.stdout, /^note {5}your DHCP server: paste this/m, 'with DHCP off it says what the other server needs')
  t.match(healthy.stdout, /\n# BEGIN core-provisioner CLUSTER MANAGED BLOCK\n(?:.*\n)* *next-server 127\.0\.0\.1;\n(?:.*\n)* *filename "http:\/\/127\.0\.0\.1:9\/boot\.ipxe";\n(?:.*\n)*# END /)

  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const json = await new Program(['doctor', '--json', '--config', file, '--set', `http.address=127.0.0.1:${port}`]).end()
  t.equal(json.status, 1)
  const { running, findings } = JSON.parse(json.stdout) as { running: boolean, findings: ReadonlyArray<{ about: string, level: string, text: string }> }
  t.equal(running, false)
  t.match(findings.find(({ about }) => about === 'http'), { level: 'problem', text: new RegExp(`^${port}/tcp is taken by node.*\\(pid ${process.pid}\\): stop that first$`) })
})

t.test('on a terminal each listener is a line in colour, with the address that machines use', async t => {
  if (!needs(t, 'script')) return
  const { LD_PRELOAD: _, ...env } = surroundings()
  const serving = [process.execPath, bundledProgram(), 'serve', '--config', configured(t), '--set', 'tftp.address=127.0.0.1:0']
  // script(1) is the terminal, and hands what is typed to the program: the third octet is Ctrl-C.
  const child = spawn('script', ['-qfec', `unset NODE_OPTIONS; exec ${serving.join(' ')}`, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...env, TERM: 'xterm' } })
  t.teardown(() => child.kill('SIGKILL'))
  let [shown, typed] = ['', false]
  child.stdout.setEncoding('utf8')
  for await (const text of child.stdout as AsyncIterable<string>) {
    shown += text
    if (!typed && shown.includes('appliance.ready')) typed = child.stdin.write('\u0003')
  }
  t.ok(shown.includes('\u001b[32minfo'), 'in colour')
  const lines = stripVTControlCharacters(shown)
  t.match(lines, / http\.listen +at=127\.0\.0\.1:\d+\/tcp url=http:\/\/127\.0\.0\.1:\d+\r\n/)
  t.match(lines, / tftp\.listen +at=127\.0\.0\.1:\d+\/udp address=127\.0\.0\.1:\d+\r\n/)
  t.match(lines, /signal=SIGINT[^]*appliance\.end/)
})

t.test('help and version', async t => {
  t.match(await new Program(['--version']).end(), { status: 0, stdout: /^\d+\.\d+\.\d+\n$/ })
  t.match(await runCommand(['--help']), { status: 0, stdout: /^ {2}serve +start the appliance in the foreground$/m })
  t.match(await runCommand(['serve', '--help']), { status: 0, stdout: /^usage: core-provisioner serve \[flags\]\n[^]*-c, --config FILE +the configuration/ })
  t.match(await runCommand([]), { status: 2, stderr: /^usage:/ })
})

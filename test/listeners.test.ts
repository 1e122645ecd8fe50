// The table of listeners: every row goes through all that is done with rows, on a configuration that asks for all of them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startAppliance } from '../src/appliance.js'
import { type Clock, systemClock } from '../src/base/clock.js'
import { createLog } from '../src/base/log.js'
import { loadConfig, type LoadedConfig } from '../src/config/load.js'
import { diagnose } from '../src/doctor/diagnose.js'
import { planFor } from '../src/doctor/plan.js'
import { isListener, listeners, placesIn } from '../src/listeners.js'
import { stageLimits } from '../src/wiring/closing.js'
import { placeText } from '../src/wiring/place.js'
import { freePort } from './helpers/free-port.js'
import { logLines } from './helpers/log-lines.js'
import { makePki } from './helpers/pki.js'
import { shortFolder } from './helpers/short-folder.js'

const pki = makePki()
const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')
const log = createLog({ level: 'error', pretty: false, destination: logLines().stream })

async function configured (t: Test, ...set: readonly string[]): Promise<LoadedConfig> {
  const folder = t.testdir({ data: { groups: {}, profiles: {} } })
  for (const [name, text] of [['ca', pki.ca.cert], ['cert', pki.server.cert], ['key', pki.server.key]] as const) {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
  const ports: number[] = []
  while (ports.length < 7) ports.push(await freePort())
  return loadConfig({
    file: undefined,
    env: {},
    set: [
      `data_path=${folder}/data`, `state_path=${folder}/state`, 'assets_path=""', `control_socket=${shortFolder(t)}/c`,
      `http.address=127.0.0.1:${ports[0]}`, `http.https.address=127.0.0.1:${ports[1]}`, `rpc.address=127.0.0.1:${ports[2]}`, `tftp.address=127.0.0.1:${ports[3]}`, `ui.address=127.0.0.1:${ports[6]}`,
      `dhcp.port=${ports[4]}`, `dhcp.boot_server_port=${ports[5]}`,
      `http.https.cert_file=${folder}/cert`, `http.https.key_file=${folder}/key`,
      `rpc.ca_file=${folder}/ca`, `rpc.cert_file=${folder}/cert`, `rpc.key_file=${folder}/key`, ...set
    ]
  })
}

const options = { clock: systemClock, log, passphrase: '', env: {} }
const server = ['dhcp.mode=server', 'dhcp.interface=lo', 'dhcp.subnets=[{ subnet: 127.0.0.0/8 }]']
const proxy = ['dhcp.mode=proxy', 'dhcp.interface=lo']

t.test('each row is told by name, unit, port, keys and graces, and documented', async t => {
  const docs = { install: read('docs/install.md'), configuration: read('docs/configuration.md') }
  const everything = [await configured(t, ...server), await configured(t, ...proxy)].flatMap(({ config }) => placesIn(config))
  const names = listeners.map(({ name }) => name)
  t.equal(new Set(names).size, names.length)
  for (const row of listeners) {
    const { name, transport, port, systemd, keys } = row
    t.ok(everything.some(place => place.row === row), `${name} has a place when it is asked for`)
    for (const key of keys) t.ok(docs.configuration.includes(`| \`${key}\` |`), `${key} stands in docs/configuration.md`)
    if (systemd !== undefined) {
      t.match(docs.install, new RegExp(`^\\| \`${systemd}\` \\| ${port}/${transport}`, 'm'), `${systemd} stands in docs/install.md`)
      t.match(read(`systemd/core-provisioner-${systemd}.socket`), new RegExp(`^Listen(?:Stream|Datagram)=.*:${port}$`, 'm'))
    }
    if (isListener(row)) t.ok(row.grace > 0 && (row.inheritedGrace ?? row.grace) >= row.grace)
    else t.ok(isListener(listeners.find(other => other.name === row.of)!), `${name} belongs to ${row.of}`)
  }
  const off = loadConfig({ file: undefined, env: {}, set: ['tftp.address=""', 'rpc.address=""'] })
  t.same(placesIn(off.config).map(({ row }) => row.name), ['http', 'control'])
})

t.test('check and doctor prepare each row as serve does, and listen nowhere', async t => {
  for (const mode of [server, proxy]) {
    const loaded = await configured(t, ...mode)
    const plan = await planFor(loaded, options)
    t.same(plan.listeners.map(({ row }) => row.name), placesIn(loaded.config).map(({ row }) => row.name))
    t.same(plan.listeners.filter(({ what }) => what === ''), [])
    t.same(plan.findings.filter(({ level }) => level === 'problem'), [])
    const found = await diagnose({ ...options, loaded, running: false })
    for (const name of ['http', 'https', 'grpc', 'tftp', 'dhcp']) t.match(found.find(({ about, text }) => about === name && text.endsWith('is free')), { level: 'ok' }, name)
  }
})

t.test('what each listener reads is read by check too', async t => {
  const loaded = await configured(t, ...server)
  const { rpc, http: { https } } = loaded.config
  for (const file of [rpc.ca_file, rpc.cert_file, rpc.key_file, https.key_file]) writeFileSync(file, 'garbage')
  const { findings } = await planFor(loaded, options)
  const problems = findings.filter(({ level }) => level === 'problem').map(({ text }) => text)
  t.match(problems, [/^--set http\.https\.cert_file: http\.https\.cert_file: .*holds no certificate/, /cert.*holds no certificate.*rpc\.address: "" turns the gRPC API off/])
  t.same((await diagnose({ ...options, loaded, running: false })).filter(({ about, level }) => about === 'configuration' && level === 'problem').map(({ text }) => text), problems)
  const refused: Error | undefined = await startAppliance(loaded, { log }).then(() => undefined, (error: Error) => error)
  t.equal(refused?.message, problems[0], 'in the words of serve')
})

t.test('each row starts, is found, and closes', async t => {
  // Only root opens the sockets of DHCP.
  for (const mode of process.getuid?.() === 0 ? [[...server, 'dhcp.allow_other_servers=true'], proxy] : [[]]) {
    const loaded = await configured(t, ...mode)
    const { stream, entries } = logLines()
    let closing = false
    // Whether all comes to its end is asked, not how long that takes on a busy machine.
    const clock: Clock = { ...systemClock, after: (milliseconds, fire) => systemClock.after(closing ? 60 * milliseconds : milliseconds, fire) }
    const appliance = await startAppliance(loaded, { log: createLog({ level: 'info', pretty: false, destination: stream }), clock })
    const told = new Map(entries().map(({ msg, ...fields }) => [String(msg), fields]))
    for (const { row, place } of placesIn(loaded.config)) {
      if (row.name === 'dhcp-client') continue
      t.match(told.get(`${row.name}.listen`), { at: placeText(row, place) }, `${row.name} says where it listens`)
    }
    const { http, rpc, tftp, ui } = loaded.config
    t.match(told.get('http.listen'), { url: `http://127.0.0.1:${http.address.port}` })
    t.match(told.get('https.listen'), { url: `https://127.0.0.1:${http.https.address?.port}` })
    t.match(told.get('grpc.listen'), { address: `127.0.0.1:${rpc.address?.port}` })
    t.match(told.get('tftp.listen'), { address: `127.0.0.1:${tftp.address?.port}` })
    t.match(told.get('ui.listen'), { url: `http://127.0.0.1:${ui.address?.port}/ui/` })
    if (mode.length > 0) t.match(told.get('dhcp.listen'), { mode: loaded.config.dhcp.mode, address: '127.0.0.1' })
    const rows = placesIn(loaded.config).map(({ row }) => row)
    const found = await diagnose({ ...options, loaded, running: true })
    for (const { name } of rows.filter(({ transport, port }) => transport !== 'unix' && port !== 68)) {
      t.match(found.find(({ about }) => about === name), { level: 'ok', text: / is listened on by / }, name)
    }
    t.same(found.filter(({ level }) => level === 'problem'), [])
    await appliance.reload()
    const grace = Math.max(...rows.filter(isListener).map(row => row.grace))
    t.equal(appliance.patience, grace + stageLimits.listener + stageLimits.worker + stageLimits.file)
    closing = true
    t.equal(await appliance.close(), true)
    t.same((await diagnose({ ...options, loaded, running: false })).filter(({ level }) => level === 'problem'), [], 'nothing is left')
  }
  const longest = Math.max(...listeners.filter(isListener).map(({ grace, inheritedGrace }) => inheritedGrace ?? grace))
  const allowed = Number(/^TimeoutStopSec=(\d+)$/m.exec(read('systemd/core-provisioner.service'))?.[1]) * 1000
  t.ok(longest + stageLimits.listener + stageLimits.worker + stageLimits.file < allowed, 'systemd waits longer')
})

t.test('what may be amiss is told by check and doctor, and at level warn and in /readyz by serve', async t => {
  const warnings = async (...set: readonly string[]): Promise<readonly string[]> =>
    (await planFor(await configured(t, ...set), options)).findings.filter(({ level }) => level === 'warning').map(({ text }) => text)
  t.same(await warnings(...server), [])
  t.match(await warnings('dhcp.mode=server', 'dhcp.interface=lo', 'dhcp.subnets=[{ subnet: 10.9.0.0/24 }]'),
    [/dhcp\.subnets hold no address of lo \(127\.0\.0\.1\): machines there get no answer/])
  t.match(await warnings('dhcp.mode=server', 'dhcp.interface=lo', 'dhcp.subnets=[{ subnet: 127.0.0.0/8, range: 127.0.0.9-127.0.0.10 }]'),
    [/dhcp\.subnets\.0\.range is never used: dhcp\.unknown_clients is deny/])
  const allowing = (subnet: string, range: string): readonly string[] =>
    ['dhcp.mode=server', 'dhcp.interface=lo', 'dhcp.unknown_clients=allow', `dhcp.subnets=[{ subnet: ${subnet}, range: ${range} }]`]
  t.same(await warnings(...allowing('127.0.0.0/24', '127.0.0.1-127.0.0.254')), [])
  t.same(await warnings(...allowing('127.0.0.0/31', '127.0.0.0-127.0.0.1')), [], 'a point-to-point link has neither')
  const inRange = '--set dhcp.subnets: dhcp.subnets.0.range holds '
  t.same(await warnings(...allowing('127.0.0.0/24', '127.0.0.0-127.0.0.255')),
    [`${inRange}127.0.0.0, the network address, and 127.0.0.255, the broadcast address, which no machine is given: write 127.0.0.1-127.0.0.254`])
  t.same(await warnings(...allowing('127.0.0.0/24', '127.0.0.9-127.0.0.255')),
    [`${inRange}127.0.0.255, the broadcast address, which no machine is given: write 127.0.0.9-127.0.0.254`])
  t.same(await warnings(...allowing('127.0.0.0/24', '127.0.0.0-127.0.0.0')),
    [`${inRange}127.0.0.0, the network address, which no machine is given: nothing is left of it`])
  const loaded = await configured(t, 'advertise=192.0.2.1', 'boot.script_url=http://no-such-name.invalid/boot.ipxe')
  const expected = [/^--set http\.address: http\.address is 127\.0\.0\.1:\d+, and machines are told 192\.0\.2\.1: nobody listens there$/,
    /boot\.script_url: no-such-name\.invalid does not resolve here/]
  t.match((await planFor(loaded, options)).findings.filter(({ level }) => level === 'warning').map(({ text }) => text), expected)
  t.match((await diagnose({ ...options, loaded, running: false })).filter(({ level }) => level === 'warning').map(({ text }) => text), expected)

  const { stream, entries } = logLines()
  const appliance = await startAppliance(loaded, { log: createLog({ level: 'warn', pretty: false, destination: stream }) })
  const { host, port } = loaded.config.http.address
  const ready = await fetch(`http://${host}:${port}/readyz`)
  t.equal(ready.status, 200)
  t.match(await ready.text(), /^ok\nwarning: --set http\.address: .*\nwarning: .*no-such-name\.invalid does not resolve/)
  await appliance.close()
  t.match(entries().filter(({ msg }) => msg === 'config.warning').map(({ warning }) => warning), expected)
})

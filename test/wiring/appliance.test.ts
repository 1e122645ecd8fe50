// A whole appliance in this process, asked on each of its listeners: what was put together answers, is counted, and takes what is new.
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { request as requestTls } from 'node:https'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { type Appliance, startAppliance } from '../../src/appliance.js'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { encodePacket } from '../../src/dhcp/packet.js'
import { openGrpcClient } from '../../src/grpc/client.js'
import { kernelUdp } from '../../src/net/udp.js'
import { hashPassword } from '../../src/ui/access.js'
import { ip, request as dhcpRequest, testMac } from '../helpers/dhcp.js'
import { freePort } from '../helpers/free-port.js'
import { logLines } from '../helpers/log-lines.js'
import { makeCertificate, makePki } from '../helpers/pki.js'
import { shortFolder } from '../helpers/short-folder.js'
import { readFile } from '../helpers/tftp-client.js'
import { until } from '../helpers/until.js'
import { omahaRequest } from '../helpers/update-nodes.js'

const pki = makePki()

interface Answer { readonly status: number | undefined, readonly body: string, readonly headers: Readonly<Record<string, unknown>> }

interface Site {
  readonly folder: string
  readonly ports: Readonly<Record<'http' | 'https' | 'rpc' | 'tftp' | 'ui' | 'dhcp', number>>
  readonly appliance: Appliance
  readonly entries: () => ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly logged: (msg: string) => ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly get: (path: string, options?: Parameters<typeof fetch>[1]) => Promise<Answer>
  /** Over the control socket. */
  readonly control: (path: string, method?: string, body?: object) => Promise<Answer>
  /** The values of a metric, by its labels as they are written. */
  readonly metric: (name: string) => Promise<Readonly<Record<string, number>>>
}

/** Seconds in which another DHCP server is asked for pass at once; nothing else here takes as long. */
const hurried: Clock = { ...systemClock, after: (milliseconds, fire) => systemClock.after([1000, 2000].includes(milliseconds) ? 20 : milliseconds, fire) }

async function site (t: Test, set: (folder: string) => readonly string[], clock: Clock = systemClock): Promise<Site> {
  const folder = shortFolder(t)
  for (const name of ['data/groups', 'data/profiles', 'data/generic', 'loaders', 'state', 'assets/flatcar']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'data/profiles/p.json'), '{"id":"p","boot":{"kernel":"/assets/flatcar/vmlinuz"},"generic_id":"g"}')
  writeFileSync(join(folder, 'data/generic/g'), 'serial: {{.request.query.serial}}\n')
  writeFileSync(join(folder, 'data/groups/g.json'), `{"id":"g","profile":"p","selector":{"mac":"${testMac}"}}`)
  writeFileSync(join(folder, 'loaders/own.efi'), 'an own loader')
  const { cert, key } = pki.server
  for (const [name, text] of [['ca', pki.ca.cert], ['cert', cert], ['key', key]] as const) writeFileSync(join(folder, name), text, { mode: 0o600 })
  const ports = { http: await freePort(), https: await freePort(), rpc: await freePort(), tftp: await freePort(), ui: await freePort(), dhcp: await freePort() }
  const at = (name: keyof typeof ports): string => `127.0.0.1:${ports[name]}`
  const loaded = loadConfig({
    file: undefined,
    defaultFile: '/nowhere',
    env: {},
    set: [
      `data_path=${folder}/data`, `state_path=${folder}/state`, 'assets_path=""', `control_socket=${folder}/c`, 'advertise=127.0.0.1', `tftp.root=${folder}/loaders`,
      `http.address=${at('http')}`, 'tftp.address=""', 'rpc.address=""', ...set(folder).map(text => text.replace(/@(\w+)/, (_, name: keyof typeof ports) => at(name)))
    ]
  })
  const { stream, entries } = logLines()
  const appliance = await startAppliance(loaded, { log: createLog({ level: 'debug', pretty: false, destination: stream }), clock })
  t.teardown(() => appliance.close())
  const get = async (path: string, options: Parameters<typeof fetch>[1] = {}): Promise<Answer> => {
    const answer = await fetch(/^http/.test(path) ? path : `http://${at('http')}${path}`, options)
    return { status: answer.status, body: await answer.text(), headers: Object.fromEntries(answer.headers) }
  }
  const control = async (path: string, method = 'GET', body?: object): Promise<Answer> => await new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(folder, 'c'), path, method, agent: false, headers: body === undefined ? {} : { 'content-type': 'application/json' } }, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', (piece: string) => { text += piece }).on('end', () => { resolve({ status: answer.statusCode, body: text, headers: answer.headers }) })
    }).on('error', reject)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
  const metric = async (name: string): Promise<Readonly<Record<string, number>>> => {
    const lines = (await get('/metrics')).body.split('\n').map(line => new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`).exec(line))
    return Object.fromEntries(lines.flatMap(found => found === null ? [] : [[found[1] ?? '', Number(found[2])]]))
  }
  return { folder, ports, appliance, entries, logged: msg => entries().filter(entry => entry['msg'] === msg), get, control, metric }
}

/** The body of an answer over TLS, and the certificate that it came with. */
const getTls = async (port: number, path: string, more: object = {}): Promise<Answer & { readonly serial: string }> => await new Promise((resolve, reject) => {
  requestTls({ host: '127.0.0.1', port, path, ca: pki.ca.cert, agent: false, ...more }, answer => {
    const { serialNumber } = (answer.socket as TLSSocket).getPeerCertificate() as PeerCertificate
    let body = ''
    answer.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => { resolve({ status: answer.statusCode, body, headers: answer.headers, serial: serialNumber }) })
  }).on('error', reject).end()
})

const inTls = (folder: string): readonly string[] => [
  'http.https.address=@https', `http.https.cert_file=${folder}/cert`, `http.https.key_file=${folder}/key`,
  'rpc.address=@rpc', `rpc.ca_file=${folder}/ca`, `rpc.cert_file=${folder}/cert`, `rpc.key_file=${folder}/key`
]

t.test('HTTP, in the clear and over TLS; gRPC; certificates that are replaced while they run', async t => {
  const { folder, ports, appliance, entries, logged, get, metric } = await site(t, inTls)
  t.match(logged('appliance.ready'), [{ script: `http://127.0.0.1:${ports.http}/boot.ipxe` }])
  t.match(await get(`/ipxe?mac=${testMac}`), { status: 200, body: /kernel .*\/assets\/flatcar\/vmlinuz/ })
  t.match(await get(`/generic?mac=${testMac}&serial=S1`), { status: 200, body: 'serial: S1\n' })
  t.match(await get('/readyz'), { status: 200, body: /^ok/ })
  t.match(await get('/boot/own.efi'), { status: 200, body: 'an own loader' })
  t.match(await get('/boot/..%2fown.efi'), { status: 404 })
  t.match(await get('/v1/images'), { status: 200, body: '{"sources":[],"releases":[]}' })
  t.match(await get('/etcd/new?size=1'), { status: 200, body: new RegExp(`^http://127\\.0\\.0\\.1:${ports.http}/etcd/[0-9a-f]{32}$`) })
  t.same(await metric('discovery_tokens'), { '': 1 })
  t.match(entries().filter(({ msg }) => /^discovery\./.test(String(msg))), [{ token: /^[0-9a-f]{8}\.\.\.$/, size: 1 }])
  t.match(JSON.parse((await get('/v1/machines')).body), [{ mac: testMac, group: 'g' }])
  t.equal((await get('/v1/update', { method: 'POST' })).status, 404, 'no groups of updates are configured')
  t.match(await metric('http_requests_total'), { 'kind="script",status="200"': 1, 'kind="generic",status="200"': 1, 'kind="loader",status="200"': 1 })

  const over = await getTls(ports.https, `/generic?mac=${testMac}&serial=S2`)
  t.match(over, { status: 200, body: 'serial: S2\n' })
  const client = await openGrpcClient({ address: `127.0.0.1:${ports.rpc}`, ca: pki.ca.cert, ...pki.client })
  t.match(await client.call('GroupGet', { id: 'g' }), { group: { id: 'g', profile: 'p' } })
  client.close()
  t.same(await metric('rpc_calls_total'), { 'call="GroupGet",code="0"': 1 })
  const stranger = connect({ host: '127.0.0.1', port: ports.rpc })
  stranger.end('no TLS at all\r\n\r\n')
  stranger.on('error', () => {}).resume()
  await until('the failed handshake is counted', async () => Object.keys(await metric('rpc_handshake_failures_total')).length === 1)

  const anew = makeCertificate(pki.ca, { cn: 'anew', use: 'serverAuth', names: [{ ip: '127.0.0.1' }] })
  writeFileSync(join(folder, 'cert'), anew.cert)
  writeFileSync(join(folder, 'key'), anew.key)
  await appliance.reload()
  t.match(logged('tls.reloaded').map(({ listener }) => listener).sort(), ['https', 'rpc'])
  t.match(logged('tls.reloaded')[0], { level: 'info', subject: /anew/, until: /^\d{4}-/ })
  t.not((await getTls(ports.https, '/healthz')).serial, over.serial)
  writeFileSync(join(folder, 'key'), 'no key')
  await appliance.reload()
  t.match(logged('tls.kept').map(({ level, listener }) => `${level} ${listener}`).sort(), ['error https', 'error rpc'])
  const { body } = await get('/readyz')
  t.match(body, /^ok\n/)
  t.equal(body.match(/key holds no private key that can be read: .*: what was read before stays in force$/gm)?.length, 1, 'once for both listeners')
  t.match(await metric('https_tls_reloads_total'), {})
  t.equal((await getTls(ports.https, '/healthz')).status, 200, 'the one before stays in force')
  t.ok((await metric('https_certificate_expiry_seconds'))['']! > Date.now() / 1000)

  // Who has been answered and may ask again keeps nobody.
  const idle = connect({ host: '127.0.0.1', port: ports.http }).on('error', () => {}).resume()
  const idleTls = connectTls({ host: '127.0.0.1', port: ports.https, ca: pki.ca.cert }).on('error', () => {})
  for (const socket of [idle, idleTls]) {
    socket.write('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')
    await once(socket, 'data')
  }
  const ends = [idle, idleTls].map(socket => once(socket, 'close'))
  t.equal(await appliance.close(), true)
  await Promise.all(ends)
})

t.test('TFTP and the page, with names and passwords; the control socket', async t => {
  const users = `anna:${await hashPassword('good')}\n`
  const { folder, ports, appliance, logged, get, control, metric } = await site(t, folder => {
    writeFileSync(join(folder, 'users'), users, { mode: 0o600 })
    return ['tftp.address=@tftp', 'ui.address=@ui', `ui.users_file=${folder}/users`]
  })
  const read = await readFile(kernelUdp, { server: { address: '127.0.0.1', port: ports.tftp }, file: 'own.efi', clock: systemClock, address: '127.0.0.1' })
  t.equal(read.content.toString(), 'an own loader')
  t.match(await metric('tftp_transfers_total'), { 'result="done"': 1 })
  t.same(await metric('tftp_sent_bytes_total'), { '': read.content.length })

  await get(`/ipxe?mac=${testMac}`)
  const page = async (path: string, password = 'good'): Promise<Answer> => await get(`http://127.0.0.1:${ports.ui}${path}`, { headers: { authorization: `Basic ${Buffer.from(`anna:${password}`).toString('base64')}` } })
  t.match(await page('/ui/'), { status: 200, body: /<h1>Boots<\/h1>/ })
  t.equal((await page('/ui/', 'bad')).status, 401)
  t.match(await page(`/ui/machines/${testMac}`), { status: 200, body: /flatcar\/vmlinuz/ })
  for (const path of ['network', 'store', 'images', 'fleet', 'health', 'strangers']) t.equal((await page(`/ui/${path}`)).status, 200, path)
  writeFileSync(join(folder, 'users'), 'nonsense\n')
  await appliance.reload()
  t.match(logged('ui.users'), [{ level: 'warn', error: /users:1: expected NAME/ }])
  t.equal((await page('/ui/')).status, 200, 'those before may look on')
  t.match(await get('/readyz'), { body: /^warning: .*users:1: expected NAME.*: those that were read before stay in force$/m })
  writeFileSync(join(folder, 'users'), `bert:${await hashPassword('good')}\n`)
  await appliance.reload()
  t.equal((await page('/ui/')).status, 401, 'who was taken out may not')
  t.notMatch(await get('/readyz'), { body: /expected NAME/ })

  t.match(JSON.parse((await control('/v1/leases')).body), [])
  t.match(JSON.parse((await control('/v1/named')).body), [{ macs: [testMac], group: 'g' }])
  t.equal((await control('/v1/leases/10.0.0.9/release', 'POST')).status, 404)
  t.match(await control(`/v1/machines/${testMac}/state`, 'POST', { state: 'installed' }), { status: 200 })
  t.match(JSON.parse((await control(`/v1/machines/${testMac}`)).body), { state: 'installed' })
  t.match(await control('/v1/machines/52:54:00:00:00:aa/adopt', 'POST', { name: 'node-1', profile: 'p' }), { status: 200, body: /"group":"[^"]+"/ })
  t.match(await control('/v1/machines/52:54:00:00:00:ab/adopt', 'POST', { name: 'node-1', profile: 'p' }), { status: 409 })
  await until('it is in the store', async () => /adopt|node-1|52:54:00:00:00:aa/.test((await control('/v1/named')).body))
  t.equal((await control('/v1/updates')).status, 404)
})

t.test('groups of updates: who is offered what, who may reboot, and what comes of it', async t => {
  const group = (slots: number): string => `updates.groups=[{ name: workers, os: flatcar, channel: stable, max_per_period: 1, reboot_slots: ${slots} }]`
  const { ports, appliance, logged, get, control, metric } = await site(t, () => [group(1)])
  t.match(await metric('reboot_slots'), { 'group="workers"': 1 })
  const lock = async (id: string, path = 'pre-reboot'): Promise<number | undefined> => (await get(`/fleetlock/v1/${path}`, {
    method: 'POST', headers: { 'fleet-lock-protocol': 'true' }, body: JSON.stringify({ client_params: { id, group: 'workers' } })
  })).status
  const news = await fetch(`http://127.0.0.1:${ports.http}/v1/events`)
  let told = ''
  const reader = news.body!.getReader()
  const reading = (async (): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      told += Buffer.from(value as Uint8Array).toString()
    }
  })().catch(() => {})
  t.equal(await lock('a'), 200)
  t.not(await lock('b'), 200)
  t.same(await metric('reboot_slots_held'), { 'group="workers"': 1 })
  t.match(logged('reboot.lock').concat(logged('reboot.locked')), [{ level: 'info', group: 'workers', id: 'a', address: '127.0.0.1' }])
  t.match(logged('reboot.full'), [{ level: 'debug', id: 'b' }])
  t.match(JSON.parse((await control('/v1/reboots')).body), [{ group: 'workers', id: 'a' }])
  t.equal(await lock('a', 'steady-state'), 200)
  t.same(await metric('reboot_slots_held'), { 'group="workers"': 0 })

  const asked = await get('/v1/update', { method: 'POST', headers: { 'content-type': 'text/xml' }, body: omahaRequest({ version: '1.0.0', track: 'workers', machineId: 'm1', check: true }) })
  t.match(asked, { status: 200, body: /noupdate/ })
  t.ok(Object.values(await metric('update_instances')).reduce((sum, count) => sum + count, 0) === 1)
  t.equal((await get('/v1/update', { method: 'POST', body: 'no XML' })).status, 400)
  t.equal((await get('/updates/v1/graph')).status, 400)
  t.equal((await get('/updates/v1/graph')).status, 400)
  const refused = await metric('update_requests_refused_total')
  t.equal(refused['reason="cincinnati scope_missing"'], 2)
  t.match(logged('update.refused').map(({ protocol }) => protocol), ['omaha', 'cincinnati', 'cincinnati'])
  await until('what is news is told', () => /reboot\.\w+/.test(told))
  t.notMatch(told, /reboot\.full/, 'who waits for a slot asks again and again')
  await appliance.reload(loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [group(2)] }))
  t.match(logged('update.groups'), [{ groups: ['workers'] }])
  t.match(await metric('reboot_slots'), { 'group="workers"': 2 })
  t.equal(await lock('a'), 200)
  t.equal(await lock('b'), 200)
  await appliance.close()
  await reading
})

// Only root opens the sockets of DHCP.
t.test('DHCP on an interface, in both modes', { skip: process.getuid?.() === 0 ? false : 'needs root' }, async t => {
  const dhcp = (mode: string, port: number): readonly string[] => [
    `dhcp.mode=${mode}`, 'dhcp.interface=lo', `dhcp.port=${port}`, 'dhcp.allow_other_servers=true', 'ui.address=@ui',
    'dhcp.subnets=[{ subnet: 127.0.0.0/8, range: 127.0.7.1-127.0.7.9, lease_time: 1h }]', 'dhcp.unknown_clients=allow'
  ]
  const ask = async (port: number, type: 'DISCOVER' | 'REQUEST', more: object = {}): Promise<void> => {
    const socket = createSocket('udp4')
    // Behind a relay agent, so that no answer is broadcast.
    const packet = encodePacket(dhcpRequest({ dhcpMessageType: type, vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016', clientSystemArchitecture: [7], ...more } as never, { giaddr: ip('127.0.0.1') }))
    await new Promise(resolve => { socket.send(packet, port, '127.0.0.1', resolve) })
    socket.close()
  }
  const port = await freePort()
  const server = await site(t, () => dhcp('server', port), hurried)
  t.match(server.logged('dhcp.listen'), [{ at: `lo:${port}/udp`, mode: 'server', address: '127.0.0.1' }])
  t.equal(server.appliance.status(), `DHCP server on lo, 0 leases; http://127.0.0.1:${server.ports.http}, 1 group`)
  await ask(port, 'DISCOVER')
  await until('it is offered an address', async () => (await server.metric('dhcp_sent_total'))['type="OFFER"'] === 1)
  // Every address of the interface is this machine's own: it asks the network which are taken, and sets those aside that it asked about.
  const lease = async (): Promise<{ readonly ip: string, readonly state: string } | undefined> =>
    (JSON.parse((await server.control('/v1/leases')).body) as ReadonlyArray<{ readonly mac: string, readonly ip: string, readonly state: string }>).find(({ mac }) => mac === testMac)
  const offered = await lease()
  t.match(offered, { state: 'offered', ip: /^127\.0\.7\.\d$/ })
  await ask(port, 'REQUEST', { serverIdentifier: ip('127.0.0.1'), requestedIpAddress: ip(offered!.ip) })
  await until('it has it', async () => (await server.metric('dhcp_sent_total'))['type="ACK"'] === 1)
  t.match(await lease(), { ip: offered!.ip, state: 'bound' })
  t.match(JSON.parse((await server.control(`/v1/machines/${testMac}`)).body), { address: offered!.ip, timeline: [{ stage: 'discover' }, { stage: 'offer' }, { stage: 'ack' }] })
  const machine = await server.get(`http://127.0.0.1:${server.ports.ui}/ui/machines/${testMac}`)
  t.match(machine.body, new RegExp(`${offered!.ip}, bound`), 'the page has its lease')
  t.match(machine.body, /DHCP, \d+ octets/, 'and its packets')
  t.same(await server.metric('dhcp_interface_up'), { 'interface="lo"': 1 })
  t.equal((await server.control(`/v1/leases/${offered!.ip}/release`, 'POST')).status, 200)
  t.not((await lease())?.state, 'bound')
  writeFileSync(join(server.folder, 'data/groups/h.json'), `{"id":"h","profile":"p","selector":{"mac":"${testMac}"},"metadata":{"ip":"127.0.7.77","boot_file":"own.efi"}}`)
  await server.appliance.reload()
  await until('what a group reserves is in force', () => server.logged('reservation.in_force').some(({ reservations }) => reservations === 1))
  await ask(port, 'DISCOVER')
  await until('it is offered its own', async () => (await server.metric('dhcp_sent_total'))['type="OFFER"'] === 2)
  const { timeline } = JSON.parse((await server.control(`/v1/machines/${testMac}`)).body) as { readonly timeline: ReadonlyArray<{ readonly stage: string, readonly detail?: string }> }
  t.match(timeline.findLast(({ stage }) => stage === 'offer')?.detail, /own\.efi|127\.0\.7\.77/)
  t.equal(await server.appliance.close(), true)

  const proxyPort = await freePort()
  const bootServerPort = await freePort()
  const proxy = await site(t, () => [...dhcp('proxy', proxyPort), `dhcp.boot_server_port=${bootServerPort}`], hurried)
  t.match(proxy.logged('dhcp.listen'), [{ at: `lo:${proxyPort}/udp`, mode: 'proxy' }])
  t.match(proxy.logged('boot-server.listen'), [{ at: `lo:${bootServerPort}/udp` }])
  await ask(proxyPort, 'DISCOVER')
  await until('it is offered a boot file', async () => (await proxy.metric('dhcp_sent_total'))['type="OFFER"'] === 1)
  const loader = async (): Promise<string | undefined> => (JSON.parse((await proxy.control(`/v1/machines/${testMac}`)).body) as { readonly timeline: ReadonlyArray<{ readonly stage: string, readonly detail?: string }> })
    .timeline.findLast(({ stage }) => stage === 'offer')?.detail
  t.equal(await loader(), 'snponly.efi')
  writeFileSync(join(proxy.folder, 'data/groups/h.json'), `{"id":"h","profile":"p","selector":{"mac":"${testMac}"},"metadata":{"boot_file":"own.efi"}}`)
  await proxy.appliance.reload()
  await until('the loader of its group is told', async () => {
    await ask(proxyPort, 'DISCOVER')
    return await loader() === 'own.efi'
  })
  t.same(JSON.parse((await proxy.control('/v1/leases')).body), [])
  t.equal(await proxy.appliance.close(), true)
})

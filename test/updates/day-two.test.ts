// Updates and reboots through the program itself: payloads mirrored from a publisher, machines that speak as update_engine and Zincati
// do, an operator's commands, and a power cut between the grant and its answer.
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { runCommand } from '../helpers/command.js'
import { freePort } from '../helpers/free-port.js'
import { type Ended, Program } from '../helpers/program.js'
import { makeKey, Publisher } from '../helpers/publisher.js'
import { shortFolder } from '../helpers/short-folder.js'
import { FlatcarNode, omahaRequest, ZincatiNode, zincatiTarget } from '../helpers/update-nodes.js'

const key = await makeKey('publisher')
const payload = (bytes = 100_000): Buffer => Buffer.concat([Buffer.from('CrAU'), randomBytes(bytes)])

interface Site {
  readonly folder: string
  readonly config: string
  readonly url: string
  readonly publisher: Publisher
  readonly start: () => Promise<Program>
  readonly command: (...args: string[]) => Promise<Ended>
}

/** A publisher of Flatcar and Fedora CoreOS, and a configuration that mirrors both with what machines update to. */
async function site (t: Test, groups: string): Promise<Site> {
  const folder = shortFolder(t)
  const publisher = await Publisher.start()
  t.teardown(() => publisher.close())
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'key.asc'), key.publicKey)
  const port = await freePort()
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `data_path: ${folder}/data
assets_path: ${folder}/assets
state_path: ${folder}/state
control_socket: ${folder}/control.sock
advertise: 127.0.0.1
http: { address: "127.0.0.1:${port}" }
tftp: { address: "" }
rpc: { address: "" }
images:
  interval: 0
  sources:
    - { os: flatcar, base_url: "${publisher.url}", updates: true, update_files: [oem-vmware.gz] }
    - { os: fedora-coreos, base_url: "${publisher.url}", updates: true }
  keys: [{ file: ${folder}/key.asc, fingerprint: ${key.fingerprint} }]
updates:
  groups:
${groups}
`)
  return {
    folder,
    config,
    url: `http://127.0.0.1:${port}`,
    publisher,
    start: async () => {
      const program = new Program(['serve', '--config', config])
      t.teardown(() => program.end('SIGKILL'))
      await program.logged('appliance.ready')
      return program
    },
    command: async (...args) => await runCommand([...args, '--config', config])
  }
}

/** A release of Flatcar with its payload and an OEM's. */
async function release (publisher: Publisher, version: string, bytes?: number): Promise<Buffer> {
  await publisher.flatcar(version, key)
  const made = payload(bytes)
  await publisher.putSigned(`/amd64-usr/${version}/flatcar_production_update.gz`, made, key)
  await publisher.putSigned(`/amd64-usr/${version}/oem-vmware.gz`, payload(5000), key)
  return made
}

const fedoraDocuments = (publisher: Publisher, versions: readonly string[]): void => {
  const checksum = (version: string): string => createHash('sha256').update(version).digest('hex')
  publisher.put('/prod/streams/stable/releases.json', JSON.stringify({ stream: 'stable', releases: versions.map(version => ({ version, commits: [{ architecture: 'x86_64', checksum: checksum(version) }] })) }))
  publisher.put('/updates/stable.json', JSON.stringify({ stream: 'stable', releases: versions.slice(1).map(version => ({ version, metadata: { rollout: { start_epoch: 0, start_percentage: 1 } } })) }))
}

t.test('from the mirror to an updated machine', async t => {
  const { folder, url, publisher, start, command } = await site(t, '    - { name: workers, os: flatcar, channel: stable, safe_mode: false, max_per_period: 2 }')
  const made = await release(publisher, '4230.2.2')
  await publisher.fedora('43.1.3.0', key, { origin: publisher.url })
  fedoraDocuments(publisher, ['43.1.3.0'])
  t.equal((await command('images', 'sync')).status, 0)
  const program = await start()

  const node = new FlatcarNode(`${url}/v1/update/`, '4230.2.1', { track: 'workers', machineId: 'ab'.repeat(16), alias: 'rack1-n7' })
  const offer = await node.check({ type: 3, result: 2, previous: '0.0.0.0' })
  t.match(offer, { version: '4230.2.2', urls: [`${url}/assets/flatcar/4230.2.2/flatcar_production_update.gz`, `${url}/assets/flatcar/4230.2.2/oem-vmware.gz`] })
  const from = Math.floor(made.length / 7)
  const first = await fetch(offer!.urls[0]!)
  const rest = await fetch(offer!.urls[0]!, { headers: { range: `bytes=${from}-` } })
  t.same([first.status, rest.status], [200, 206])
  t.equal(createHash('sha256').update(Buffer.from(await first.arrayBuffer())).digest('base64'), offer?.sha256)
  t.ok(Buffer.from(await rest.arrayBuffer()).equals(made.subarray(from)), 'from where it broke off')
  t.match(await new FlatcarNode(`${url}/v1/update`, '4230.2.1', { track: 'workers', machineId: 'cd'.repeat(16) }).check(), { version: '4230.2.2' }, 'without the slash too')

  await node.updateTo('4230.2.2')
  const list = await command('updates', 'list')
  t.match(list.stdout, /^workers +flatcar +stable +going on +2 +1 +0$/m)
  t.match(list.stdout, /^rack1-n7 +workers +127\.0\.0\.1 +4230\.2\.2 +complete +4230\.2\.2/m)
  t.match(JSON.parse((await command('updates', 'list', '--json')).stdout), { machines: [{ status: 'granted' }, { status: 'complete', previousVersion: '4230.2.1' }] })
  t.match(await program.logged('update.completed'), { group: 'workers', from: '4230.2.1', version: '4230.2.2' })
  const metrics = await (await fetch(`${url}/metrics`)).text()
  t.match(metrics, /^update_instances\{status="complete"\} 1$/m)
  t.match(metrics, /^update_events_total\{event="granted"\} 2$/m)

  t.equal((await command('updates', 'pause', 'workers')).stdout, 'workers is paused\n')
  t.equal((await command('updates', 'pause', 'nobody')).status, 1)
  t.equal((await command('updates', 'approve', 'workers')).status, 2)

  // A release that is damaged on disk is not offered.
  await release(publisher, '4230.2.3')
  t.equal((await command('images', 'sync')).status, 0)
  writeFileSync(join(folder, 'assets/flatcar/4230.2.3/flatcar_production_update.gz'), 'CrAU damaged')
  t.equal((await command('images', 'verify')).status, 1)
  await command('updates', 'resume', 'workers')
  t.equal((await program.end('SIGTERM')).status, 0)
  await start()
  t.equal(await node.check(), undefined)
})

t.test('other rules in force without a restart, and events for who follows them', async t => {
  const { config, url, publisher, start } = await site(t, '    - { name: workers, os: flatcar, version: 4230.2.1, safe_mode: false }')
  await release(publisher, '4230.2.2')
  t.equal((await runCommand(['images', 'sync', '--config', config])).status, 1, 'Fedora has nothing here')
  const program = await start()
  const stop = new AbortController()
  t.teardown(() => { stop.abort() })
  const { body } = await fetch(`${url}/v1/events`, { signal: stop.signal })
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  let heard = ''
  const hear = async (pattern: RegExp): Promise<string> => {
    while (!pattern.test(heard)) heard += (await reader.read()).value ?? ''
    return heard
  }
  const node = new FlatcarNode(`${url}/v1/update/`, '4230.2.1', { track: 'workers', machineId: 'ab'.repeat(16), alias: 'rack1-n7' })
  const late = new FlatcarNode(`${url}/v1/update/`, '4230.2.1', { track: 'late', machineId: 'cd'.repeat(16) })
  t.equal(await node.check(), undefined, 'pinned to what it has')

  const rules = readFileSync(config, 'utf8')
  writeFileSync(config, `${rules.replace('version: 4230.2.1', 'channel: stable')}    - { name: late, os: flatcar, channel: stable, safe_mode: false }\n`)
  program.child.kill('SIGHUP')
  t.match(await program.logged('update.groups'), { groups: ['workers', 'late'] })
  t.match(await node.check(), { version: '4230.2.2' })
  t.match(await late.check(), { version: '4230.2.2' })
  t.match(await hear(/update\.granted[^]*update\.granted/), /event: update\ndata: {"group":"workers","id":"abab.*"to":"4230\.2\.2".*"kind":"update\.granted","at":"/)
  t.equal((await new ZincatiNode(`${url}/`, { group: 'late', id: 'one' }).preReboot()).status, 200)
  await hear(/"kind":"reboot\.lock"/)

  writeFileSync(config, 'updates: { groups: [{ name: "no name" }] }\n')
  program.child.kill('SIGHUP')
  t.match(await program.logged('config.unread'), { error: /updates\.groups/ })
  t.match(await node.check(), { version: '4230.2.2' }, 'what can not be read changes nothing')
})

t.test('what is granted outlives the process that granted it', async t => {
  const { url, publisher, start, command } = await site(t, '    - { name: workers, os: flatcar, channel: stable, safe_mode: false }\n    - { name: default, os: fedora-coreos, reboot_slots: 2 }')
  await release(publisher, '4230.2.2')
  t.equal((await command('images', 'sync')).status, 1, 'Fedora has nothing here')
  let program = await start()
  const node = (id: string): FlatcarNode => new FlatcarNode(`${url}/v1/update/`, '4230.2.1', { track: 'workers', machineId: id })
  const zincati = (id: string): ZincatiNode => new ZincatiNode(`${url}/`, { group: 'default', id })
  t.match(await node('a').check(), { version: '4230.2.2' })
  t.equal((await zincati('one').preReboot()).status, 200)
  await program.end('SIGKILL')
  program = await start()
  t.equal(await node('b').check(), undefined)
  t.match(await node('a').check(), { version: '4230.2.2' })
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => zincati(`m${i}`).preReboot()))
  t.equal(answers.filter(({ status }) => status === 200).length, 1, 'the other slot is held')
  t.same(new Set(answers.filter(({ status }) => status !== 200).map(({ status, kind }) => `${status} ${kind}`)), new Set(['503 failed_lock_semaphore_full']))
  t.equal((await zincati('one').preReboot()).status, 200, 'a holder asks again')
  t.equal((await zincati('stranger').steadyState()).status, 200)
  t.match((await command('reboots', 'list')).stdout, /^default +2 +one +127\.0\.0\.1 /m)
  t.equal((await command('reboots', 'release', 'one')).stdout, 'one holds no slot any more\n')
  t.equal((await command('reboots', 'release', 'one')).status, 1)
  t.equal((await zincati('late').preReboot()).status, 200)
  t.match(await program.logged('reboot.unlock'), { group: 'default', id: 'one', address: 'operator' })

  t.match(await zincati('x').preReboot({}), { status: 400, kind: 'invalid_client_identity' }, 'without its header')
  t.match(await new ZincatiNode(`${url}/`, { group: 'others', id: 'x' }).preReboot(), { status: 400, kind: 'unknown_group' })
  t.match(await new ZincatiNode(`${url}/`, { group: '../x', id: 'x' }).preReboot(), { status: 400, kind: 'invalid_client_identity' })
})

t.test('the graph of Fedora CoreOS, from what is mirrored of its stream', async t => {
  const { folder, url, publisher, start, command } = await site(t, '    - { name: held, os: fedora-coreos, version: 43.2.3.0 }')
  await publisher.fedora('43.3.3.0', key, { origin: publisher.url })
  fedoraDocuments(publisher, ['43.1.3.0', '43.2.3.0', '43.3.3.0'])
  await command('images', 'sync')
  await start()
  const payload = createHash('sha256').update('43.1.3.0').digest('hex')
  const asked = { basearch: 'x86_64', stream: 'stable', os_version: '43.1.3.0', os_checksum: payload }
  const node = (group: string): ZincatiNode => new ZincatiNode(`${url}/`, { group, id: 'c988d2509fdf4cdcbed39037c56406fb' })
  const { status, body } = await node('default').graph(asked)
  t.same([status, zincatiTarget(body, payload)], [200, '43.3.3.0'])
  t.equal(zincatiTarget((await node('held').graph(asked)).body, payload), '43.2.3.0')
  t.match(await node('default').graph({ stream: 'stable' }), { status: 400, body: { kind: 'invalid_scope' } })
  t.match(await node('default').graph({ ...asked, stream: '../../etc' }), { status: 404, body: { kind: 'unknown_stream' } })
  const before = readFileSync(join(folder, 'assets/fedora-coreos/updates/stable/releases.json'), 'utf8')
  publisher.put('/updates/stable.json', 'not this')
  t.equal((await command('images', 'sync')).status, 1)
  t.equal(readFileSync(join(folder, 'assets/fedora-coreos/updates/stable/releases.json'), 'utf8'), before, 'neither is replaced when one is none')
})

t.test('nodes are told by a template', async t => {
  const { folder, url, start, command } = await site(t, '    - { name: workers, os: flatcar, version: 4230.2.1 }\n    - { name: fedora, os: fedora-coreos }')
  for (const name of ['groups', 'profiles', 'generic']) mkdirSync(join(folder, 'data', name))
  const put = (path: string, value: unknown): void => { writeFileSync(join(folder, 'data', path), typeof value === 'string' ? value : JSON.stringify(value)) }
  put('generic/node', '{"path": "/etc/update", "inline": {{template "updates" .}}}')
  put('profiles/node.json', { id: 'node', generic_id: 'node' })
  for (const [id, group] of [['a', 'workers'], ['b', 'fedora'], ['c', 'nobody']] as const) put(`groups/${id}.json`, { id, profile: 'node', selector: { which: id }, metadata: { update_group: group } })
  put('groups/d.json', { id: 'd', profile: 'node', selector: { which: 'd' } })
  const program = await start()
  const told = async (which: string): Promise<unknown> => {
    const response = await fetch(`${url}/generic?which=${which}`)
    return response.status === 200 ? (await response.json() as { inline: string }).inline : response.status
  }
  t.equal(await told('a'), `GROUP=workers\nSERVER=${url}/v1/update/\n`)
  t.match(await told('b'), `base_url = "${url}/updates/"\n[identity]\ngroup = "fedora"`)
  t.same([await told('c'), await told('d')], [404, 404], 'a group that is not configured, or none')
  t.match((await command('render', 'generic', '--label', 'which=d')).stderr, /update_group/)
  t.match((await command('render', 'generic', '--label', 'which=a')).stdout, 'GROUP=workers')

  await program.end('SIGTERM')
})

t.test('hostile requests', async t => {
  const { url, start } = await site(t, '    - { name: workers, os: flatcar, channel: stable }')
  const program = await start()
  const post = async (path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<number> => {
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: typeof body === 'string' ? body : new Uint8Array(body) })
    await response.text()
    return response.status
  }
  const good = omahaRequest({ version: '1.2.3', track: 'workers', machineId: 'a', check: true })
  t.equal(await post('/v1/update/', good, { 'content-type': 'application/json' }), 200, 'whatever it calls itself')
  for (const [what, body] of [
    ['nothing', ''], ['a DTD', `<!DOCTYPE a [<!ENTITY b "c">]>${good}`], ['a cut request', good.slice(0, 300)], ['a megabyte', 'x'.repeat(2 ** 20)], ['depth', '<a>'.repeat(20_000)], ['octets', randomBytes(1000)]
  ] as const) t.equal(await post('/v1/update/', body), 400, what)
  for (const body of ['', '{', '[]', 'null', '{"client_params":7}', '{"client_params":{"group":"workers","id":""}}', `{"client_params":{"group":"workers","id":"${'x'.repeat(200)}"}}`]) {
    t.equal(await post('/fleetlock/v1/pre-reboot', body, { 'fleet-lock-protocol': 'true' }), 400, body.slice(0, 40))
  }
  t.equal(await post('/fleetlock/v1/pre-reboot', 'x'.repeat(100_000), { 'fleet-lock-protocol': 'true' }), 400)
  t.equal((await fetch(`${url}/v1/update/`)).status, 404, 'no GET')
  await new Promise(resolve => {
    const broken = request(`${url}/v1/update/`, { method: 'POST', headers: { 'content-length': 1000 } }, () => {})
    broken.on('error', resolve)
    broken.write('<request>')
    broken.on('socket', socket => socket.once('connect', () => { broken.destroy(new Error('gone')) }))
  })
  t.match(await (await fetch(`${url}/metrics`)).text(), /^update_requests_refused_total\{reason="omaha xml_doctype"\} 1$/m)
  const { status, stderr } = await program.end('SIGTERM')
  t.same([status, stderr], [0, ''])
  t.notMatch(program.stdout, '"level":50')
})

t.test('without groups nobody is answered', async t => {
  const { url, start, command } = await site(t, '    []')
  await start()
  const response = await fetch(`${url}/v1/update/`, { method: 'POST', body: '<request/>' })
  t.equal(response.status, 404)
  t.match((await command('updates', 'list')).stderr, /updates\.groups/)
})

t.test('a configuration that can not be', async t => {
  for (const [group, message] of [
    ['{ name: workers, os: flatcar }', 'expected the channel to follow, or the version to stay at'],
    ['{ name: workers, os: flatcar, channel: stable, version: 4230.2.2 }', 'not both'],
    ['{ name: workers, os: flatcar, channel: stable, window: "Mon-Fri 9 to 5" }', 'such as Mon-Fri 09:00-17:00 Europe/Berlin'],
    ['{ name: workers, os: flatcar, channel: stable, window: "09:00-17:00 Europe/Atlantis" }', 'such as Mon-Fri 09:00-17:00 Europe/Berlin'],
    ['{ name: "w orkers", os: flatcar, channel: stable }', 'expected a name'],
    ['{ name: a, os: flatcar, channel: stable }\n    - { name: a, os: flatcar, channel: beta }', 'different names']
  ] as const) {
    const { command } = await site(t, `    - ${group}`)
    const { status, stderr, stdout } = await command('check')
    t.equal(status, 1, group)
    t.match(stderr + stdout, message)
  }
})

import t from 'tap'
import { clientInfo } from '../../src/dhcp/client-info.js'
import { systemClock } from '../../src/base/clock.js'
import { Fence } from '../../src/base/fence.js'
import { createLog } from '../../src/base/log.js'
import { Metrics } from '../../src/base/metrics.js'
import { loadConfig } from '../../src/config/load.js'
import type { RequestEvent } from '../../src/http/machine-log.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { noPast } from '../../src/matchbox/boot-decision.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { kernelUdp } from '../../src/net/udp.js'
import { startTftpServer } from '../../src/tftp/tftp-server.js'
import { loaderFiles } from '../../src/wiring/loader-files.js'
import { pastOf } from '../../src/wiring/machines.js'
import { createObserver, type Observer, type ObserverOptions } from '../../src/wiring/observer.js'
import { parseIpv4 } from '../../src/net/ipv4.js'
import { mac, request } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'
import { readFile } from '../helpers/tftp-client.js'

const victim = mac('52:54:00:00:00:41')

/** One that knows nothing of anybody but for what is given. */
function observing (known: Partial<ObserverOptions>): Observer {
  const log = createLog({ level: 'info', pretty: false, destination: logLines().stream })
  return createObserver({
    registry: new MachineRegistry([], { note: () => {} }),
    metrics: new Metrics(),
    clock: new FakeClock(),
    macOf: () => undefined,
    addressClaims: { isAddressOf: () => false, reservedName: () => undefined },
    log,
    loaderChosen: () => false,
    news: { enrolled: () => {}, conflict: () => {} },
    bootsAs: () => undefined,
    bootFileOf: () => undefined,
    fence: new Fence({ log }),
    ...known
  })
}

t.test('what is asked for in a machine\'s name from elsewhere changes nothing for it', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const observer = observing({
    registry,
    macOf: address => address === '10.0.0.41' ? victim : undefined,
    addressClaims: { isAddressOf: (machine, address) => machine === victim && address === '10.0.0.41', reservedName: () => undefined }
  })
  const ask = (ip: string, kind: RequestEvent['kind'], path: string, named: boolean): void => {
    const answer = { group: undefined, profile: undefined, status: 200, bytes: 1, ms: 1, finished: true, problem: undefined, fromDisk: false, bootedAs: undefined }
    observer.onHttp({ kind, path, mac: named ? victim : undefined, ip, labels: new Map(), ...answer })
  }
  const attack = (): void => {
    ask('10.0.0.66', 'script', '/ipxe', true)
    for (let i = 0; i < 4; i++) ask('10.0.0.66', 'loader', '/boot/snponly.efi', false)
    for (let i = 0; i < 4; i++) ask('10.0.0.66', 'loader', '/boot/snponly.efi', true)
  }
  attack()
  t.equal(registry.get(victim)?.otherLoader, undefined)

  ask('10.0.0.41', 'script', '/ipxe', true)
  t.match(registry.get(victim), { stage: 'script', address: '10.0.0.41' })
  const before = registry.get(victim)
  attack()
  t.equal(registry.get(victim), before, 'of a machine whose address is known nothing is even written down')
  for (let i = 0; i < 4; i++) ask('10.0.0.41', 'loader', '/boot/snponly.efi', false)
  t.equal(registry.get(victim)?.otherLoader, true, 'the machine itself is helped out of its loop')
  t.end()
})

t.test('a machine is installed once it fetched the config of the system that it writes, itself and with success', t => {
  const own = '10.0.0.41'
  for (const [what, ip, kind, os, status, stage] of [
    ['the installer\'s own config', own, 'ignition', undefined, 200, 'ignition'],
    ['another label', own, 'ignition', 'installer', 200, 'ignition'],
    ['the config of the system', own, 'ignition', 'installed', 200, 'installed'],
    ['which was refused', own, 'ignition', 'installed', 404, undefined],
    ['asked for from elsewhere', '10.0.0.66', 'ignition', 'installed', 200, 'ignition'],
    ['its script', own, 'script', 'installed', 200, 'script']
  ] as const) {
    const registry = new MachineRegistry([], { note: () => {} })
    const observer = observing({
      registry,
      addressClaims: { isAddressOf: (machine, address) => machine === victim && address === own, reservedName: () => undefined },
      bootsAs: () => 'what it boots'
    })
    const answer = { group: undefined, profile: undefined, status, bytes: 1, ms: 1, finished: true, problem: undefined, fromDisk: false, bootedAs: undefined }
    observer.onHttp({ kind, path: `/${kind}`, mac: victim, ip, labels: new Map(os === undefined ? [] : [['os', os]]), ...answer })
    const machine = registry.get(victim)
    t.equal(machine?.stage, stage, what)
    t.equal(machine?.installedAs, stage === 'installed' ? 'what it boots' : undefined, what)
  }
  t.end()
})

t.test('a message without a hardware address that anybody could be named by is nobody\'s record', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const metrics = new Metrics()
  const observer = observing({ registry, metrics })
  for (const octets of [0, 1, 5, 7, 16, 6]) {
    const packet = { ...request({ dhcpMessageType: 'DISCOVER' }, { mac: victim }), chaddr: Buffer.alloc(octets, 0x52) }
    observer.onDhcp({ kind: 'received', type: 'DISCOVER', client: clientInfo(packet), packet })
  }
  // Each of them would be a line of the journal that is not read again.
  t.same(registry.list().map(({ mac }) => mac), ['52:52:52:52:52:52'])
  t.end()
})

t.test('what a machine is: from its firmware, its reservation and its iPXE', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const reserved = parseIpv4('10.0.0.41')!
  const observer = observing({
    registry,
    addressClaims: { isAddressOf: () => true, reservedName: (_, ip) => ip === reserved ? 'node-41' : undefined }
  })
  const uuid = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  const packet = request({
    dhcpMessageType: 'DISCOVER',
    vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016',
    clientSystemArchitecture: [7],
    clientMachineIdentifier: Buffer.concat([Buffer.of(0), uuid]),
    hostName: 'says-so-itself'
  }, { mac: victim })
  observer.onDhcp({ kind: 'received', type: 'DISCOVER', client: clientInfo(packet), packet })
  t.match(registry.get(victim), { vendorClass: 'PXEClient:Arch:00007:UNDI:003016', uuid: '00112233-4455-6677-8899-aabbccddeeff', architecture: 'x64 UEFI', firmware: 'efi-x64' })
  const acked = (ip: number, asked: typeof packet): void => { observer.onDhcp({ kind: 'sent', type: 'ACK', client: clientInfo(asked), ip, packet: asked, bootFile: undefined }) }
  acked(parseIpv4('10.0.0.99')!, packet)
  t.equal(registry.get(victim)?.name, 'says-so-itself')
  acked(reserved, packet)
  t.equal(registry.get(victim)?.name, 'node-41', 'its reservation knows better')
  acked(reserved, request({ dhcpMessageType: 'REQUEST', vendorClassIdentifier: 'anaconda-Linux' }, { mac: victim }))
  t.match(registry.get(victim), { vendorClass: 'PXEClient:Arch:00007:UNDI:003016' }, 'its system is not its firmware')
  const labels = new Map([['uuid', 'aa112233-4455-6677-8899-aabbccddeeff'], ['serial', 'S1\u001b[2J'], ['hostname', 'from-ipxe']])
  observer.onHttp({ kind: 'script', path: '/ipxe', mac: victim, ip: '10.0.0.41', labels, group: 'g', profile: 'p', status: 200, bytes: 1, ms: 1, finished: true, problem: undefined, fromDisk: false, bootedAs: undefined })
  t.match(registry.get(victim), { uuid: 'aa112233-4455-6677-8899-aabbccddeeff', serial: 'S1\u001b[2J', name: 'node-41' })
  observer.onHttp({ kind: 'ignition', path: '/ignition', mac: victim, ip: '10.0.0.41', labels: new Map([['serial', 'other']]), group: 'g', profile: 'p', status: 200, bytes: 1, ms: 1, finished: true, problem: undefined, fromDisk: false, bootedAs: undefined })
  t.equal(registry.get(victim)?.serial, 'S1\u001b[2J')

  // A Pi 4 or 5 says that it is an x86 BIOS: the label arch is arm64 all the same.
  const board = mac('dc:a6:32:01:36:c2')
  const asked = request({ dhcpMessageType: 'DISCOVER', vendorClassIdentifier: 'PXEClient:Arch:00000:UNDI:002001', clientSystemArchitecture: [0] }, { mac: board })
  observer.onDhcp({ kind: 'received', type: 'DISCOVER', client: clientInfo(asked), packet: asked })
  t.match(registry.get(board), { architecture: 'Raspberry Pi', firmware: undefined })
  t.equal(pastOf(registry).architectureOf(board), 'arm64')
  t.end()
})

t.test('what shim and GRUB fetch by TFTP: one loader, then script, kernel and initrd, and no loop', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const observer = observing({
    registry,
    macOf: () => victim,
    addressClaims: { isAddressOf: () => true, reservedName: () => undefined },
    bootFileOf: (_, path) => path === 'assets/a/vmlinuz'
      ? { kind: 'kernel', group: 'g', profile: 'p' }
      : path === 'assets/a/initrd' ? { kind: 'initrd', group: 'g', profile: 'p' } : undefined
  })
  const facts = { type: 'done', path: '', bytes: 1, ms: 1, blksize: 1024, windowsize: 1, resent: 0, confirmed: true, ip: '10.0.0.41' } as const
  for (let boot = 0; boot < 4; boot++) {
    for (const file of ['shimx64.efi', 'revocations.efi', 'shim_certificate.efi', 'grubx64.efi', 'grub/grub.cfg-01-52-54-00-00-00-41', 'assets/a/vmlinuz', 'assets/a/initrd', 'assets/a/other']) {
      observer.onTftp({ ...facts, file })
    }
  }
  const machine = registry.get(victim)
  t.equal(machine?.otherLoader, undefined, 'four boots in a moment, each of which came to its kernel')
  t.match(machine, { stage: 'initrd', group: 'g', profile: 'p' })
  t.same([...new Set(machine?.timeline.map(({ stage }) => stage))], ['loader', 'script', 'kernel', 'initrd'])

  // The same where its images come by HTTP, after a configuration by TFTP.
  const get = (path: string, more: Partial<RequestEvent> = {}): void => {
    const answer = { group: undefined, profile: undefined, status: 200, bytes: 1, ms: 1, finished: true, problem: undefined, fromDisk: false, bootedAs: undefined }
    observer.onHttp({ kind: 'asset', path, mac: undefined, ip: '10.0.0.41', labels: new Map(), ...answer, ...more })
  }
  const { length } = machine?.timeline ?? []
  const stages = (): unknown => registry.get(victim)?.timeline.slice(length).map(({ stage }) => stage)
  for (const file of ['grubx64.efi', 'grub.cfg']) observer.onTftp({ ...facts, file })
  for (const other of [{ bytes: 0 }, { status: 206 }, { status: 404 }, { finished: false }]) get('/assets/a/vmlinuz', other)
  t.same(stages(), ['loader', 'script'], 'asked for by HEAD, in parts, in vain, or broken off')
  for (const path of ['/assets/a/other', '/assets/a/vmlinuz', '/assets/a/initrd']) get(path)
  t.same(stages(), ['loader', 'script', 'kernel', 'initrd'])
  t.match(registry.get(victim), { group: 'g', profile: 'p' })
  observer.onInstalled(victim, '10.0.0.41')
  get('/assets/a/vmlinuz')
  t.equal(registry.get(victim)?.stage, 'installed', 'what runs downloads what it likes')
  t.end()
})

t.test('each thing that a server tells is counted once, under what it is', async t => {
  const metrics = new Metrics()
  const observer = observing({ metrics, addressClaims: { isAddressOf: () => true, reservedName: () => undefined } })
  const packet = request({ dhcpMessageType: 'DISCOVER' }, { mac: victim })
  const [client, ip] = [clientInfo(packet), parseIpv4('10.0.0.41')!]
  const file = { file: 'a', path: '', ms: 1, blksize: 512, windowsize: 1, ip: '10.0.0.41' }
  const answer = (kind: RequestEvent['kind'], status: number, bytes = 0): void => {
    observer.onHttp({ kind, path: '/', mac: undefined, ip: '10.0.0.41', labels: new Map(), group: undefined, profile: undefined, status, bytes, ms: 1, finished: true, problem: undefined, fromDisk: false, bootedAs: undefined })
  }
  const refused = (kind: RequestEvent['kind']): readonly [() => void, readonly string[]] =>
    [() => { answer(kind, 403) }, [`http_requests_total{kind="${kind}",status="403"} 1`, 'guard_refusals_total 1']]
  const rows: ReadonlyArray<readonly [() => void, readonly string[]]> = [
    [() => { observer.onDhcp({ kind: 'received', type: 'DISCOVER', client, packet }) }, ['dhcp_received_total{type="DISCOVER"} 1']],
    [() => { observer.onDhcp({ kind: 'sent', type: 'OFFER', client, ip, packet, bootFile: undefined }) }, ['dhcp_sent_total{type="OFFER"} 1']],
    [() => { observer.onDhcp({ kind: 'sent', type: 'NAK', client, ip, packet, bootFile: undefined }) }, ['dhcp_sent_total{type="NAK"} 1']],
    [() => { observer.onDhcp({ kind: 'dropped', reason: 'malformed', detail: '' }) }, ['dhcp_dropped_total{reason="malformed"} 1']],
    [() => { observer.onDhcp({ kind: 'dropped', reason: 'overload', detail: '', count: 7 }) }, ['dhcp_dropped_total{reason="overload"} 7']],
    [() => { observer.onDhcp({ kind: 'lease', change: 'declined', mac: victim, ip }) }, ['dhcp_lease_changes_total{change="declined"} 1']],
    [() => { observer.onDhcp({ kind: 'other_server', mac: victim, ip, news: true }) }, ['dhcp_other_servers_total 1']],
    [() => { observer.onDhcp({ kind: 'other_server', mac: victim, ip, news: false }) }, []],
    [() => { observer.onDhcp({ kind: 'odd_option', code: 93, why: 'length', mac: victim }) }, ['dhcp_odd_options_total{option="93"} 1']],
    [() => { observer.onDhcp({ kind: 'options_left_out', count: 3, mac: victim }) }, ['dhcp_options_left_out_total 3']],
    [() => { observer.onTftp({ ...file, type: 'done', bytes: 700, resent: 2, confirmed: true }) }, ['tftp_transfers_total{result="done"} 1', 'tftp_sent_bytes_total 700', 'tftp_resent_packets_total 2']],
    [() => { observer.onTftp({ ...file, type: 'aborted', bytes: 700, resent: 0, message: '' }) }, ['tftp_transfers_total{result="aborted"} 1']],
    [() => { observer.onTftp({ type: 'missing', file: 'a', ip: '10.0.0.41' }) }, ['tftp_transfers_total{result="missing"} 1']],
    [() => { answer('asset', 200, 900) }, ['http_requests_total{kind="asset",status="200"} 1', 'http_sent_bytes_total 900']],
    [() => { answer('ignition', 404) }, ['http_requests_total{kind="ignition",status="404"} 1']],
    // An asset that may not be read is no document of a guarded machine.
    [() => { answer('asset', 403) }, ['http_requests_total{kind="asset",status="403"} 1']],
    refused('ignition'), refused('cloud'), refused('generic'), refused('metadata')
  ]
  const counted = async (): Promise<Map<string, number>> => new Map((await metrics.text()).toString().split('\n')
    .filter(line => /^(?:dhcp|tftp|http|guard)_\w+_total\b/.test(line))
    .map(line => line.split(' ')).map(([name = '', value]) => [name, Number(value)]))
  for (const [tell, expected] of rows) {
    const before = await counted()
    tell()
    const more = [...await counted()].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const).filter(([, value]) => value !== 0)
    t.same(more.map(([name, value]) => `${name} ${value}`).sort(), [...expected].sort())
  }
})

t.test('why a machine is left to its disk by the file of its loader stands in the log and in its record', async t => {
  const lines = logLines()
  const log = createLog({ level: 'info', pretty: false, destination: lines.stream })
  const registry = new MachineRegistry([], { note: () => {} })
  const metrics = new Metrics()
  const macOf = (address: string): typeof victim | undefined => address === '127.0.0.1' ? victim : undefined
  const observer = observing({ log, registry, metrics, macOf })
  let metadata: Record<string, string> = { install_once: 'true' }
  let isCertain = false
  const store = (): MemoryStore => new MemoryStore({
    groups: [makeGroup({ id: 'node', selector: { mac: victim }, metadata })],
    profiles: [makeProfile({ id: 'p', boot: { kernel: '/assets/k', initrd: [], args: [] } })]
  })
  const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`tftp.root=${t.testdir()}`, 'assets_path=""'] })
  const serve = async (): Promise<(file: string) => Promise<string | undefined>> => {
    const provisioner = createProvisioner({ store: store(), past: { ...noPast, isCertain: () => isCertain } })
    const files = loaderFiles({ config, clock: new FakeClock(), originFor: () => 'http://10.0.0.2:8080', provisioner, macOf, onDecided: observer.onDecided })
    const server = await startTftpServer({ address: '127.0.0.1', port: 0, singlePort: false, maxBlockSize: 1468, maxWindowSize: 32 },
      { network: kernelUdp, files, clock: systemClock, log: createLog({ level: 'error', pretty: false, destination: lines.stream }), macOf, onEvent: observer.onTftp })
    t.teardown(() => server.close(0))
    const address = { address: '127.0.0.1', port: server.addresses[0]!.port }
    return async file => await readFile(kernelUdp, { server: address, address: '127.0.0.1', file, options: [], clock: systemClock })
      .then(({ content }) => content.toString(), () => undefined)
  }
  const lastLine = (): unknown => registry.get(victim)?.timeline.at(-1)
  const ends = (): unknown => metrics.boots.counts.map(([{ result }, { count }]) => [result, count])

  let get = await serve()
  const problem = /^it starts from its disk, since .*: etcd is away$/
  for (const file of ['grub.cfg', 'pxelinux.cfg/default', 'feedbeef/config.txt']) {
    t.equal(await get(file) === undefined, file.endsWith('config.txt'), file)
    t.match(lastLine(), { stage: 'script', detail: 'starts from its disk', failed: problem }, file)
    t.match(lines.entries().at(-1), { level: 'warn', msg: 'boot.decided', mac: victim, ip: '127.0.0.1', file, group: 'node', fromDisk: 'uncertain', problem })
  }
  t.same(ends(), [], 'no end that anybody meant')

  metadata = { boot_from_disk: 'true' }
  isCertain = true
  get = await serve()
  t.match(await get('grub.cfg'), /Local disk/)
  t.match(lastLine(), { stage: 'script', detail: 'starts from its disk', failed: undefined })
  t.match(lines.entries().at(-1), { level: 'info', msg: 'boot.decided', fromDisk: 'group', problem: undefined })
  t.same(ends(), [['disk', 1]])

  metadata = { boot_from_disk: 'perhaps' }
  get = await serve()
  t.match(await get('grub.cfg'), /vmlinuz|linux/)
  t.match(lastLine(), { stage: 'script', detail: 'grub.cfg', failed: /boot_from_disk is "perhaps"/ })

  const before = lines.entries().length
  metadata = {}
  get = await serve()
  await get('grub.cfg')
  await get('pxelinux.cfg/default')
  t.equal(lines.entries().length, before, 'of what boots as it was meant its script tells')
})

t.test('GRUB that came by HTTP Boot fetches its script there: it works', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const observer = observing({ registry, macOf: () => victim })
  const answer = { group: undefined, profile: undefined, status: 200, bytes: 1, ms: 1, finished: true, problem: undefined, fromDisk: false, bootedAs: undefined }
  const ask = (path: string): void => { observer.onHttp({ kind: 'loader', path, mac: undefined, ip: '10.0.0.41', labels: new Map(), ...answer }) }
  ask('/boot/grubx64.efi')
  t.match(registry.get(victim), { stage: 'loader' })
  ask('/boot/grub.cfg')
  t.match(registry.get(victim), { stage: 'script' })
  t.end()
})

t.test('a machine that loads its kernel a third time within the hour installs itself again and again: said at each of them', async t => {
  const lines = logLines()
  const [metrics, clock] = [new Metrics(), new FakeClock()]
  const observer = observing({
    log: createLog({ level: 'warn', pretty: false, destination: lines.stream }),
    metrics,
    clock,
    macOf: () => victim,
    addressClaims: { isAddressOf: () => true, reservedName: () => undefined },
    bootFileOf: (_, path) => path === 'assets/k' ? { kind: 'kernel', group: 'node', profile: 'p' } : undefined
  })
  const ask = (kind: RequestEvent['kind'], path: string): void => {
    const answer = { group: undefined, profile: undefined, status: 200, bytes: 1, ms: 1, finished: true, problem: undefined, fromDisk: false, bootedAs: undefined }
    observer.onHttp({ kind, path, mac: undefined, ip: '10.0.0.41', labels: new Map(), ...answer })
  }
  const loops = () => lines.entries().filter(({ msg }) => msg === 'boot.install_loop')
  let xid = 0
  const boot = (): number => {
    const packet = request({ dhcpMessageType: 'DISCOVER', vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016' }, { mac: victim, xid: ++xid })
    observer.onDhcp({ kind: 'received', type: 'DISCOVER', client: clientInfo(packet), packet })
    ask('script', '/ipxe')
    ask('asset', '/assets/k')
    return loops().length
  }
  t.same([boot(), boot()], [0, 0])
  // Beyond the hour it is a machine that was installed anew.
  clock.advance(3_600_001)
  t.same([boot(), boot(), boot(), boot()], [0, 0, 1, 2])
  t.match(loops()[0], { group: 'node', profile: 'p', boots: 5, times: 3 })
})

t.test('why a request failed stands by its code in the record, and no code beside what did not fail', t => {
  const registry = new MachineRegistry([], { note: () => {} })
  const observer = observing({ registry, macOf: () => victim, addressClaims: { isAddressOf: () => true, reservedName: () => undefined } })
  const last = (status: number, problem: string | undefined, code: RequestEvent['code']): unknown => {
    const answer = { group: undefined, profile: undefined, bytes: 1, ms: 1, finished: true, fromDisk: false, bootedAs: undefined }
    observer.onHttp({ kind: 'ignition', path: '/ignition', mac: undefined, ip: '10.0.0.41', labels: new Map(), status, problem, code, ...answer })
    const { failed, code: recorded } = registry.get(victim)?.timeline.at(-1) ?? {}
    return [failed, recorded]
  }
  t.same(last(404, 'no group matches', 'group_unmatched'), ['no group matches', 'group_unmatched'])
  t.same(last(500, undefined, undefined), ['answered 500', undefined])
  t.same(last(200, undefined, 'boot_from_disk'), [undefined, undefined])
  t.end()
})

t.test('a UUID is one of sixteen octets that are not all 0, and a name is taken of who has an address', t => {
  const rows: ReadonlyArray<readonly [what: string, octets: string, uuid: string | undefined]> = [
    ['all 0', '00'.repeat(17), undefined],
    ['all 0 but its kind', `01${'00'.repeat(16)}`, undefined],
    ['all 1', `00${'01'.repeat(16)}`, '01010101-0101-0101-0101-010101010101'],
    ['its first octet alone', `00ff${'00'.repeat(15)}`, 'ff000000-0000-0000-0000-000000000000'],
    ['its last octet alone', `00${'00'.repeat(15)}01`, '00000000-0000-0000-0000-000000000001'],
    ['one octet less', `00${'11'.repeat(15)}`, undefined],
    ['one octet more', `00${'11'.repeat(17)}`, undefined]
  ]
  for (const [what, octets, uuid] of rows) {
    const registry = new MachineRegistry([], { note: () => {} })
    const packet = request({ dhcpMessageType: 'DISCOVER', clientMachineIdentifier: Buffer.from(octets, 'hex'), hostName: 'says-so' }, { mac: victim })
    const observer = observing({ registry })
    observer.onDhcp({ kind: 'received', type: 'DISCOVER', client: clientInfo(packet), packet })
    t.equal(registry.get(victim)?.uuid, uuid, what)
    observer.onDhcp({ kind: 'sent', type: 'OFFER', client: clientInfo(packet), ip: parseIpv4('10.0.0.9')!, packet, bootFile: undefined })
    t.same([registry.get(victim)?.name, registry.get(victim)?.address], [undefined, undefined], 'an offer is not taken yet')
    observer.onDhcp({ kind: 'sent', type: 'ACK', client: clientInfo(packet), ip: 0, packet, bootFile: undefined })
    t.same([registry.get(victim)?.name, registry.get(victim)?.address], ['says-so', undefined], 'who asks for options alone is given no address')
    observer.onDhcp({ kind: 'sent', type: 'ACK', client: clientInfo(packet), ip: parseIpv4('10.0.0.9')!, packet, bootFile: 'a.efi' })
    t.match(registry.get(victim), { name: 'says-so', address: '10.0.0.9' })
  }
  t.end()
})

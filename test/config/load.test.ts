import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { formatHostsFile } from '../../src/inventory/hosts-file.js'
import type { Mac } from '../../src/net/mac.js'
import { cases } from '../helpers/property.js'
import { configSchema } from '../../src/config/schema.js'
import { type ConfigError, type LoadedConfig, loadConfig, matchboxVariables } from '../../src/config/load.js'
import { parseReservationFile } from '../../src/config/reservation-file.js'
import { AppError } from '../../src/base/errors.js'
import { formatIpv4, parseIpv4 } from '../../src/net/ipv4.js'

const load = (text: string, more: { set?: string[], env?: Record<string, string> } = {}): ReturnType<typeof loadConfig> => {
  const file = join(t.testdirName, 'config.yaml')
  t.testdir({ 'config.yaml': text })
  return loadConfig({ file, set: more.set ?? [], env: more.env ?? {} })
}

const refusal = (text: string, more: { set?: string[], env?: Record<string, string> } = {}): string => {
  try {
    load(text, more)
  } catch (error) {
    if (error instanceof AppError) return error.message.replaceAll(`${t.testdirName}/`, '')
    throw error
  }
  return 'accepted'
}

const server = `dhcp:
  mode: server
  interface: ens192
  subnets:
    - subnet: 192.168.100.0/24
      range: 192.168.100.100-192.168.100.150
      routers: [192.168.100.1]
      lease_time: 2h
      options: { 42: "192.168.100.5" }
  reservations:
    - { mac: "00-0C-29-BD-7F-EC", ip: 192.168.100.41, hostname: core-c1 }
`

t.test('a whole configuration', t => {
  const { config, where, sources } = load(server)
  const [subnet] = config.dhcp.subnets
  t.match(subnet, { range: { first: parseIpv4('192.168.100.100'), last: parseIpv4('192.168.100.150') }, lease_time: 7_200_000, options: { 42: '192.168.100.5' } })
  t.match(config.dhcp.reservations, [{ mac: '00:0c:29:bd:7f:ec', ip: parseIpv4('192.168.100.41'), hostname: 'core-c1' }])
  t.same(config.http.address, { host: '0.0.0.0', port: 8080 }, 'what is not written has its default')
  t.match(where(['dhcp', 'reservations', 0]), /config\.yaml:11$/)
  t.match(sources, [/config\.yaml$/])
  t.end()
})

t.test('flags before environment before file before defaults', t => {
  const text = 'http: { address: "127.0.0.1:1" }\ndata_path: /a\nassets_path: /b\n'
  const env = { MATCHBOX_ADDRESS: '127.0.0.1:2', MATCHBOX_DATA_PATH: '/env' }
  const { config } = load(text, { env, set: ['http.address=127.0.0.1:3', 'tftp.address=""', 'dhcp.unknown_clients=allow'] })
  t.equal(config.http.address.port, 3)
  t.equal(config.data_path, '/env')
  t.equal(config.assets_path, '/b')
  t.equal(config.tftp.address, null, 'an empty address is a listener that is off')
  t.equal(config.dhcp.unknown_clients, 'allow')
  t.equal(config.state_path, '/var/lib/core-provisioner')
  for (const key of Object.values(matchboxVariables)) t.ok(key.split('.').length <= 2, `${key} is a key`)
  t.end()
})

t.test('what is wrong is told with its line, its path and what was expected', t => {
  const rows: ReadonlyArray<readonly [text: string, message: RegExp]> = [
    ['htp: {}', /^config\.yaml:1:\d+: htp: unknown key; did you mean "http"\?$/],
    ['http:\n  address: 8080', /^config\.yaml:2:\d+: http\.address: expected address:port, such as 0\.0\.0\.0:8080, not 8080$/],
    ['http:\n  adress: ":80"', /^config\.yaml:2:\d+: http\.adress: unknown key; did you mean "address"\?$/],
    ['http: 5', /^config\.yaml:1:\d+: http: expected keys and values$/],
    ['log_level: loud', /expected one of trace, debug, info, warn, error, not "loud"/],
    ['tftp: { max_block_size: 9 }', /tftp\.max_block_size: expected a whole number from 512 to 65464/],
    [server.replace('2h', '5 parsecs'), /^config\.yaml:8:\d+: dhcp\.subnets\.0\.lease_time: expected a time such as .*, not "5 parsecs"$/],
    [server.replace('192.168.100.0/24', '192.168.100.7/24'), /dhcp\.subnets\.0\.subnet: expected a subnet/],
    [server.replace('100.150', '101.150'), /^config\.yaml:6:\d+: dhcp\.subnets\.0\.range: expected addresses inside 192\.168\.100\.0\/24$/],
    [server.replace('[192.168.100.1]', '[192.168.101.1]'), /^config\.yaml:7:\d+: dhcp\.subnets\.0\.routers\.0: expected an address inside/],
    [server.replace('7F-EC', '7F'), /^config\.yaml:11:\d+: dhcp\.reservations\.0\.mac: expected a MAC address/],
    [server.replace('"192.168.100.5"', '[1]'), /dhcp\.subnets\.0\.options\.42: expected text, a number, addresses/],
    [server.replace('ens192', '""'), /dhcp\.interface: expected the interface to listen on, or dhcp\.mode: off/],
    ['dhcp: { interfaces: [a, { name: b, mode: proxy }, a] }', /^config\.yaml:1:\d+: dhcp\.interfaces\.2: expected each interface once: a is interface 1 already$/],
    ['dhcp: { interfaces: [{ mode: proxy }] }', /dhcp\.interfaces\.0\.name: this key is missing/],
    ['dhcp: { interfaces: [a/b] }', /dhcp\.interfaces\.0: expected the name of an interface/],
    ['dhcp: { interfaces: [{ name: b, mode: both }] }', /dhcp\.interfaces\.0\.mode: expected one of server, proxy, off/],
    ['dhcp: { interfaces: [{ name: b, mode: server }] }', /dhcp\.subnets: expected at least one subnet/],
    ['dhcp: { mode: server, interface: eth0 }', /dhcp\.subnets: expected at least one subnet/],
    [server.replace('  reservations', '    - { subnet: 192.168.0.0/16 }\n  reservations'), /^config\.yaml:10:\d+: dhcp\.subnets\.1\.subnet: .*overlaps subnet 1$/],
    ['a: [', /^config\.yaml:\d+:\d+: /],
    ['- a', /^config\.yaml:1:\d+: expected keys and values$/],
    ['data_path: /a\ndata_path: /b', /^config\.yaml:2:1: Map keys must be unique$/]
  ]
  for (const [text, message] of rows) t.match(refusal(text), message)
  for (const host of ['boot.test', '[::]']) t.match(refusal('', { set: [`tftp.address="${host}:69"`] }), /^--set tftp\.address: tftp\.address: expected address:port, .*the address one of IPv4, none for all, not /)
  for (const key of ['store.tombstone', 'images.timeout', 'images.interval']) {
    t.match(refusal('', { set: [`${key}=36501d`] }), /: expected 36500d at most$/, 'DHCP has 32 bits for the seconds of a lease, and a time has to stay one that can be written')
    t.equal(refusal('', { set: [`${key}=36500d`] }), 'accepted')
  }
  t.match(refusal(server.replace('2h', '36501d')), /^config\.yaml:8:\d+: dhcp\.subnets\.0\.lease_time: expected 36500d at most$/)
  for (const [set, message] of [
    ['ui: { address: ":8080" }', /^config\.yaml:1:\d+: ui\.address: expected another port than http\.address has, 8080$/],
    ['http: { address: "127.0.0.1:8443", https: { address: "[::]:8443", cert_file: c, key_file: k } }', /http\.https\.address: expected another port than http\.address has, 8443$/],
    ['http: { address: "127.0.0.1:9" }\nrpc: { address: "127.0.0.1:9" }', /^config\.yaml:2:\d+: rpc\.address: expected another port than http\.address has, 9$/],
    ['http: { address: "127.0.0.1:9" }\nui: { address: "127.0.0.2:9" }', /^accepted$/],
    ['http: { address: ":0" }\nui: { address: ":0" }', /^accepted$/],
    // Without certificates there is no gRPC API by default.
    ['http: { address: ":8081" }', /^accepted$/]
  ] as const) t.match(refusal(set), message)
  t.match(refusal('', { set: ['tftp.address=nowhere'] }), /^--set tftp\.address: tftp\.address: expected address:port, or ""/)
  for (const [written, level] of [['Info', 'info'], ['warning', 'warn'], ['panic', 'error'], ['DEBUG', 'debug']]) {
    t.equal(loadConfig({ file: undefined, set: [], env: { MATCHBOX_LOG_LEVEL: written } }).config.log_level, level, 'as Matchbox takes it')
  }
  const empty = { MATCHBOX_ADDRESS: '', MATCHBOX_DATA_PATH: '', MATCHBOX_ASSETS_PATH: '', MATCHBOX_LOG_LEVEL: '', MATCHBOX_CA_FILE: '', MATCHBOX_RPC_ADDRESS: '' }
  const loaded = loadConfig({ file: undefined, set: [], env: { ...empty, MATCHBOX_WEB_SSL: 'true', MATCHBOX_PASSPHRASE: 'x', MATCHBOX_NEW: '', OTHER: '1' } })
  t.match(loaded.config, { data_path: '/var/lib/matchbox', log_level: 'info', rpc: { address: null } }, 'one that is empty is none')
  t.same(loaded.sources, ['MATCHBOX_RPC_ADDRESS'])
  t.same(loaded.ignored, ['MATCHBOX_WEB_SSL'])
  t.same(loadConfig({ file: undefined, set: [], env: { MATCHBOX_WEB_SSL: '0' } }).ignored, [])
  t.match(refusal('', { env: { MATCHBOX_LOG_LEVEL: 'noisy' } }), /^MATCHBOX_LOG_LEVEL: log_level: expected one of/)
  t.match(refusal('', { set: ['novalue'] }), /--set takes key=value/)
  t.match(refusal('a: &a [1]\nb: [*a, *a]'), /unknown key/)
  t.match(refusal('', { set: ['__proto__.polluted=1'] }), /__proto__: unknown key/)
  t.equal(({} as Record<string, unknown>)['polluted'], undefined)
  t.throws(() => loadConfig({ file: '/nowhere/config.yaml', set: [], env: {} }), /there is no configuration file \/nowhere\/config\.yaml/)
  t.end()
})

t.test('all that is wrong is told at once, in the order of the file', t => {
  const said = refusal(`interfase: x
dhpc: {}
dhcp:
  mode: server
  interfase: ens192
  unknown_client: allow
  subnets:
    - subnet: 192.168.100.0/24
      range: 192.168.101.1-192.168.101.9
      dns_servers: [nobody]
      leasetime: 1h
    - range: 1-2
log_level: loud
`).split('\n')
  t.same(said.map(line => line.replace(/^config\.yaml:/, '')), [
    '1:1: interfase: unknown key',
    '2:1: dhpc: unknown key; did you mean "dhcp"?',
    '3:1: dhcp.interface: expected the interface to listen on, or dhcp.mode: off',
    '5:3: dhcp.interfase: unknown key; did you mean "interface"?',
    '6:3: dhcp.unknown_client: unknown key; did you mean "unknown_clients"?',
    '9:7: dhcp.subnets.0.range: expected addresses inside 192.168.100.0/24',
    '10:21: dhcp.subnets.0.dns_servers.0: expected an IPv4 address, not "nobody"',
    '11:7: dhcp.subnets.0.leasetime: unknown key; did you mean "lease_time"?',
    '12:7: dhcp.subnets.1.subnet: this key is missing',
    '12:7: dhcp.subnets.1.range: expected first-last, such as 192.168.100.100-192.168.100.150, not "1-2"',
    '13:1: log_level: expected one of trace, debug, info, warn, error, not "loud"'
  ])
  t.equal(refusal('a: [\nb: {\n').split('\n').length, 2, 'what is no YAML in several ways')
  t.end()
})

t.test('what is left of a configuration once what is wrong is taken out', t => {
  const rest = (text: string): LoadedConfig | undefined => {
    try {
      load(text)
    } catch (error) {
      return (error as ConfigError).rest
    }
    return undefined
  }
  t.match(rest('data_path: /d\nlog_level: loud\nhtp: 1\n')?.config, { data_path: '/d', log_level: 'info' })
  t.match(rest('data_path: /d\ndhcp: { mode: server, interface: lo, subnets: [{ range: 1-2 }, { subnet: 10.0.0.0/8 }] }')?.config, { data_path: '/d', dhcp: { subnets: { length: 1 } } })
  t.match(rest('data_path: /d\ndhcp: { mode: server, interface: lo, subnets: [{ range: 1-2 }] }')?.config, { data_path: '/d' })
  t.match(rest('data_path: /d\ndhcp: 5')?.config, { data_path: '/d', dhcp: { mode: 'off' } })
  t.equal(rest('a: ['), undefined)
  t.end()
})

t.test('boot overrides', t => {
  const { config } = load('boot: { own_user_class: true, overrides: [{ mac: "00-0C-29", file: a.efi }, { vendor_class: PXEClient, arch: uefi_x64, proxy_style: binl }, { arch: 9, script_url: "http://x/y" }] }')
  t.same(config.boot.overrides, [
    { mac: '00:0c:29', file: 'a.efi' }, { vendor_class: 'PXEClient', arch: 'efi-x64', proxy_style: 'binl' }, { arch: 9, script_url: 'http://x/y' }
  ])
  const cases = [
    ['{ mac: "00:0c", file: a }', /config\.yaml:2:\d+: boot\.overrides\.0\.mac: expected a MAC address or its first octets/],
    ['{ mac: "00:0c:29:00:00:00:00:01", file: a }', /overrides\.0\.mac/],
    ['{ arch: uefi_mips, file: a }', /overrides\.0\.arch: expected one of bios, uefi_ia32, .* or a number of option 93/],
    ['{ arch: 65536, file: a }', /overrides\.0\.arch/],
    ['{ vendor_class: "", file: a }', /overrides\.0\.vendor_class/],
    ['{ arch: 7, file: ../a }', /overrides\.0\.file: expected a file name below the TFTP root/],
    ['{ arch: 7, file: "", }', /overrides\.0\.file/],
    ['{ arch: 7, script_url: x }', /overrides\.0\.script_url: expected a URL/],
    ['{ arch: 7, proxy_style: x }', /overrides\.0\.proxy_style: expected one of direct, binl/],
    ['{ file: a }', /config\.yaml:2:\d+: boot\.overrides\.0: expected whom it is for/],
    ['{ arch: 7 }', /config\.yaml:2:\d+: boot\.overrides\.0: expected what is different/],
    ['{ arch: 7, file: a, loader: b }', /overrides\.0\.loader: unknown key/]
  ] as const
  for (const [entry, expected] of cases) t.match(refusal(`boot: { overrides: [\n  ${entry} ] }`), expected, entry)
  t.end()
})

t.test('a file of reservations loses its bad entries alone', t => {
  const { entries, problems } = parseReservationFile('rack1.yaml', `- { mac: "52:54:00:00:00:01", ip: 10.0.0.1 }
- { mac: "52:54", ip: 10.0.0.2 }
-
  mac: "52:54:00:00:00:03"
  ip: 10.0.0.300
- { mac: "52:54:00:00:00:04", ip: 10.0.0.4, rack: 7 }
- { mac: "52:54:00:00:00:05", ip: 10.0.0.5, hostname: node-5 }
`)
  t.match(entries, [{ ip: parseIpv4('10.0.0.1'), source: 'rack1.yaml:1' }, { hostname: 'node-5', source: 'rack1.yaml:7' }])
  t.match(problems, [/^rack1\.yaml:2:5: mac: expected a MAC/, /^rack1\.yaml:5:3: ip: expected an IPv4/, /^rack1\.yaml:6:45: rack: unknown key/])
  t.match(parseReservationFile('x', 'a: 1').problems, [/expected a list/])
  t.match(parseReservationFile('x', '- [').problems, [/^x:1:\d+: /])
  t.same(parseReservationFile('x', ''), { entries: [], problems: [] })
  t.end()
})

t.test('aliases of nothing, and of too much, are refused with where they stand', t => {
  const bomb = `a: &a [x]\n${Array.from('bcdefghij', (name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[i]!}`).join(', ')}]\n`).join('')}`
  for (const text of ['data_path: *nowhere\n', bomb]) {
    t.throws(() => load(text), { code: 'config_invalid', message: /config\.yaml:1:1: .*alias/ })
  }
  t.throws(() => loadConfig({ file: undefined, env: {}, set: ['data_path=*nowhere'] }), { code: 'usage', message: /^--set data_path: .*alias/ })
  t.match(parseReservationFile('rack.yaml', '- *nobody\n'), { entries: [], problems: [/^rack\.yaml:1:1: .*alias/] })
  t.end()
})

t.test('docs/configuration.md names every key', t => {
  const text = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  interface Node { readonly entries?: Record<string, Node>, readonly wrapped?: Node, readonly item?: Node }
  const keys = (node: Node, prefix: string): string[] => {
    if (node.entries !== undefined) return Object.entries(node.entries).flatMap(([name, child]) => keys(child, prefix === '' ? name : `${prefix}.${name}`))
    const inner = node.wrapped ?? node.item
    return inner?.entries !== undefined || inner?.item !== undefined || inner?.wrapped !== undefined ? keys(inner, prefix) : [prefix]
  }
  for (const key of keys(configSchema as unknown as Node, '')) t.ok(text.includes(`\`${key}\``), key)
  t.end()
})

t.test('what is set for one is not set for the next', async t => {
  const modeOf = (...set: string[]): string => loadConfig({ file: undefined, env: {}, set }).config.dhcp.mode
  t.same([modeOf(), modeOf('dhcp.mode=proxy', 'dhcp.interface=lo'), modeOf()], ['off', 'proxy', 'off'])
})

t.test('a default file that can not be looked at is not taken as absent', async t => {
  const folder = t.testdir()
  symlinkSync('loop.yaml', join(folder, 'loop.yaml'))
  const load = (name: string): unknown => loadConfig({ file: undefined, defaultFile: join(folder, name), set: [], env: {} })
  t.throws(() => load('loop.yaml'), { code: 'config_invalid', message: /^cannot read the configuration file .*loop\.yaml: ELOOP/ })
  mkdirSync(join(folder, 'folder.yaml'))
  t.throws(() => load('folder.yaml'), { code: 'config_invalid', message: /^cannot read the configuration file/ })
  t.match(load('absent.yaml'), { sources: [] })
})

t.test('a file as an import writes it is read as any other YAML', t => {
  const mac = fc.integer({ min: 0, max: 0xffffff }).map(value => `02:00:00:${value.toString(16).padStart(6, '0').replace(/..(?=.)/g, '$&:')}`)
  const ip = fc.integer({ min: 0, max: 0xffffffff }).map(formatIpv4)
  const name = fc.option(fc.oneof(fc.stringMatching(/^[a-zA-Z0-9.-]{1,70}$/), fc.constantFrom('null', '12', '1e3', 'yes', '-a', 'a-', 'a..b')), { nil: undefined })
  const host = fc.record({ macs: fc.tuple(mac as fc.Arbitrary<Mac>), ip: ip.map((text: string) => parseIpv4(text)), name, role: fc.option(fc.stringMatching(/^[\w.-]{1,66}$/), { nil: undefined }) })
  fc.assert(fc.property(fc.array(host, { maxLength: 5 }), hosts => {
    const text = formatHostsFile(hosts, ['a "list"'])
    // A blank at the end of a line is nothing to YAML, and no line of an import's.
    const [plain, whole] = [text, text.replace(/\}$/gm, '} ')].map(variant => parseReservationFile('f', variant))
    t.same(JSON.parse(JSON.stringify(plain)), JSON.parse(JSON.stringify(whole)))
  }), cases(t, 200))
  t.end()
})

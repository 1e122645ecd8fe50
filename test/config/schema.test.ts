// What each key may hold: exactly so much is taken, and one beyond it is not; and its default is what docs/configuration.md says.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import { answersDhcp, type Config, dhcpInterfaces, givesAddresses, isClustered, loadConfig } from '../../src/config/load.js'
import { configSchema } from '../../src/config/schema.js'

interface Node {
  readonly entries?: Readonly<Record<string, Node>>
  readonly wrapped?: Node
  readonly item?: Node
  readonly default?: unknown
  readonly pipe?: readonly Node[]
}

/** Each key, dotted, and its default; of a list those of what is in it. */
function keysOf (node: Node, prefix: string): Array<readonly [key: string, usual: unknown]> {
  const inner = node.wrapped ?? node.item ?? node
  const entries = inner.entries ?? inner.item?.entries ?? inner.item?.pipe?.[0]?.entries ?? inner.pipe?.[0]?.item?.pipe?.[0]?.entries
  if (entries === undefined) return [[prefix, node.default]]
  return Object.entries(entries).flatMap(([name, child]) => keysOf(child, prefix === '' ? name : `${prefix}.${name}`))
}

const asWritten = (usual: unknown): string => Array.isArray(usual) ? `[${usual.join(', ')}]` : typeof usual === 'object' ? JSON.stringify(usual) : String(usual)

t.test('defaults are what docs/configuration.md says', t => {
  const text = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  const rows = new Map([...text.matchAll(/^\| `([a-z0-9_.]+)` \| (.*?) ?\|/gm)].map(([, key = '', usual = '']) => [key, usual.replaceAll('`', '')]))
  let compared = 0
  for (const [key, usual] of keysOf(configSchema as unknown as Node, '')) {
    // What is empty comes from elsewhere, which a word there says.
    if (usual === undefined || usual === '' || key === 'webhooks.on') continue
    t.equal(rows.get(key), asWritten(usual), key)
    compared++
  }
  t.ok(compared > 50, `${compared} keys`)
  t.end()
})

const taken = (...set: readonly string[]): Config | string => {
  try {
    return loadConfig({ file: undefined, defaultFile: '/nowhere', set, env: {} }).config
  } catch (error) {
    if (error instanceof AppError) return error.message
    throw error
  }
}

const letters = (count: number): string => 'a'.repeat(count)
const one = (list: string, entry: string): string => `${list}=[${entry}]`
const group = (more: string): string => one('updates.groups', `{ os: fedora-coreos, name: a, ${more} }`)
const override = (entry: string): string => one('boot.overrides', entry)
const subnet = (more: string): string => one('dhcp.subnets', `{ subnet: 10.0.0.0/24, ${more} }`)
const reservation = (more: string): string => one('dhcp.reservations', `{ mac: "02:00:00:00:00:01", ip: 10.0.0.1, ${more} }`)
const hooks = (count: number): string => one('webhooks', Array.from({ length: count }, (_, n) => `{ url: "http://a/${n}" }`).join(', '))

t.test('what stands at a bound is taken, and what is one beyond it is not', t => {
  const rows: ReadonlyArray<readonly [good: readonly string[], bad: readonly string[]]> = [
    [['tftp.max_block_size=512', 'tftp.max_block_size=65464'], ['tftp.max_block_size=511', 'tftp.max_block_size=65465', 'tftp.max_block_size=600.5']],
    [['tftp.max_window_size=1', 'tftp.max_window_size=64'], ['tftp.max_window_size=0', 'tftp.max_window_size=65']],
    [['dhcp.port=1', 'dhcp.port=65535'], ['dhcp.port=0', 'dhcp.port=65536']],
    [['dhcp.boot_server_port=1', 'dhcp.boot_server_port=65535'], ['dhcp.boot_server_port=0', 'dhcp.boot_server_port=65536']],
    [['http.address=a:65535', 'http.address=:0'], ['http.address=a:65536', 'http.address=a:', 'http.address="[::1:80"']],
    [['dhcp.interfaces=[abcdefghijklmno]'], ['dhcp.interfaces=[abcdefghijklmnop]', 'dhcp.interfaces=[.]', 'dhcp.interfaces=[..]']],
    [[subnet('lease_time: 60s'), subnet('lease_time: 60000ms')], [subnet('lease_time: 59999ms')]],
    [[subnet('range: 10.0.0.9-10.0.0.9'), subnet('range: 10.0.0.0-10.0.0.255')], [subnet('range: 10.0.0.9-10.0.0.8'), subnet('range: 10.0.0.9-10.0.1.0'), subnet('range: 9.255.255.255-10.0.0.9'), subnet('range: 10.0.0.1-10.0.0.2-10.0.0.3')]],
    [[subnet('routers: [10.0.0.255]')], [subnet('routers: [10.0.0.1, 10.0.1.0]')]],
    [['dhcp.subnets=[{ subnet: 10.0.0.0/24 }, { subnet: 10.0.1.0/24 }]'], ['dhcp.subnets=[{ subnet: 10.0.0.0/24 }, { subnet: 10.0.0.0/24 }]', 'dhcp.subnets=[{ subnet: 10.0.1.0/24 }, { subnet: 10.0.0.0/23 }]']],
    [[reservation(`hostname: ${letters(63)}`), reservation(`hostname: ${letters(63)}.${letters(63)}.${letters(63)}.${letters(61)}`)],
      [reservation(`hostname: ${letters(64)}`), reservation(`hostname: ${letters(63)}.${letters(63)}.${letters(63)}.${letters(62)}`)]],
    [[reservation(`role: ${letters(64)}`)], [reservation(`role: ${letters(65)}`), reservation('mac: "02:00:00:00:00:00:00:01"')]],
    [[`boot.bios=${letters(127)}`], [`boot.bios=${letters(128)}`, 'boot.bios=a/../b', 'boot.bios=/a']],
    [[override('{ arch: 65535, file: a }'), override('{ mac: "00:0c:29", file: a }'), override('{ mac: "00:0c:29:00:00:00", file: a }')],
      [override('{ arch: 65536, file: a }'), override('{ mac: "00:0c", file: a }'), override('{ mac: "00:0c:29:00:00:00:00", file: a }')]],
    [['images.keep=0', 'images.keep=1000'], ['images.keep=-1', 'images.keep=1001']],
    [['images.interval=0', 'images.interval=1s'], ['images.interval=999ms', 'images.interval=1ms']],
    [['images.timeout=1s'], ['images.timeout=999ms', 'images.timeout=0']],
    [['enrolment.profiles=[{ profile: a, quantity: 1 }]', 'enrolment.profiles=[{ profile: a, quantity: 100000 }, { profile: b }]'],
      ['enrolment.profiles=[{ profile: a, quantity: 0 }]', 'enrolment.profiles=[{ profile: a, quantity: 100001 }]', 'enrolment.profiles=[{ profile: a }, { profile: b }]', 'enrolment.profiles=[{ profile: a }, { profile: b, quantity: 1 }]']],
    [[`enrolment.hostname="{n}.${letters(59)}.${letters(59)}.${letters(59)}.${letters(16)}"`], [`enrolment.hostname="{n}.${letters(59)}.${letters(59)}.${letters(59)}.${letters(17)}"`, 'enrolment.hostname=node', 'enrolment.hostname="{n}_a"']],
    [[group('max_per_period: 1'), group('max_per_period: 100000')], [group('max_per_period: 0'), group('max_per_period: 100001')]],
    [[group('period: 1s')], [group('period: 999ms')]],
    [[group('timeout: 1m')], [group('timeout: 59999ms')]],
    [[group('reboot_slots: 1'), group('reboot_slots: 10000')], [group('reboot_slots: 0'), group('reboot_slots: 10001')]],
    [[group('reboot_stale_after: 0'), group('reboot_stale_after: 1m')], [group('reboot_stale_after: 59999ms'), group('reboot_stale_after: 1ms')]],
    [[group('channel: stable'), group('version: 1.2.3')], [group('channel: stable, version: 1.2.3'), one('updates.groups', '{ os: flatcar, name: a }'), one('updates.groups', '{ os: fedora-coreos, name: a }, { os: fedora-coreos, name: a }')]],
    [[one('updates.groups', `{ os: fedora-coreos, name: ${letters(128)} }`)], [one('updates.groups', `{ os: fedora-coreos, name: ${letters(129)} }`)]],
    [[hooks(16)], [hooks(17), one('webhooks', '{ url: "http://a/" }, { url: "http://a/" }')]],
    [['cluster={ name: a, etcd: { endpoints: ["http://a:1", "http://b:1"] } }'],
      ['cluster={ name: a, etcd: { endpoints: ["http://a:1", "http://a:1"] } }', 'cluster={ name: a }', 'cluster={ etcd: { endpoints: ["http://a:1"] } }', 'cluster={ name: a, etcd: { endpoints: ["http://a:1"], user: b } }', 'cluster={ name: a, etcd: { endpoints: ["http://a:1"], key_file: b } }']],
    [['http.https={ address: "a:1", cert_file: /c, key_file: /k }', 'http.https={ address: "" }'], ['http.https={ address: "a:1", cert_file: /c }', 'http.https={ address: "a:1", key_file: /k }']],
    [['enrolment={ range: 10.0.0.1-10.0.0.2 }', 'enrolment={ range: "" }'], ['enrolment={ range: 10.0.0.1 }']]
  ]
  for (const [good, bad] of rows) {
    for (const set of good) t.type(taken(set), 'object', set)
    for (const set of bad) t.type(taken(set), 'string', set)
  }
  t.end()
})

t.test('an enrolment range lies in a subnet, where addresses are given', t => {
  const at = (mode: string, range: string): Config | string =>
    taken(`dhcp={ mode: ${mode}, interface: a, subnets: [{ subnet: 10.0.0.0/24 }, { subnet: 10.0.2.0/24 }] }`, `enrolment.range=${range}`)
  for (const range of ['10.0.0.0-10.0.0.255', '10.0.2.9-10.0.2.9']) t.type(at('server', range), 'object', range)
  for (const range of ['10.0.0.9-10.0.1.0', '10.0.1.255-10.0.2.0', '10.0.0.9-10.0.2.9']) t.match(at('server', range), /enrolment\.range: expected addresses inside/, range)
  t.type(at('proxy', '10.0.1.1-10.0.1.2'), 'object', 'another server gives them')
  t.end()
})

t.test('which interfaces DHCP is answered on, and whether addresses are given there', t => {
  const subnets = 'subnets: [{ subnet: 10.0.0.0/24 }]'
  for (const [dhcp, interfaces, answers, gives] of [
    ['{}', [], false, false], ['{ interface: a }', [], false, false],
    [`{ mode: server, interface: a, ${subnets} }`, [['a', 'server', 'dhcp.interface']], true, true],
    ['{ mode: proxy, interface: a }', [['a', 'proxy', 'dhcp.interface']], true, false],
    ['{ mode: proxy, interfaces: [b, { name: c, mode: "off" }] }', [['b', 'proxy', 'dhcp.interfaces.0']], true, false],
    [`{ mode: proxy, interface: a, interfaces: [b, { name: c, mode: server }], ${subnets} }`,
      [['a', 'proxy', 'dhcp.interface'], ['b', 'proxy', 'dhcp.interfaces.0'], ['c', 'server', 'dhcp.interfaces.1']], true, true],
    [`{ mode: server, interface: a, interfaces: [{ name: a, mode: proxy }], ${subnets} }`, [['a', 'proxy', 'dhcp.interfaces.0']], true, false],
    [`{ mode: server, interface: a, interfaces: [{ name: a, mode: "off" }], ${subnets} }`, [], false, false]
  ] as const) {
    const config = taken(`dhcp=${dhcp}`)
    if (typeof config === 'string') t.fail(`${dhcp}: ${config}`)
    else t.same([dhcpInterfaces(config).map(({ name, mode, key }) => [name, mode, key]), answersDhcp(config), givesAddresses(config)], [interfaces, answers, gives], dhcp)
  }
  const clustered = ['http.address=:1', 'cluster={ name: a, etcd: { endpoints: ["http://a:1"] } }'].map(set => taken(set))
  t.same(clustered.map(config => typeof config === 'object' && isClustered(config)), [false, true])
  t.end()
})

t.test('what somebody wrote is told from defaults, and where', t => {
  const { isWritten, where, keyAt, sources } = loadConfig({ file: undefined, defaultFile: '/nowhere', set: ['http.address=:1'], env: { MATCHBOX_DATA_PATH: '/d' } })
  t.same([['http', 'address'], ['http'], ['data_path'], ['log_level'], ['http', 'https', 'address']].map(isWritten), [true, true, true, false, false])
  t.same([where(['http', 'address']), where(['data_path']), where(['log_level'])], ['--set http.address', 'MATCHBOX_DATA_PATH', 'configuration'])
  t.equal(keyAt(['http', 'address']), '--set http.address: http.address')
  t.same(sources, ['MATCHBOX_DATA_PATH', '--set'])
  t.end()
})

t.test('fingerprints as people write them', t => {
  const source = (key: string): Config | string => taken(`images.sources=[{ os: flatcar, keys: ["${key}"] }]`)
  const keyOf = (key: string): unknown => {
    const config = source(key)
    return typeof config === 'string' ? undefined : config.images.sources[0]?.keys[0]
  }
  const digits = '0123456789abcdef0123456789abcdef01234567'
  for (const key of [digits, digits.toUpperCase(), `0x${digits}`, digits.replace(/.{4}(?=.)/g, '$& '), digits.replace(/..(?=.)/g, '$&:')]) t.equal(keyOf(key), digits.toUpperCase(), key)
  t.equal(keyOf('a'.repeat(64)), 'A'.repeat(64))
  for (const key of [digits.slice(1), `${digits}0`, 'a'.repeat(63), 'a'.repeat(65), `g${digits.slice(1)}`, '']) t.match(source(key), /expected the fingerprint of a key/, key)
  t.end()
})

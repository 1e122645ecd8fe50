// Who may import whom: one table, read by the lint rule (eslint.config.js) and by test/architecture.test.ts.
// Paths are below src/, without extension; a path ending in / is a folder. The first row that matches a file holds for it.

/**
 * @typedef {object} Layer
 * @property {string} name
 * @property {string[]} files     which files the row speaks of
 * @property {string[]} may       what these may import (their own folder has to be named too)
 * @property {string[]} [types]   what they may import types from, and nothing else
 * @property {string[]} node      the Node built-ins they may import; '*' is any but those in `guarded`
 * @property {string[]} packages  the npm packages they may import; '*' is any but those in `guarded`
 * @property {boolean} [pure]     no clock, chance, timers or process
 */

const plain = ['errors', 'net/mac', 'net/ipv4', 'net/bytes']

/** @type {Layer[]} */
export const layers = [
  { name: 'plain values', files: plain, may: plain, node: ['node:buffer', 'node:net'], packages: [], pure: true },
  { name: 'log', files: ['log'], may: ['errors', 'journal-line'], node: ['*'], packages: ['pino', 'pino-pretty'] },
  { name: 'journal line', files: ['journal-line'], may: [], node: [], packages: [], pure: true },
  { name: 'clock', files: ['clock'], may: [], node: [], packages: [] },
  { name: 'metrics', files: ['metrics'], may: ['errors'], node: [], packages: ['prom-client'] },
  { name: 'bundled', files: ['bundled'], may: ['errors'], node: ['node:fs', 'node:fs/promises', 'node:path', 'node:url'], packages: [] },
  { name: 'config', files: ['config', 'config-schema'], may: ['config-schema', 'errors', 'net/mac', 'net/ipv4'], node: ['node:fs'], packages: ['yaml', 'valibot'] },
  { name: 'network edge', files: ['net/'], may: ['net/', 'errors', 'clock'], types: ['log'], node: ['*'], packages: ['koffi'] },
  {
    name: 'dhcp edge',
    files: ['dhcp/dhcp-server', 'dhcp/proxy-server', 'dhcp/message-exchange', 'dhcp/other-servers', 'dhcp/lease-file'],
    may: ['dhcp/', 'net/', 'clock', 'errors', 'store/atomic-file'],
    types: ['log'],
    node: ['node:fs', 'node:fs/promises', 'node:path', 'node:timers/promises'],
    packages: []
  },
  {
    name: 'tftp edge',
    files: ['tftp/tftp-server', 'tftp/file-source', 'tftp/listeners', 'tftp/transfer-ports', 'tftp/transfer-session'],
    may: ['tftp/', 'net/', 'clock', 'errors', 'store/atomic-file'],
    types: ['log'],
    node: ['node:fs', 'node:fs/promises', 'node:path', 'node:timers/promises'],
    packages: []
  },
  { name: 'dhcp', files: ['dhcp/'], may: ['dhcp/', ...plain], node: ['node:buffer'], packages: [], pure: true },
  { name: 'tftp', files: ['tftp/'], may: ['tftp/', ...plain], node: ['node:buffer'], packages: [], pure: true },
  { name: 'template', files: ['template/'], may: ['template/', ...plain], node: ['node:buffer'], packages: [], pure: true },
  {
    name: 'ignition',
    files: ['ignition/'],
    may: ['ignition/', ...plain],
    node: ['node:buffer', 'node:zlib', 'node:crypto', 'node:url', 'node:net'],
    packages: ['yaml'],
    pure: true
  },
  {
    name: 'matchbox',
    files: ['matchbox/'],
    may: ['matchbox/', 'errors', 'net/mac', 'net/ipv4', 'template/', 'ignition/'],
    types: ['log'],
    node: ['node:buffer', 'node:path'],
    packages: ['yaml']
  },
  { name: 'atomic-file', files: ['store/atomic-file'], may: ['errors'], node: ['node:fs', 'node:fs/promises', 'node:path', 'node:crypto'], packages: [] },
  {
    name: 'store',
    files: ['store/'],
    may: ['store/', 'matchbox/group', 'matchbox/profile', 'matchbox/store', 'errors', 'clock', 'net/mac'],
    types: ['log'],
    node: ['node:fs', 'node:fs/promises', 'node:path', 'node:buffer'],
    packages: ['chokidar']
  },
  { name: 'http', files: ['http/'], may: ['http/', 'matchbox/', 'errors', 'machines/', 'net/mac', 'net/ipv4', 'net/connections'], types: ['log', 'metrics', 'clock'], node: ['*'], packages: ['*'] },
  { name: 'grpc', files: ['grpc/'], may: ['grpc/', 'bundled', 'matchbox/', 'errors', 'net/mac', 'net/connections'], types: ['log', 'metrics', 'clock'], node: ['*'], packages: ['*'] },
  { name: 'machines', files: ['machines/'], may: ['machines/', 'errors', 'clock', 'net/', 'store/atomic-file'], types: ['log'], node: ['node:fs', 'node:fs/promises', 'node:path', 'node:events'], packages: [] },
  { name: 'tools', files: ['mirror/', 'inventory/', 'tls/', 'openpgp/'], may: ['mirror/', 'inventory/', 'tls/', 'openpgp/', 'errors', 'net/', 'clock', 'store/atomic-file'], types: ['log'], node: ['*'], packages: ['*'] },
  {
    name: 'cli',
    files: ['cli/'],
    may: ['cli/', 'appliance', 'wiring/plan', 'wiring/doctor', 'wiring/service-manager', 'wiring/images', 'bundled', 'clock', 'config', 'errors', 'log', 'net/mac', 'grpc/client', 'matchbox/', 'ignition/', 'mirror/', 'inventory/', 'openpgp/verify', 'tls/'],
    types: ['http/control-app', 'http/machine-routes'],
    node: ['*'],
    packages: ['*']
  },
  { name: 'main', files: ['main'], may: ['cli/', 'errors', 'log', 'config'], node: ['*'], packages: [] },
  {
    name: 'wiring',
    files: ['appliance', 'wiring/'],
    may: ['wiring/', 'bundled', 'clock', 'config', 'errors', 'log', 'metrics', 'net/', 'dhcp/', 'tftp/', 'matchbox/', 'ignition/', 'template/', 'store/', 'http/', 'grpc/', 'machines/', 'mirror/', 'inventory/', 'tls/', 'openpgp/'],
    node: ['*'],
    packages: []
  }
]

/** Modules with one user each: everybody else goes through that file. */
export const guarded = [
  { module: 'node:dgram', only: ['net/udp', 'net/conflict-probe'] },
  { module: 'koffi', only: ['net/libc'] },
  { module: 'chokidar', only: ['store/watcher'] },
  { module: 'node:process', only: [] },
  { module: 'node:child_process', only: [] }
]

/** What a pure file must not name: its input carries the time, its caller does the rest. */
export const impure = [
  /\bDate\.now\b/, /\bnew Date\(\)/, /\bMath\.random\b/, /\bprocess\./, /\bset(?:Timeout|Interval|Immediate)\b/, /\bperformance\./, /\bconsole\./
]

/** @param {string} file @param {string[]} patterns */
export const matches = (file, patterns) => patterns.some(p => p.endsWith('/') ? file.startsWith(p) : file === p)

/** @param {string} file path below src/, without extension */
export const layerOf = file => layers.find(layer => matches(file, layer.files))

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

const plain = ['base/errors', 'base/nearest', 'base/own-text', 'base/positions', 'base/rate-limit', 'base/units', 'base/version', 'base/visible-text', 'net/mac', 'net/ipv4', 'net/bytes', 'net/host-name']

/** @type {Layer[]} */
export const layers = [
  { name: 'plain values', files: plain, may: plain, node: ['node:buffer', 'node:net'], packages: [], pure: true },
  { name: 'log', files: ['base/log'], may: ['base/errors', 'base/background-lines', 'base/journal-line', 'base/line-rations', 'base/terminal-line'], types: ['base/clock'], node: ['*'], packages: ['pino'] },
  { name: 'background lines', files: ['base/background-lines'], may: [], node: ['node:stream'], packages: ['pino'] },
  { name: 'line rations', files: ['base/line-rations'], may: ['base/rate-limit', 'net/ipv4'], node: [], packages: [], pure: true },
  { name: 'journal line', files: ['base/journal-line'], may: ['base/visible-text'], node: [], packages: [], pure: true },
  { name: 'terminal line', files: ['base/terminal-line'], may: ['base/journal-line'], node: [], packages: [] },
  { name: 'thread', files: ['base/thread'], may: ['base/errors'], node: ['node:worker_threads'], packages: [] },
  { name: 'clock', files: ['base/clock'], may: [], node: [], packages: [] },
  { name: 'metrics', files: ['base/metrics', 'base/label-counts'], may: ['base/errors', 'base/label-counts'], node: [], packages: ['prom-client'] },
  { name: 'fence', files: ['base/fence'], may: ['base/errors'], types: ['base/log', 'base/clock'], node: [], packages: [] },
  { name: 'collection', files: ['base/collect'], may: [], types: ['base/clock'], node: ['node:v8', 'node:vm'], packages: [] },
  { name: 'event loop', files: ['base/event-loop'], may: [], types: ['base/metrics', 'base/clock'], node: ['node:perf_hooks'], packages: [] },
  { name: 'keyed mutex', files: ['base/keyed-mutex'], may: [], node: [], packages: [] },
  { name: 'versioned map', files: ['base/versioned-map'], may: [], node: [], packages: [], pure: true },
  { name: 'no schemas', files: ['base/no-schemas'], may: ['base/errors'], node: [], packages: [] },
  { name: 'pace', files: ['base/pace'], may: [], node: [], packages: [] },
  { name: 'loop share', files: ['base/loop-share'], may: [], node: ['node:timers/promises'], packages: [] },
  { name: 'bundled', files: ['base/bundled'], may: ['base/errors'], node: ['node:fs', 'node:fs/promises', 'node:path', 'node:url'], packages: [] },
  { name: 'yaml document', files: ['config/yaml-document'], may: [], node: [], packages: ['yaml'], pure: true },
  { name: 'config', files: ['config/'], may: ['config/', 'disk/denied', 'disk/folder-watch', 'disk/make-folder', 'disk/whole-file', 'base/errors', 'base/nearest', 'base/positions', 'base/units', 'net/mac', 'net/ipv4', 'net/host-name', 'ui/access', 'base/version', 'updates/window'], types: ['base/clock'], node: ['node:fs', 'node:fs/promises', 'node:path'], packages: ['yaml', 'valibot'] },
  { name: 'network edge', files: ['net/'], may: ['net/', 'base/errors', 'base/nearest', 'base/clock'], types: ['base/log'], node: ['*'], packages: ['koffi'] },
  {
    name: 'dhcp edge',
    files: ['dhcp/dhcp-server', 'dhcp/proxy-server', 'dhcp/inbox', 'dhcp/message-exchange', 'dhcp/answering-options', 'dhcp/other-servers', 'dhcp/server-question', 'dhcp/lease-file', 'dhcp/lease-keeper', 'dhcp/answer-turns', 'dhcp/offer-probes', 'dhcp/idle-watch', 'dhcp/used-addresses', 'dhcp/homes', 'dhcp/link-watch', 'dhcp/reservation-watch'],
    may: ['dhcp/', 'net/', 'base/clock', 'base/errors', 'base/loop-share', 'base/rate-limit', 'disk/'],
    types: ['base/log'],
    node: ['node:fs', 'node:fs/promises', 'node:path', 'node:timers/promises'],
    packages: []
  },
  {
    name: 'tftp edge',
    files: ['tftp/tftp-server', 'tftp/file-source', 'tftp/listeners', 'tftp/places', 'tftp/transfer-ports', 'tftp/transfer-session'],
    may: ['tftp/', 'net/', 'base/clock', 'base/errors', 'disk/'],
    types: ['base/log'],
    node: ['node:fs', 'node:fs/promises', 'node:path', 'node:timers/promises'],
    packages: []
  },
  { name: 'dhcp', files: ['dhcp/'], may: ['dhcp/', 'base/versioned-map', ...plain], node: ['node:buffer'], packages: [], pure: true },
  { name: 'tftp', files: ['tftp/'], may: ['tftp/', ...plain], types: ['disk/open-file', 'net/endpoint', 'net/udp'], node: ['node:buffer'], packages: [], pure: true },
  { name: 'go', files: ['go/'], may: ['go/', ...plain], node: ['node:buffer'], packages: [], pure: true },
  { name: 'yaml', files: ['yaml/'], may: ['yaml/', 'go/', ...plain], node: ['node:buffer'], packages: [], pure: true },
  {
    name: 'ignition',
    files: ['ignition/'],
    may: ['ignition/', 'yaml/', 'go/', ...plain],
    node: ['node:buffer', 'node:zlib', 'node:crypto', 'node:url', 'node:net'],
    packages: ['yaml'],
    pure: true
  },
  {
    name: 'matchbox',
    files: ['matchbox/'],
    may: ['matchbox/', 'base/errors', 'base/positions', 'base/units', 'net/mac', 'net/ipv4', 'net/host-name', 'go/', 'yaml/', 'ignition/'],
    types: ['base/log'],
    node: ['node:buffer', 'node:path', 'node:crypto'],
    packages: ['yaml']
  },
  { name: 'loader files', files: ['loaders/'], may: ['loaders/', 'base/errors', 'disk/disk-turns', 'disk/fat-image', 'disk/open-file', 'matchbox/ipxe-settings', 'matchbox/render-raspberry-pi'], types: ['base/clock', 'tftp/file-source', 'matchbox/loader-files', 'matchbox/provisioner', 'net/mac'], node: ['node:buffer'], packages: [] },
  { name: 'rendering', files: ['rendering/'], may: ['rendering/', 'base/errors', 'base/clock', 'base/thread', 'matchbox/'], node: ['node:worker_threads'], packages: [] },
  // A lock is libc's; the rest of the room needs nothing but Node.
  { name: 'folder lock', files: ['disk/folder-lock', 'disk/run-folder'], may: ['disk/', 'base/', 'net/libc'], node: ['node:fs', 'node:fs/promises', 'node:path'], packages: [] },
  { name: 'link thread', files: ['disk/link-looks', 'disk/link-thread'], may: ['disk/', 'base/errors', 'base/thread'], node: ['node:fs', 'node:worker_threads'], packages: [] },
  { name: 'disk', files: ['disk/'], may: ['disk/', 'base/'], node: ['node:fs', 'node:fs/promises', 'node:path', 'node:crypto', 'node:timers/promises'], packages: ['chokidar'] },
  { name: 'image thread', files: ['assets/image-thread', 'assets/file-sender'], may: ['assets/', 'base/errors', 'base/thread', 'disk/file-identity', 'net/epoll', 'net/connection'], types: ['base/clock', 'disk/open-file'], node: ['node:fs', 'node:net', 'node:worker_threads'], packages: [] },
  { name: 'assets', files: ['assets/'], may: ['assets/', 'base/errors', 'disk/', 'go/', 'matchbox/pin-assets'], types: ['base/clock', 'matchbox/profile'], node: ['node:fs', 'node:fs/promises', 'node:path', 'node:http', 'node:net', 'node:crypto'], packages: [] },
  { name: 'etcd keys', files: ['etcd/keys'], may: plain, node: ['node:buffer'], packages: [], pure: true },
  { name: 'etcd', files: ['etcd/'], may: ['etcd/', 'disk/denied', 'disk/whole-file', 'net/addresses-of', 'base/clock', 'base/errors', 'base/bundled', 'base/loop-share'], node: ['node:fs/promises', 'node:tls', 'node:net', 'node:crypto'], packages: ['@grpc/grpc-js', '@grpc/proto-loader'] },
  {
    name: 'store',
    files: ['store/'],
    may: ['store/', 'matchbox/group', 'matchbox/object-fault', 'matchbox/profile', 'matchbox/store', 'base/errors', 'base/units', 'base/clock', 'base/keyed-mutex', 'base/versioned-map', 'net/mac', 'disk/'],
    types: ['base/log', 'cluster/shared-state', 'cluster/entries'],
    node: ['node:timers/promises', 'node:fs', 'node:fs/promises', 'node:path', 'node:buffer', 'node:zlib', 'node:stream'],
    packages: ['tar']
  },
  { name: 'update store', files: ['updates/update-store'], may: ['updates/', 'disk/'], types: ['base/log'], node: ['node:util'], packages: [] },
  { name: 'mirrored updates', files: ['updates/mirrored-updates'], may: ['updates/', 'base/errors', 'base/version', 'disk/whole-file'], types: ['mirror/images-told'], node: ['node:fs/promises'], packages: [] },
  { name: 'updates', files: ['updates/'], may: ['updates/', 'base/clock', ...plain], node: ['node:buffer', 'node:crypto'], packages: ['sax', 'valibot'], pure: true },
  { name: 'discovery store', files: ['cluster/discovery-store'], may: ['disk/'], types: ['base/log'], node: [], packages: [] },
  { name: 'discovery', files: ['cluster/discovery', 'cluster/discovery-limits', 'cluster/discovery-nodes', 'cluster/key-history', 'cluster/keys-answer'], may: ['cluster/', 'base/errors', 'base/own-text'], types: ['base/clock'], node: ['node:buffer'], packages: [], pure: true },
  { name: 'client hash', files: ['cluster/client-hash', 'cluster/other-provisioners'], may: plain, node: ['node:buffer'], packages: [], pure: true },
  {
    name: 'cluster',
    files: ['cluster/'],
    may: ['cluster/', 'etcd/', 'base/loop-share', 'dhcp/lease-store', 'dhcp/leases', 'dhcp/lease-file', 'machines/journal', 'machines/machine', 'machines/timeline', 'machines/guard-tokens', 'updates/update-store', 'disk/', 'base/clock', ...plain],
    types: ['base/log', 'machines/registry', 'matchbox/guard', 'updates/'],
    node: ['node:crypto', 'node:buffer'],
    packages: []
  },
  { name: 'http', files: ['http/'], may: ['http/', 'updates/', 'cluster/discovery', 'cluster/discovery-limits', 'cluster/keys-answer', 'assets/', 'disk/open-file', 'disk/disk-turns', 'disk/file-cache', 'go/', 'matchbox/', 'base/errors', 'base/no-schemas', 'base/own-text', 'base/pace', 'net/mac', 'net/ipv4', 'net/connections', 'net/shares', 'net/unread-connections', 'net/when-closed'], types: ['base/log', 'base/clock'], node: ['*'], packages: ['*'] },
  { name: 'control', files: ['control/'], may: ['control/', 'machines/', 'updates/', 'base/errors', 'base/units', 'base/no-schemas', 'net/mac', 'net/ipv4', 'net/shares', 'net/socket-answered'], types: ['base/log', 'base/metrics', 'base/clock', 'base/pace'], node: ['*'], packages: ['fastify'] },
  { name: 'ui access', files: ['ui/access'], may: [], node: ['node:crypto', 'node:net'], packages: [] },
  { name: 'ui', files: ['ui/'], may: ['ui/', 'base/errors', 'base/units', 'base/no-schemas', 'control/event-log', 'control/event-streams', 'control/machine-shown', 'machines/', 'base/visible-text', 'go/http/host-header', 'net/mac', 'net/ipv4', 'net/shares', 'net/tls-identity'], types: ['base/clock', 'base/pace'], node: ['*'], packages: ['fastify'] },
  { name: 'grpc', files: ['grpc/'], may: ['grpc/', 'base/bundled', 'base/pace', 'matchbox/', 'base/errors', 'net/mac', 'net/connections', 'net/ipv4', 'net/shares', 'net/tls-identity'], types: ['base/log', 'base/metrics', 'base/clock'], node: ['*'], packages: ['*'] },
  { name: 'webhook edge', files: ['machines/webhook-post'], may: ['base/errors', 'net/connect-url'], types: ['base/clock', 'machines/webhooks', 'net/connect-host'], node: ['node:http', 'node:net'], packages: [] },
  { name: 'machines', files: ['machines/'], may: ['machines/', 'base/', 'net/', 'disk/'], types: ['base/log', 'matchbox/group', 'matchbox/guard'], node: ['node:fs', 'node:fs/promises', 'node:path', 'node:events', 'node:crypto'], packages: [] },
  { name: 'files of lists', files: ['inventory/read-files'], may: ['inventory/', 'base/errors'], node: ['node:fs/promises', 'node:path'], packages: [] },
  { name: 'matchbox unit', files: ['inventory/matchbox-unit', 'inventory/unit-words', 'inventory/container-command'], may: ['config/environment-file', 'inventory/unit-words', 'inventory/container-command'], node: [], packages: [], pure: true },
  {
    name: 'lists of machines',
    files: ['inventory/'],
    may: ['inventory/', 'matchbox/group', ...plain],
    types: ['matchbox/profile'],
    node: [],
    packages: ['csv-parse/sync'],
    pure: true
  },
  { name: 'setup', files: ['setup/'], may: ['setup/', 'config/yaml-document', ...plain], node: [], packages: ['yaml'], pure: true },
  { name: 'tools', files: ['mirror/', 'tls/', 'openpgp/'], may: ['mirror/', 'tls/', 'openpgp/', 'base/errors', 'base/thread', 'base/units', 'base/version', 'go/', 'net/', 'base/clock', 'disk/'], types: ['base/log'], node: ['*'], packages: ['*'] },
  {
    name: 'cli',
    files: ['cli/'],
    may: ['cli/', 'appliance', 'doctor/', 'setup/', 'wiring/service-manager', 'wiring/looking', 'wiring/store-transfer', 'wiring/export-context', 'wiring/open-mirror', 'base/', 'config/', 'disk/ask-place', 'disk/atomic-file', 'disk/disk-turns', 'disk/run-folder', 'disk/whole-file', 'store/archive', 'store/moves', 'store/folder-files', 'net/mac', 'net/ipv4', 'net/interfaces', 'net/port-owner', 'grpc/client', 'go/json', 'matchbox/', 'ignition/', 'mirror/', 'inventory/', 'openpgp/', 'tls/', 'ui/access'],
    types: ['control/control-app', 'control/machine-shown', 'control/update-routes'],
    node: ['*'],
    packages: ['*']
  },
  { name: 'main', files: ['main'], may: ['cli/', 'base/', 'config/', 'net/libc'], node: ['*'], packages: [] },
  {
    name: 'doctor',
    files: ['doctor/'],
    may: ['doctor/', 'listeners', 'wiring/', 'base/', 'config/', 'net/', 'disk/ask-place', 'disk/disk-turns', 'disk/mounts', 'disk/links', 'disk/json-lines', 'disk/lines-header', 'disk/state-formats', 'disk/whole-file', 'assets/aliases', 'dhcp/', 'loaders/', 'machines/journal', 'matchbox/', 'inventory/', 'mirror/', 'go/', 'yaml/', 'ignition/', 'tls/certificate', 'tls/authenticode'],
    types: ['machines/machine', 'etcd/members'],
    node: ['node:fs', 'node:fs/promises', 'node:path', 'node:net', 'node:buffer', 'node:url', 'node:os', 'node:dns/promises', 'node:child_process'],
    packages: []
  },
  { name: 'listeners', files: ['listeners'], may: ['wiring/', 'doctor/ports', 'doctor/dhcp-answers', 'dhcp/constants', 'config/load'], node: [], packages: [] },
  { name: 'appliance', files: ['appliance'], may: ['listeners', 'wiring/', 'base/', 'disk/make-folder', 'assets/aliases', 'machines/', 'matchbox/provisioner', 'dhcp/leases', 'net/freed-memory', 'net/ipv4', 'net/thread-time', 'rendering/'], types: ['config/load', 'net/'], node: ['node:fs/promises', 'node:path'], packages: [] },
  // How each listener is put together: the file of one knows nothing of the others' rooms.
  { name: 'wiring of grpc', files: ['wiring/grpc'], may: ['wiring/', 'base/errors', 'doctor/finding', 'grpc/', 'net/descriptors'], node: ['node:fs'], packages: [] },
  { name: 'wiring of https', files: ['wiring/https'], may: ['wiring/', 'base/errors', 'doctor/finding', 'http/', 'net/acceptors', 'net/udp'], types: ['tls/reload'], node: ['node:fs', 'node:events'], packages: [] },
  { name: 'wiring of certificates', files: ['wiring/certificate', 'wiring/signing'], may: ['wiring/', 'base/', 'doctor/finding', 'tls/', 'openpgp/'], types: ['config/load'], node: [], packages: [] },
  { name: 'wiring of tftp', files: ['wiring/tftp'], may: ['wiring/', 'base/', 'doctor/finding', 'loaders/', 'tftp/', 'net/'], types: ['config/load'], node: ['node:fs', 'node:path'], packages: [] },
  { name: 'wiring of images', files: ['wiring/images', 'wiring/image-sources', 'wiring/mirror-options', 'wiring/open-mirror'], may: ['wiring/', 'assets/aliases', 'base/', 'matchbox/', 'mirror/'], types: ['config/load'], node: [], packages: [] },
  { name: 'wiring of dhcp', files: ['wiring/dhcp', 'wiring/dhcp-link', 'wiring/dhcp-places', 'wiring/dhcp-proxy', 'wiring/dhcp-server', 'wiring/dhcp-servers', 'wiring/dhcp-settings', 'wiring/dhcp-sockets', 'wiring/homes', 'wiring/leases', 'wiring/boot'], may: ['wiring/', 'base/', 'doctor/finding', 'config/load', 'disk/state-formats', 'dhcp/', 'net/', 'loaders/', 'matchbox/group-machines', 'http/loader-routes'], types: ['machines/address-claims', 'matchbox/group', 'matchbox/group-machines-index'], node: ['node:path', 'node:timers/promises'], packages: [] },
  { name: 'wiring of the cluster', files: ['wiring/cluster', 'wiring/cluster-leases'], may: ['wiring/', 'base/', 'cluster/', 'disk/', 'etcd/', 'store/', 'dhcp/leases', 'net/ipv4'], types: ['config/load', 'matchbox/store', 'base/metrics', 'net/mac', 'machines/journal', 'updates/update-store'], node: ['node:fs/promises', 'node:path'], packages: [] },
  {
    name: 'wiring',
    files: ['wiring/'],
    may: ['wiring/', 'doctor/finding', 'doctor/apart', 'base/', 'config/', 'disk/', 'assets/', 'net/', 'dhcp/', 'tftp/', 'loaders/', 'matchbox/', 'store/', 'http/', 'control/', 'machines/', 'mirror/', 'openpgp/', 'ui/', 'updates/', 'cluster/'],
    types: ['doctor/ports', 'inventory/exported'],
    node: ['node:timers/promises', 'node:os', 'node:fs', 'node:fs/promises', 'node:path', 'node:crypto', 'node:net'],
    packages: []
  }
]

/** Modules with one user each: everybody else goes through that file. */
export const guarded = [
  { module: 'node:dgram', only: ['net/udp'] },
  { module: 'koffi', only: ['net/libc'] },
  { module: 'chokidar', only: ['disk/folder-watch'] },
  { module: 'node:process', only: [] },
  { module: 'node:child_process', only: ['doctor/command', 'doctor/apart'] }
]

/** What a pure file must not name: its input carries the time, its caller does the rest. */
export const impure = [
  /\bDate\.now\b/, /\bnew Date\(\)/, /\bMath\.random\b/, /\bprocess\./, /\bset(?:Timeout|Interval|Immediate)\b/, /\bperformance\./, /\bconsole\./
]

/** @param {string} file @param {string[]} patterns */
export const matches = (file, patterns) => patterns.some(p => p.endsWith('/') ? file.startsWith(p) : file === p)

/** @param {string} file path below src/, without extension */
export const layerOf = file => layers.find(layer => matches(file, layer.files))

import t from 'tap'
import { recognise } from '../../src/inventory/recognise.js'
import { decodeText } from '../../src/inventory/source-text.js'
import { sourceOf } from '../helpers/lists.js'
import { growth, muchGrowth } from '../helpers/work.js'

t.test('each format is known by what stands in it', t => {
  for (const [format, text] of [
    ['csv', 'MASTER_MAC,HOST\n'],
    ['csv', '# ours\n\nhost;mac\n'],
    ['dhcpd', '# x\nsubnet 10.0.0.0 netmask 255.0.0.0 {\n}\n'],
    ['dhcpd', 'host a { hardware ethernet 00:00:00:00:00:01; }\n'],
    ['dhcpd', '###### VMNET DHCP Configuration. Start of "DO NOT MODIFY SECTION" #####\n'],
    ['dnsmasq', 'port=0\ndhcp-host=52:54:00:00:00:01,10.0.0.1\n'],
    ['ethers', '52:54:00:00:00:01 web1\n'],
    ['hosts', '# x\n127.0.0.1 localhost\n'],
    ['ansible', '[all:vars]\na=b\n'],
    ['ansible', 'web1 ansible_host=10.0.0.1\n'],
    ['ansible', '# x\n[coreos_workers]\nw[1:9]\n'],
    ['tfvars', '{ "tectonic_cluster_name": "a" }\n'],
    ['tfvars', '// x\ntectonic_cluster_name = "a"\n'],
    ['kea', '// x\n{ "Dhcp4": { } }\n'],
    ['kea', '[ { "hw-address": "52:54:00:00:00:01" } ]'],
    ['pxe-hosts', '{ "hosts": { "10.0.0.1": { "macaddr": "52:54:00:00:00:01" } } }'],
    ['mayu', '{"Serial":"a","MacAddresses":[]}'],
    ['leases', '[{"mac":"52:54:00:00:00:01"}]'],
    ['leases', '[]'],
    ['leases', '{"format":"core-provisioner lease","version":1}\n'],
    ['terraform', '# x\nresource "matchbox_group" "a" {\n}\n']
  ] as const) t.equal(recognise(sourceOf(text)), format, text)
  t.end()
})

t.test('what is none of them is refused by its place', t => {
  for (const text of ['', '\n\n', 'hello\n', '{ "a": 1 }', '- mac: 52:54:00:00:00:01\n', '<xml/>']) t.throws(() => recognise(sourceOf(text)), /^list:1:1: .*--format/, text)
  t.end()
})

t.test('bytes that are no text', t => {
  t.throws(() => decodeText('f', Buffer.from('a\nb\xe9c\n', 'latin1')), /^f:2:2: this is not UTF-8.*LATIN1/)
  t.throws(() => decodeText('f', Buffer.from('\ufeffa', 'utf16le')), /^f:1:1: the file is UTF-16/)
  t.throws(() => decodeText('f', Buffer.from('a\nbc\0')), /^f:2:3: a byte of zero/)
  t.throws(() => decodeText('f', { length: 65 * 1024 * 1024, 0: 65 } as unknown as Uint8Array), /^f:1:1: the file is larger than 64 MiB/)
  const marked = decodeText('f', Buffer.from('\ufeffa\r\nb\rc'))
  t.match(marked, { text: 'a\nb\nc', remarks: [{ at: { line: 1 }, text: /byte order mark/ }] })
  t.same(marked.at(4), { file: 'f', line: 3, column: 1 })
  t.end()
})

t.test('odd texts cost what they weigh', t => {
  for (const part of ['\n', ' ', '#\n', '[', '{', 'a=', 'host ', 'ansible_', 'x ansible_', '/*', '\t\n', '"a', 'a b=c ']) {
    const factor = growth(size => {
      try {
        recognise(sourceOf(part.repeat(size)))
      } catch {}
    }, 10_000)
    t.ok(factor < muchGrowth, `${JSON.stringify(part)}: ${factor.toFixed(1)}`)
  }
  t.end()
})

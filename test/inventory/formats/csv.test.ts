import t from 'tap'
import { listOf, refusalOf, shownList, shownRemarks } from '../../helpers/lists.js'

t.test("Tectonic's two files, one after the other", t => {
  t.same(shownList(listOf('MASTER_MAC,HOST\n00:0c:29:bd:7f:ec,core-c1.lab.example\nWORKER_MAC,HOST\n00:0c:29:11:22:33,core-w1.lab.example\n')), [
    'core-c1.lab.example 00:0c:29:bd:7f:ec - controllers @2:1',
    'core-w1.lab.example 00:0c:29:11:22:33 - workers @4:1'
  ])
  t.end()
})

t.test('any header that names a MAC or an IP address, whatever separates its fields', t => {
  for (const [text, host] of [
    ['hostname;IP Address;MAC-Address\nweb1;10.0.0.1;000C29BD7FEC\n', 'web1 00:0c:29:bd:7f:ec 10.0.0.1 - @2:1'],
    ['Name\tMAC\tgroup\tnote\nweb1\t0:c:29:bd:7f:ec\tfront\tsecond rack\n', 'web1 00:0c:29:bd:7f:ec - front @2:1'],
    ['"host", "ip", "mac"\n"web1", "10.0.0.1", "00-0C-29-BD-7F-EC"\n', 'web1 00:0c:29:bd:7f:ec 10.0.0.1 - @2:2'],
    ['# ours\nIP,HOST\n10.0.0.1,web1\n', 'web1 - 10.0.0.1 - @3:1']
  ] as const) t.same(shownList(listOf(text)), [host], text)
  t.end()
})

t.test('addresses alone on their lines are more network cards of the next host (ESXi, several of them pasted as they came)', t => {
  const list = listOf('WORKER_MAC,HOST\n00:0c:29:00:00:01\n00:0c:29:00:00:02\n 00:0c:29:00:00:03 ,w1.lab\n00:0c:29:00:00:04,w2.lab')
  t.same(shownList(list), ['w1.lab 00:0c:29:00:00:01+00:0c:29:00:00:02+00:0c:29:00:00:03 - workers @4:2', 'w2.lab 00:0c:29:00:00:04 - workers @5:1'])
  t.match(shownRemarks(list), [/^2:1: 2 more addresses of w1\.lab/])
  t.end()
})

t.test('a machine whose name is a word of headers', t => {
  const lines = ['ip', 'MAC', 'address', 'group'].map((name, n) => `00:0c:29:00:00:0${n},10.0.0.${n},${name}\n`).join('')
  t.same(listOf(`MAC,IP,HOST\n${lines}`).hosts.map(({ name }) => name?.value), ['ip', 'MAC', 'address', 'group'])
  t.end()
})

t.test('what is wrong is told with its line and column', t => {
  for (const [text, said] of [
    ['MASTER_MAC,HOST\n00:0c:29:bd:7f:ec,core-c1\n00:0c:29:bd:7f,core-c2\n', 'list:3:1: "00:0c:29:bd:7f" is no MAC address'],
    ['HOST,MASTER_MAC\ncore-c1,zz\n', 'list:2:9: "zz" is no MAC address'],
    ['MAC,HOST\n00:0c:29:bd:7f:ec,core_c1\n', 'list:2:19: "core_c1" is no host name'],
    ['MAC,IP,HOST\n00:0c:29:bd:7f:ec,10.0.0.300,c1\n', 'list:2:19: "10.0.0.300" is no IPv4 address'],
    ['MAC,HOST\n00:0c:29:bd:7f:ec,c1,more\n', 'list:2:1: 2 fields were expected'],
    ['MAC,HOST\n00:0c:29:bd:7f:ec,"c1\n', 'list:2:1: Quote Not Closed'],
    ['MAC,HOST\n00:0c:29:bd:7f:ec,c1\n00:0c:29:bd:7f:ed\n', 'list:3:1: an address without a host'],
    ['MAC,HOST\n- mac: 00:0c:29:bd:7f:ec\n  host: c1\n', 'list:2:1: 2 fields were expected']
  ] as const) t.ok(refusalOf(text, 'csv').startsWith(said), `${JSON.stringify(text)}: ${refusalOf(text, 'csv')}`)
  t.match(refusalOf('00:0c:29:bd:7f:ec,c1\n', 'csv'), /^list:1:1: a header was expected/)
  t.end()
})

import t from 'tap'
import { canonicalIp, formatSubjectAltName, ownNames, parseSubjectAltNames } from '../../src/tls/names.js'

t.test('names as people write them', t => {
  t.same(parseSubjectAltNames('DNS:matchbox.example.com,IP:192.168.1.2, ip:fe80::1'), [
    { kind: 'DNS', value: 'matchbox.example.com' }, { kind: 'IP', value: '192.168.1.2' }, { kind: 'IP', value: 'fe80::1' }
  ])
  t.same(parseSubjectAltNames('DNS.1:a,IP.1:10.0.0.1').map(formatSubjectAltName), ['DNS:a', 'IP:10.0.0.1'], "Matchbox's numbered form")
  t.same(parseSubjectAltNames('DNS:*.example.com,DNS:bücher.example').map(name => name.value), ['*.example.com', 'xn--bcher-kva.example'])
  t.same(parseSubjectAltNames(' ,'), [])
  const long = 'a'.repeat(63)
  for (const name of [long, `${long}.${long}.${long}.${'a'.repeat(61)}`, 'a_b-c', '*.a']) t.same(parseSubjectAltNames(`DNS:${name}`), [{ kind: 'DNS', value: name }], `${name.length} octets`)
  t.same(['10.0.0.1', 'FE80::0001', 'fe80::0001%lo'].map(canonicalIp), ['10.0.0.1', 'fe80::1', 'fe80::0001%lo'], 'a zone is no part that has another spelling')
  t.end()
})

t.test('what is no name is refused with its text', t => {
  for (const text of ['matchbox', 'DNS:', 'DNS:a b', 'DNS:-a', 'DNS:10.0.0.1', 'IP:matchbox', 'IP:1.2.3', 'URI:http://x', 'DNS:a..b', 'DNS:*', 'DNS:a.*', 'DNS:a-', `DNS:${'a'.repeat(64)}`, `DNS:${`${'a'.repeat(63)}.`.repeat(3)}${'a'.repeat(62)}`]) {
    t.throws(() => parseSubjectAltNames(text), { code: 'usage', message: JSON.stringify(text) }, text)
  }
  t.end()
})

t.test('this machine has names', t => {
  const names = ownNames().map(formatSubjectAltName)
  t.ok(names.includes('DNS:localhost'))
  t.ok(names.includes('IP:127.0.0.1'))
  t.equal(new Set(names).size, names.length)
  t.end()
})

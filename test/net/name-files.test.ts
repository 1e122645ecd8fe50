import t from 'tap'
import { hostsAddresses, nameServices, searched } from '../../src/net/name-files.js'

t.test('hosts(5): every line that names it, whole words alone', t => {
  const text = '127.0.0.1\tlocalhost\n10.0.0.1 a.example A # b\n#10.0.0.2 a\n10.0.0.3 aa xa ax\nfd00::1 x a\n10.0.0.1 a\nno-address a\n10.0.0.4 last'
  t.same(hostsAddresses(text, 'a'), [{ address: '10.0.0.1', family: 4 }, { address: 'fd00::1', family: 6 }])
  t.same(hostsAddresses(text, 'b'), [])
  t.same(hostsAddresses(text, 'last'), [{ address: '10.0.0.4', family: 4 }])
  t.same(hostsAddresses('', 'a'), [])
  t.end()
})

t.test('resolv.conf(5): what is searched, and when the name itself comes first', t => {
  const rows: ReadonlyArray<readonly [conf: string, name: string, found: readonly string[]]> = [
    ['', 'a', ['a.own.example', 'a']],
    ['', 'a.b', ['a.b', 'a.b.own.example']],
    ['search x.test y.test.', 'a', ['a.x.test', 'a.y.test', 'a']],
    ['domain x.test\nsearch y.test\n', 'a.', ['a']],
    ['domain x.test\nsearch y.test # z.test\n', 'a', ['a.y.test', 'a']],
    ['search x.test\noptions timeout:1 ndots:2', 'a.b', ['a.b.x.test', 'a.b']],
    ['search .', 'a', ['a']]
  ]
  for (const [conf, name, found] of rows) t.same(searched(conf, name, 'machine.own.example'), found, `${conf}: ${name}`)
  t.same(searched('', 'a', 'machine'), ['a'])
  t.end()
})

t.test('nsswitch.conf(5): who is asked for hosts', t => {
  t.same(nameServices('passwd: files sss\nhosts:  files mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return SUCCESS=continue] dns # nis'), ['files', 'mdns4_minimal', 'resolve', 'dns'])
  t.same(nameServices('hosts:files dns'), ['files', 'dns'], 'without a blank it is no line of hosts: what the C library does by itself')
  t.same(nameServices(''), ['files', 'dns'])
  t.end()
})

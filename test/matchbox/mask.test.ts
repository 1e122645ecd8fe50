// Documents without their secrets: each kind has one of each sort, and what can't be read is hidden whole.
import t from 'tap'
import { maskDocument, maskIgnition, withoutToken } from '../../src/matchbox/mask.js'

t.test('Ignition: secrets are told by their size', t => {
  const shown = maskIgnition(Buffer.from(JSON.stringify({
    ignition: { version: '3.4.0', config: { merge: [{ source: 'http://192.168.100.2:8080/ignition?guard=abc123&mac=x' }] } },
    passwd: { users: [{ name: 'core', passwordHash: '$6$secret', sshAuthorizedKeys: ['ssh-ed25519 AAAA'] }] },
    storage: { files: [{ path: '/etc/token', contents: { source: 'data:,hunter2' } }], luks: [{ name: 'data', keyFile: { source: 'data:,key' } }] },
    systemd: { units: [{ name: 'x.service', contents: '[Service]\nEnvironment=PASSWORD=hunter2' }] }
  })))
  for (const secret of ['$6$secret', 'AAAA', 'hunter2', 'data:,key', 'abc123']) t.notMatch(shown, secret)
  for (const word of ['core', '/etc/token', 'x.service', 'guard=(masked)&mac=x', '(masked, 9 octets)']) t.match(shown, word)
  t.equal(maskIgnition(Buffer.from('#cloud-config')), '(masked, 13 octets)')
  t.equal(withoutToken('kernel http://x/ignition?guard=abc args'), 'kernel http://x/ignition?guard=(masked) args')
  t.end()
})

t.test('Ignition: a download that is opened by its address or its headers', t => {
  const shown = maskIgnition(Buffer.from(JSON.stringify({
    ignition: { config: { replace: { source: 'https://anna:hunter2@example.org/a?access_token=chance1&x=1', httpHeaders: [{ name: 'Authorization', value: 'Basic hunter3' }] } } }
  })))
  for (const secret of ['hunter', 'chance1']) t.notMatch(shown, secret)
  for (const word of ['https://(masked)@example.org/a?access_token=(masked)&x=1', 'Authorization']) t.match(shown, word)
  t.end()
})

const cloud = `#cloud-config
hostname: node1
password: hunter01
users:
  - name: core
    passwd: &same $6$hunter02
    hashed_passwd: *same
    ssh_authorized_keys: [ssh-ed25519 hunter03]
  - { name: two, "plain_text_passwd": "hunter
      04" }
  - ? password
    : hunter05
ssh_authorized_keys:
  - ssh-rsa hunter06
write_files:
  - path: /etc/app.conf
    content: |
      user=app

      pass=hunter07
runcmd:
  - [curl, -u, hunter08, "http://example.org"]
chpasswd: { list: "root:hunter09" }
coreos:
  etcd2: { discovery: "https://discovery.etcd.io/hunter10" }
  update: { reboot-strategy: off, server: "https://x:hunter11@example.org/" }
  units: [{ name: a.service, content: "hunter12" }]
note: |
  -----BEGIN PRIVATE KEY-----
  hunter13
plain: c2VjcmV0c2VjcmV0c2VjcmV0aHVudGVyMTQ0
`

t.test('cloud-config: whatever way YAML has to write it', t => {
  const shown = maskDocument('cloud', Buffer.from(cloud))
  t.notMatch(shown, /hunter|c2Vjcm/)
  t.match(JSON.parse(shown), { hostname: 'node1', users: [{ name: 'core' }, { name: 'two' }], write_files: [{ path: '/etc/app.conf' }], coreos: { update: { 'reboot-strategy': 'off' }, units: [{ name: 'a.service' }] } })
  t.match(shown, '"password": "(masked, 8 octets)"')
  for (const script of ['#!/bin/sh\necho hunter2\n', '#cloud-config\n- hunter2', 'hunter2', '#cloud-config\na: [hunter2', '']) {
    t.equal(maskDocument('cloud', Buffer.from(script)), `(masked, ${script.length} octets)`)
  }
  t.end()
})

t.test('aliases that stand for more than there is memory', t => {
  const laughs = `#cloud-config\na0: &a0 [x, x]\n${Array.from({ length: 40 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`).join('\n')}\n`
  t.ok(maskDocument('cloud', Buffer.from(laughs)).length < 10_000)
  t.end()
})

t.test('a generic config: JSON, or nothing that is known', t => {
  const shown = maskDocument('generic', Buffer.from('{"role": "worker", "join": {"apiToken": "hunter1", "ca_cert": "hunter2"}, "url": "http://x/?guard=hunter3"}'))
  t.same(JSON.parse(shown), { role: 'worker', join: { apiToken: '(masked, 7 octets)', ca_cert: '(masked, 7 octets)' }, url: 'http://x/?guard=(masked)' })
  t.equal(maskDocument('generic', Buffer.from('PASSWORD=hunter2')), '(masked, 16 octets)')
  t.end()
})

t.test('metadata: a value over several lines hides all', t => {
  t.equal(maskDocument('metadata', Buffer.from('MAC=52:54:00:00:00:01\nROOT_PASSWORD=hunter2\nURL=http://x/?token=hunter3&a=b=c\nK=ssh-rsa AAAA\n')),
    'MAC=52:54:00:00:00:01\nROOT_PASSWORD=(masked, 7 octets)\nURL=http://x/?token=(masked)&a=b=c\nK=(masked, 12 octets)')
  t.match(maskDocument('metadata', Buffer.from('A=b\nPEM=-----BEGIN\nhunter2\n')), /^\(masked, \d+ octets\)$/)
  t.end()
})

import { Buffer } from 'node:buffer'
import t from 'tap'
import { endOfPrefix, formatKey, type Meaning, objectFolders, parseKey, updateKeys } from '../../src/etcd/keys.js'
import { parseIpv4 } from '../../src/net/ipv4.js'
import { parseMac } from '../../src/net/mac.js'

t.test('a key and what it stands for, there and back', async t => {
  const meanings: readonly Meaning[] = [
    { kind: 'fleet' },
    ...objectFolders.map(folder => ({ kind: 'object', folder, name: 'a' } as const)),
    { kind: 'object', folder: 'profiles', name: 'rack/1/node' },
    { kind: 'object', folder: 'ignition', name: 'node ä.yaml' },
    { kind: 'lease', ip: parseIpv4('10.0.0.7')! },
    { kind: 'binding', subnet: '10.0.0.0/24', mac: parseMac('52:54:00:00:00:01')! },
    { kind: 'machine', mac: parseMac('52:54:00:00:00:01')! },
    { kind: 'server', name: 'p1' },
    { kind: 'shared', name: 'enrolment' },
    { kind: 'guard', name: '00ff' },
    { kind: 'discovery', what: 'index' },
    { kind: 'discovery', what: 'token', token: '00ff' },
    { kind: 'discovery', what: 'member', token: '00ff', id: 'a b/c' },
    ...updateKeys.map(what => ({ kind: 'update', what, name: 'id 52:54:00:00:00:01' } as const))
  ]
  for (const meaning of meanings) t.same(parseKey(formatKey(meaning)), meaning, formatKey(meaning))
})

t.test('what is no key of ours', async t => {
  for (const key of ['', 'groups', 'groups/', '/a', 'groups/../a', 'ignition/a/../../b', 'ignition//a', 'files/./a', 'files/a\0', 'leases/10.0.0', 'leases/10.0.0.07',
    'machines/52-54-00-00-00-01', 'machines/52:54:00:00:00:0G', 'servers/a/b', 'shared/', 'other/a', 'fleet/1', 'guard/a/b', 'updates/other/a', 'updates/instances/', 'updates/instances/%zz',
    'updates/instances/a b', 'bindings/10.0.0.0-24', 'bindings/10.0.0.1-24/52:54:00:00:00:01', 'bindings/10.0.0.0-24/52-54-00-00-00-01',
    'bindings/10.0.0.0-024/52:54:00:00:00:01', 'discovery/tokens/', 'discovery/tokens/xyz', 'discovery/tokens/00/a', 'discovery/members/00', 'discovery/other']) t.equal(parseKey(key), undefined, JSON.stringify(key))
})

t.test('the end of a prefix', async t => {
  t.same(endOfPrefix('/a/'), Buffer.from('/a0'))
  t.same(endOfPrefix('a\u00ff'), Buffer.from([0x61, 0xc3, 0xc0]))
  t.same(endOfPrefix(''), Buffer.from([0]))
})

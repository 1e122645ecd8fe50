// What is amiss with a group or a profile, each thing by itself.
import t from 'tap'
import { findingText } from '../../src/doctor/finding.js'
import { JsonPlaces } from '../../src/doctor/json-places.js'
import { lintGroup, lintProfile } from '../../src/doctor/lint-objects.js'
import { typeFaults } from '../../src/doctor/lint-types.js'
import { parseGroup } from '../../src/matchbox/group.js'
import { parseProfile } from '../../src/matchbox/profile.js'
import { makeProfile, MemoryStore } from '../helpers/memory-store.js'

const store = new MemoryStore({
  profiles: [makeProfile({ id: 'worker' }), makeProfile({ id: 'p' })],
  configs: { ignition: { 'worker.yaml': '', plain: '' }, generic: { g: '' } }
})
const mac = '52:54:00:00:00:01'

function found (kind: 'group' | 'profile', json: object | string, name = 'a'): readonly string[] {
  const bytes = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))
  const places = new JsonPlaces('f', bytes)
  const findings = kind === 'group' ? lintGroup(name, parseGroup(bytes), places, store.snapshot) : lintProfile(name, parseProfile(bytes), places, store.snapshot)
  return findings.map(finding => `${finding.rule} ${findingText(finding)}`)
}
const ofGroup = (more: object): readonly string[] => found('group', { id: 'a', profile: 'p', selector: { mac }, ...more })
const ofBoot = (boot: object): readonly string[] => found('profile', { id: 'a', boot: { kernel: '/assets/k', ...boot } })

t.test('a group with which nothing is amiss', t => {
  t.same(ofGroup({ metadata: { ip: '10.0.0.1', install_once: 'true', etc_hosts: 'x', 'pod-network': 'y' } }), [])
  t.same(found('group', { id: 'a', profile: 'p', selector: { mac } }, 'folder/a'), [])
  t.end()
})

t.test('each thing that may be amiss with a group', t => {
  const one = (more: object, text: RegExp): void => {
    const [first, ...rest] = ofGroup(more)
    t.match(first, text)
    t.same(rest, [], JSON.stringify(more))
  }
  one({ id: 'b' }, /^id-differs f:1:\d+: the id is "b", the file is called "a"/)
  one({ profile: '' }, /^missing-profile .*names no profile/)
  one({ profile: 'wroker' }, /^missing-profile .*names the profile "wroker", which is not there.*; did you mean "worker"\?$/)
  one({ profile: 'nowhere-near' }, /which is not there: its machines get 404$/)
  one({ selector: {} }, /^no-selector /)
  one({ selector: { MAC: mac } }, /^selector-case .*"MAC" never matches/)
  one({ selector: { uuid: 'ABC' } }, /^selector-case .*is "abc" meant\?/)
  t.same(ofGroup({ selector: { uuid: 'abc-012' } }), [])
  t.same(ofGroup({ selector: { serial: 'ABC' } }), [])
  for (const value of [' x', 'x ', '\tx']) one({ selector: { role: value } }, /^selector-space /)
  one({ selector: { mac: '00:00:00:00:00:00' } }, /^selector-address .*it is none/)
  for (const many of ['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '33:33:00:00:00:01']) one({ selector: { mac: many } }, /^selector-address .*stands for many/)
  t.same(ofGroup({ selector: { mac: '02:00:00:00:00:00' } }), [])
  one({ metadata: { install_once: 'perhaps' } }, /^metadata f:1:\d+: metadata install_once is "perhaps", expected true or false$/)
  one({ metadata: { guard_count: 0 } }, /^metadata .*guard_count/)
  one({ metadata: { guard_window: 'x' } }, /^metadata .*guard_window/)
  one({ metadata: { boot_resilient: 'x' } }, /^metadata .*boot_resilient/)
  one({ metadata: { ignition_guard: 'x' } }, /^metadata .*ignition_guard/)
  one({ metadata: { 'install-once': true } }, /^metadata-key .*did you mean "install_once"\?/)
  one({ metadata: { instal_once: true } }, /^metadata-key .*did you mean "install_once"\?/)
  t.same(ofGroup({ metadata: { hostn: 'x' } }), [], 'a short name may mean anything')
  one({ metadata: { hostnm: 'x' } }, /^metadata-key .*did you mean "hostname"\?/)
  one({ metadata: { hostnam: 'x' } }, /^metadata-key .*did you mean "hostname"\?/)
  one({ metadata: { boot_file: '../x' } }, /^metadata .*boot_file is left out/)
  one({ metadata: { ip: 'x' } }, /^metadata .*ip is "x", which is no IPv4 address/)
  one({ metadata: { ip: 7 } }, /^metadata .*ip is "7"/)
  t.same(ofGroup({ selector: { role: 'x' }, metadata: { ip: 'x' } }), [], 'nobody would be given it')
  t.match(found('group', `{"id":"a","profile":"p","selector":{"mac":"${mac}","role":"x","role":"y"},"metadata":{"a":1,"a":2},"x":1}`),
    [/^unknown-key .*"x"/, /^repeated-key .*"role"/, /^repeated-key .*"a"/])
  t.end()
})

t.test('each thing that may be amiss with a profile', t => {
  t.same(found('profile', { id: 'a', ignition_id: 'worker.yaml', generic_id: 'g' }), [])
  t.match(found('profile', { id: 'a', ignition_id: 'worker' }), [/^missing-config f:1:\d+: names ignition\/worker, which is not there: \/ignition answers 404; did you mean "worker\.yaml"\?$/])
  t.match(found('profile', { id: 'a', ignition_id: 'worke.yaml', cloud_id: 'c', generic_id: 'h' }), [/ignition.*did you mean "worker\.yaml"/, /names cloud\/c.*404$/, /names generic\/h/])
  t.match(found('profile', { id: 'b' }), [/^id-differs .*the id is "b"/])
  t.match(found('profile', { id: 'a', boot: { kernl: '' } }), [/^unknown-key .*"kernl".*"kernel"/, /^missing-kernel .*boots no kernel/])
  t.end()
})

t.test('paths that a machine would be answered 404 for', t => {
  for (const url of ['/assets/k', 'assets/k', '/boot/x', 'http://a/k', 'tftp://a/k', 'nfs+x://a', '${base-url}/k', '(http)/k', '{{.x}}', '/assets/a/../k']) { // eslint-disable-line no-template-curly-in-string
    t.same([...ofBoot({ kernel: url }), ...ofBoot({ initrd: [url] }), ...ofBoot({ initrd: [`--name x  ${url} `] })], [], url)
  }
  t.match(ofBoot({ kernel: '/k' }), [/^not-served .*"\/k" is not under \/assets\/: machines get 404; is "\/assets\/k" meant\?$/])
  t.match(ofBoot({ kernel: '//k' }), [/is "\/assets\/k" meant/])
  t.match(ofBoot({ kernel: 'assetsx/k' }), [/is not under/])
  t.match(ofBoot({ initrd: ['/assets/a', '--name x k'] }), [/^not-served .*"k" is not under/])
  for (const url of ['/assets/../k', 'boot/../k']) t.match(ofBoot({ kernel: url }), [/leads out of \/assets\//], url)
  t.end()
})

t.test('values of another kind than their key takes, each', t => {
  const faults = (kind: 'group' | 'profile', json: string): readonly string[] => typeFaults(kind, Buffer.from(json), new JsonPlaces('f', Buffer.from(json))).map(findingText)
  t.same(faults('group', '{"id":1,"name":null,"selector":{"a":"x","b":[1],"c":null},"metadata":[]}'), [
    'f:1:7: id has to be a string, not a number', 'f:1:46: selector.b has to be a string, not an array', 'f:1:71: metadata has to be an object, not an array'
  ])
  t.same(faults('group', '{"selector":"x","metadata":{"a":[1,{}]},"other":1}'), ['f:1:13: selector has to be an object, not a string'])
  t.same(faults('group', '{"selector":null,"metadata":null}'), [])
  t.same(faults('profile', '{"boot":{"kernel":1,"initrd":["a",2,null],"args":"x","resilient":"yes","shim":{}},"ignition_id":true}'), [
    'f:1:19: boot.kernel has to be a string, not a number', 'f:1:35: boot.initrd[] has to be a string, not a number', 'f:1:50: boot.args has to be a list of strings, not a string',
    'f:1:66: boot.resilient has to be true or false, not a string', 'f:1:80: boot.shim has to be a string, not an object', 'f:1:97: ignition_id has to be a string, not a boolean'
  ])
  t.same(faults('profile', '{"boot":{"initrd":{},"args":null,"resilient":null}}'), ['f:1:20: boot.initrd has to be a list of strings, not an object'])
  t.same(faults('profile', '{"boot":[]}'), ['f:1:10: boot has to be an object, not an array'])
  for (const json of ['{"boot":null}', '[]', '1', '{', 'null']) t.same(faults('profile', json), [], json)
  t.end()
})

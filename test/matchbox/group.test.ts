import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import { assertGroup, encodeGroup, encodeMetadata, isMacKey, matcherOf, parseGroup, parseMetadata } from '../../src/matchbox/group.js'
import { makeGroup } from '../helpers/memory-store.js'

const parse = (text: string): ReturnType<typeof parseGroup> => parseGroup(Buffer.from(text))

t.test('a group file is read as encoding/json fills the struct', t => {
  const group = parse('{"ID":"a","unknown":[1],"Profile":"first","profile":"p","selector":{"k":"1"},"ſelector":{"k2":null},"metadata":{"x":1,"x":2}}')
  t.equal(group.id, 'a')
  t.equal(group.profile, 'p', 'a repeated key is read again')
  t.same([...group.selector], [['k', '1'], ['k2', '']], 'repeated objects are merged, null is an empty string')
  t.same([...group.metadata ?? []], [['x', 2]])
  t.equal(parse('null').id, '', 'null is a group without anything')
  t.equal(parse('{"id":"a","id":null}').id, 'a', 'null leaves what was there')
  t.equal(parse('{"metadata":{}}').metadata?.size, 0)
  t.equal(parse('{"metadata":{"a":1},"metadata":null}').metadata, undefined)
  t.equal(parse('{"name":"a\\ud800b"}').name, 'a\ufffdb')
  t.equal(parseGroup(Buffer.from('7b226e616d65223a22636166e9227d', 'hex')).name, 'caf\ufffd')
  t.end()
})

t.test('what Go refuses is refused, with the place', t => {
  for (const [text, message] of [
    ['', '1:1: unexpected end of JSON input'],
    ['{"id": "a",\n "profile": nope}', "2:13: invalid character 'n' looking for beginning of value"],
    ['{"id":"a"} trailing', "1:12: invalid character 't' after top-level value"],
    ['{"id":"a",}', "1:11: invalid character '}' looking for beginning of object key string"],
    ['\ufeff{}', '1:1: the text begins with a byte order mark, which has no place in JSON'],
    ['[]', 'a group has to be an object, not an array'],
    ['{"profile":5}', 'profile has to be a string, not a number'],
    ['{"selector":{"cpu":4}}', 'selector.cpu has to be a string, not a number'],
    ['{"metadata":[]}', 'metadata has to be an object, not an array'],
    ['{"metadata":{"a":1e999}}', '1:18: the number 1e999 is too large'],
    ['{"id":"a\tb"}', "1:9: invalid character '\\t' in string literal"],
    ['{"id":"\\x"}', "1:9: invalid character 'x' in string escape code"],
    ['{"selector":{"mac":"52:54"}}', 'selector mac: "52:54" is not a hardware address'],
    ['{"selector":{"MAC":""}}', 'selector MAC: "" is not a hardware address'],
    ['{"metadata":' + '{"a":'.repeat(2000) + '1' + '}'.repeat(2001), '1:5008: exceeded max depth of 1000']
  ] as const) {
    t.throws(() => parse(text), { code: 'group_invalid', message }, text.slice(0, 40))
  }
  t.end()
})

t.test('addresses are compared in one form', t => {
  t.same([...matcherOf(new Map([['mac', '52-54-00-AA-BB-01'], ['Mac', '5254.00aa.bb01'], ['uuid', 'UPPER']]))],
    [['mac', ['52:54:00:aa:bb:01']], ['Mac', ['52:54:00:aa:bb:01']], ['uuid', ['UPPER']]])
  t.same(matcherOf(new Map([['mac', '52:54:00:aa:bb:01, 52-54-00-AA-BB-02']])).get('mac'), ['52:54:00:aa:bb:01', '52:54:00:aa:bb:02'])
  t.throws(() => matcherOf(new Map([['mac', '52:54:00:aa:bb:01,']])), { code: 'group_invalid' })
  t.ok(isMacKey('MAC'))
  t.notOk(isMacKey('macs'))
  t.end()
})

t.test('a group file is written as Matchbox writes it', t => {
  t.equal(encodeGroup(makeGroup({ id: 'a', profile: 'p' })).toString(), '{\n\t"id": "a",\n\t"profile": "p"\n}')
  t.equal(encodeGroup(parse('{"id":"<x>&","profile":"p","selector":{"z":"1","mac":"52-54-00-AA-BB-01"},"metadata":{"b":[],"a":[1,{}],"n":-0,"e":1e-7}}')).toString(),
    '{\n\t"id": "\\u003cx\\u003e\\u0026",\n\t"profile": "p",\n\t"selector": {\n\t\t"mac": "52-54-00-AA-BB-01",\n\t\t"z": "1"\n\t},' +
    '\n\t"metadata": {\n\t\t"a": [\n\t\t\t1,\n\t\t\t{}\n\t\t],\n\t\t"b": [],\n\t\t"e": 1e-7,\n\t\t"n": -0\n\t}\n}')
  t.end()
})

t.test('metadata as text', t => {
  t.equal(parseMetadata(Buffer.alloc(0)), undefined)
  t.equal(parseMetadata(Buffer.from('null')), undefined)
  t.equal(encodeMetadata(undefined).toString(), '{}')
  t.equal(encodeMetadata(parseMetadata(Buffer.from('{"b":"<x>","a":1.5,"n":null,"big":12345678901234568}'))).toString(),
    '{"a":1.5,"b":"\\u003cx\\u003e","big":12345678901234568,"n":null}')
  for (const text of ['[]', '5', '"x"', '{', "{'a':1}", '{} x']) {
    t.throws(() => parseMetadata(Buffer.from(text)), { code: 'group_invalid' }, text)
  }
  t.end()
})

t.test('what may be stored', t => {
  t.doesNotThrow(() => { assertGroup(makeGroup({ id: 'a' })) })
  t.throws(() => { assertGroup(makeGroup({ id: '' })) }, AppError)
  t.throws(() => { assertGroup(makeGroup({ id: 'a', profile: '' })) }, AppError)
  t.throws(() => { assertGroup(makeGroup({ id: 'a', selector: { mac: 'zz' } })) }, AppError)
  t.end()
})

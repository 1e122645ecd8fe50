// The decoder against protobuf.js on what both take, against Go's rules on what protobuf.js lets pass, and against noise.
import fc from 'fast-check'
import t from 'tap'
import { DecodeError } from '../../src/base/errors.js'
import { decodeMessage } from '../../src/grpc/decode.js'
import { loadProtocol } from '../../src/grpc/proto.js'
import { cases } from '../helpers/property.js'

const protocol = await loadProtocol()
const group = protocol.requestType('GroupPut')
const get = protocol.requestType('GroupGet')
const profile = protocol.requestType('ProfilePut')
const serialize = protocol.services.Groups['GroupPut']!.requestSerialize
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

t.test('fields of every kind', t => {
  const bytes = serialize({ group: { id: 'g', name: 'n', profile: 'p', selector: { mac: 'x', ü: '' }, metadata: Buffer.from('{}') } })
  t.same(decodeMessage(bytes, group), {
    group: { id: 'g', name: 'n', profile: 'p', selector: new Map([['mac', 'x'], ['ü', '']]), metadata: Buffer.from('{}') }
  })
  t.same(decodeMessage(Buffer.alloc(0), group), {}, 'what is not on the wire is not there')
  t.same(decodeMessage(hex('0a 02 2a 00'), group), { group: { metadata: Buffer.alloc(0) } }, 'what is there but empty is')
  t.same(decodeMessage(hex('0a 0e 0a 01 70 2a 09 0a 01 6b 12 01 61 12 01 62'), profile),
    { profile: { id: 'p', boot: { kernel: 'k', initrd: ['a', 'b'] } } }, 'repeated')
  t.same(decodeMessage(hex('0a 02 22 00'), group), { group: { selector: new Map([['', '']]) } }, 'a map entry without key and value')
  t.end()
})

t.test('as Go reads it', t => {
  t.same(decodeMessage(hex('0a 01 78 0a 01 66'), get), { id: 'f' }, 'of a field that repeats, the last')
  t.same(decodeMessage(hex('0a 03 0a 01 61 0a 03 12 01 62'), group), { group: { id: 'a', name: 'b' } }, 'a message that repeats is merged')
  t.same(decodeMessage(hex('0a 01 66 98 06 01'), get), { id: 'f' }, 'unknown fields')
  t.same(decodeMessage(hex('0a 01 66 f8 ff ff ff 0f 01'), get), { id: 'f' }, 'the largest number')
  t.same(decodeMessage(hex('10 ff ff ff ff ff ff ff ff ff 01 0a 01 66'), get), { id: 'f' }, 'a number of ten octets')
  t.same(decodeMessage(hex('08 e1 07'), get), {}, 'a known field in another wire type is unknown')
  t.same(decodeMessage(hex('0d 00 00 00 00 09 00 00 00 00 00 00 00 00'), get), {}, 'fixed32 and fixed64')
  t.same(decodeMessage(hex('1b 23 0a 01 78 24 1c 0a 01 66'), get), { id: 'f' }, 'groups inside groups')
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['0a 05 61', 'truncated'], ['0a', 'truncated'], ['80', 'truncated'], ['09 00', 'truncated'], ['0d 00', 'truncated'], ['1b', 'truncated'],
    ['02 01 66', 'illegal_tag'], ['80 80 80 80 10 00', 'illegal_tag'], ['f8 ff ff ff ff ff ff ff ff 01 00', 'illegal_tag'], ['00', 'illegal_tag'], ['0a 01 ff', 'invalid_utf8'], ['0a 03 ed a0 80', 'invalid_utf8'],
    ['0c', 'illegal_wire_type'], ['0e', 'illegal_wire_type'], ['0f', 'illegal_wire_type'], ['ff ff ff ff ff ff ff ff ff ff 01', 'long_varint'],
    ['0a ff ff ff ff ff ff ff ff 7f', 'truncated']
  ]
  for (const [text, code] of cases) t.throws(() => decodeMessage(hex(text), get), { name: 'DecodeError', code }, text)
  t.end()
})

t.test('whatever protobuf.js writes is read', t => {
  const text = fc.string({ unit: 'binary' }).map(s => s.toWellFormed())
  const label = text.filter(s => s !== '__proto__')
  const message = fc.record({ id: text, name: text, profile: text, selector: fc.dictionary(label, text), metadata: fc.uint8Array() })
  fc.assert(fc.property(message, value => {
    const metadata = Buffer.from(value.metadata)
    const { group: read } = decodeMessage(serialize({ group: { ...value, metadata } }), group) as { group: Record<string, unknown> }
    t.same(read['selector'] ?? new Map(), new Map(Object.entries(value.selector)))
    for (const key of ['id', 'name', 'profile'] as const) if ((read[key] ?? '') !== value[key]) return false
    return ((read['metadata'] ?? Buffer.alloc(0)) as Buffer).equals(metadata)
  }), { ...cases(t, 200), verbose: 1 })
  t.end()
})

t.test('noise is a message or a DecodeError', t => {
  const bytes = serialize({ group: { id: 'group', profile: 'p', selector: { mac: 'a', b: 'c' }, metadata: Buffer.from('{"a":1}') } })
  for (let length = 0; length < bytes.length; length++) {
    try { decodeMessage(bytes.subarray(0, length), group) } catch (error) { t.ok(error instanceof DecodeError) }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(group, get, profile), (noise, type) => {
    try {
      return typeof decodeMessage(Buffer.from(noise), type) === 'object'
    } catch (error) {
      return error instanceof DecodeError
    }
  }), { ...cases(t, 20_000), verbose: 1 })
  t.end()
})

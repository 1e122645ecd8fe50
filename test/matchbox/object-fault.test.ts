import t from 'tap'
import { parseGroup } from '../../src/matchbox/group.js'
import { faultOf } from '../../src/matchbox/object-fault.js'
import { parseProfile } from '../../src/matchbox/profile.js'

const faultIn = (parse: (bytes: Buffer) => unknown, text: string): unknown => {
  try {
    return parse(Buffer.from(text))
  } catch (error) {
    return faultOf(error)
  }
}

t.test('what is wrong with a file, and where', t => {
  for (const [parse, text, fault] of [
    [parseGroup, '{\n"id": x}', { text: "invalid character 'x' looking for beginning of value", at: { line: 2, column: 7 } }],
    [parseGroup, '[]', { text: 'a group has to be an object, not an array', path: [] }],
    [parseGroup, '{"metadata":[]}', { text: 'metadata has to be an object, not an array', path: ['metadata'] }],
    [parseGroup, '{"selector":{"a.b":1}}', { text: 'selector.a.b has to be a string, not a number', path: ['selector', 'a.b'] }],
    [parseGroup, '{"selector":{"mac":"x"}}', { text: 'selector mac: "x" is not a hardware address', path: ['selector', 'mac'] }],
    [parseProfile, '{"boot":1}', { text: 'boot has to be an object, not a number', path: ['boot'] }],
    [parseProfile, '{"boot":{"initrd":["a",1]}}', { text: 'boot.initrd[] has to be a string, not a number', path: ['boot', 'initrd', 1] }]
  ] as const) t.same(faultIn(parse, text), fault, text)
  t.equal(faultOf(new Error('x')), undefined)
  t.end()
})

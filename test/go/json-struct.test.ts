// Fields of a struct as encoding/json finds them among the members of an object, and what is no value for them.
import t from 'tap'
import { parseJson } from '../../src/go/json.js'
import { fieldsOf, kindOf, stringField, stringsField } from '../../src/go/json-struct.js'

const node = (text: string): ReturnType<typeof parseJson> => parseJson(Buffer.from(text))

t.test('members go by the name of their field, whatever their case, in their order', t => {
  t.same(fieldsOf(node('{"ID":1,"x":2,"id":3,"K\u017f":4,"\u212as":5}'), 'group', ['id', 'ks']), [['id', 1], ['id', 3], ['ks', 4], ['ks', 5]])
  t.same(fieldsOf(node('{"Id":1,"ID":2}'), 'group', ['Id']), [['Id', 1]], 'a field with capitals only as it is written')
  t.same(fieldsOf(null, 'group', ['id']), [])
  for (const [text, kind] of [['[]', 'an array'], ['1', 'a number'], ['"a"', 'a string'], ['true', 'a boolean']] as const) {
    t.throws(() => fieldsOf(node(text), 'group', []), { message: `group has to be an object, not ${kind}` })
  }
  t.end()
})

t.test('strings and lists of them, where null says nothing', t => {
  t.equal(stringField('a', 'x', 'before'), 'x')
  t.equal(stringField('a', null, 'before'), 'before')
  t.throws(() => stringField('a', 1, ''), { message: 'a has to be a string, not a number' })
  t.same(stringsField('a', node('["x",null]')), ['x', ''])
  t.same(stringsField('a', null), [])
  t.throws(() => stringsField('a', node('{}')), { message: 'a has to be a list of strings, not an object' })
  t.throws(() => stringsField('a', 'x'), { message: 'a has to be a list of strings, not a string' })
  t.throws(() => stringsField('a', node('["x",["y"]]')), { message: 'a[] has to be a string, not an array' })
  t.equal(kindOf(node('{}')), 'an object')
  t.end()
})

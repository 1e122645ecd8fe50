// index, slice and len.
import t from 'tap'
import { StringMap } from '../../../src/go/template/template.js'
import { renderBrief } from '../../helpers/render-template.js'

const data = { list: ['a', 'b', 'c'], map: { a: 1, l: [[7]] }, nil: null, n: 1, s: 'héllo', query: new StringMap([['a', '1']]) }

const rows: ReadonlyArray<readonly [call: string, output: string]> = [
  ['index .list 0', 'a'], ['index .list 2', 'c'], ['index .map "a"', '1'], ['index .map "l" 0 0', '7'], ['index .map "x"', '<no value>'], ['print (index .map "x")', '<nil>'], ['index .query "a"', '1'], ['index .query "x" | printf "%q"', '""'],
  ['index .list', '[a b c]'], ['index 1', '1'], ['index .s 0', '104'], ['index .s 1', '195'], ['printf "%T" (index .s 0)', 'uint8'], ['index .list (index "\\x01" 0)', 'b'], ['index "abc" 1 | printf "%c"', 'b'],
  ['index .list 3', '!reflect: slice index out of range'], ['index .s 6', '!reflect: string index out of range'], ['index .list 4', '!index out of range: 4'], ['index .list -1', '!index out of range: -1'], ['index .list 99999999999', '!index out of range: 99999999999'],
  ['index .list "0"', '!cannot index slice/array with type string'], ['index .list 1.0', '!cannot index slice/array with type float64'], ['index .list nil', '!cannot index slice/array with nil'], ['index .list .nil', '!cannot index slice/array with nil'], ['index .list .n', '!cannot index slice/array with type float64'],
  ['index .map 1', '!value has type int; should be string'], ['index .map nil', '!value is nil; should be of type string'], ['index .nil 1', '!index of untyped nil'], ['index nil', '!index of untyped nil'], ['index .map "x" "y"', '!index of nil pointer'], ['index .n 0', "!can't index item of type float64"], ['index .s 0 0', "!can't index item of type uint8"],
  ['slice .list', '[a b c]'], ['slice .list 1', '[b c]'], ['slice .list 1 2', '[b]'], ['slice .list 3', '[]'], ['slice .list 0 1 2', '[a]'], ['len (slice .list 1 1)', '0'], ['slice .s 1 3', 'é'], ['slice .s 6', ''], ['slice .s', 'héllo'], ['slice .s 1 2 | printf "%q"', '"\\xc3"'],
  // encoding/json appends three elements to a list of capacity four.
  ['slice .list 0 4', '[a b c <nil>]'], ['slice .list 4', '!invalid slice index: 4 > 3'], ['slice .list 0 5', '!index out of range: 5'], ['slice (slice .list 1) 0 3', '[b c <nil>]'], ['slice (slice .list 1) 0 4', '!index out of range: 4'], ['slice (slice .list 0 1 2) 0 3', '!index out of range: 3'],
  ['slice .list 2 1', '!invalid slice index: 2 > 1'], ['slice .list 0 2 1', '!invalid slice index: 2 > 1'], ['slice .list 0 1 2 3', '!too many slice indexes: 4'], ['slice .s 0 1 2', '!cannot 3-index slice a string'], ['slice .s 0 9', '!index out of range: 9'], ['slice .map 1', "!can't slice item of type map[string]interface {}"], ['slice .n', "!can't slice item of type float64"], ['slice .nil', '!slice of untyped nil'], ['slice .s "a"', '!cannot index slice/array with type string'],
  ['join ", " .list', 'a, b, c'], ['join "" .list', 'abc'], ['join "," (slice .list 1 1)', ''], ['join "," (slice .list 2)', 'c'], ['join "," .nil', '!join needs a list, not nil'], ['join "," nil', '!join needs a list, not nil'], ['join "," .n', '!join needs a list, not float64'], ['join "," .map', '!join needs a list, not map[string]interface {}'],
  ['len .list', '3'], ['len .map', '2'], ['len .s', '6'], ['len ""', '0'], ['len .query', '1'], ['printf "%T" (len "")', 'int'], ['len .nil', '!len of nil pointer'], ['len nil', '!reflect: call of reflect.Value.Type on zero Value'], ['len .n', '!len of type float64'], ["len 'a'", '!len of type int'], ['len true', '!len of type bool'], ['len 1i', '!len of type complex128'], ['len (index .s 0)', '!len of type uint8']
]
for (const [call, output] of rows) t.equal(renderBrief(`{{${call}}}`, data).replace(/^error: 1:\d+: error calling \w+: /, '!'), output, call)

// eq ne lt le gt ge, for each pair of kinds.
import t from 'tap'
import { renderBrief } from '../../helpers/render-template.js'

const data = { n: 4, s: 'a', t: true, nil: null, list: ['a'], empty: [], map: { a: 1 }, big: 2 ** 53 }
const types = '!incompatible types for comparison'
const kind = '!invalid type for comparison'

const rows: ReadonlyArray<readonly [call: string, output: string]> = [
  ['eq 1 1', 'true'], ['eq 1 2 3 1', 'true'], ['eq 1 2 3', 'false'], ['eq .n 4.0', 'true'], ['eq .n 4', types], ['eq 1 1.0', types], ['eq 1 "1"', types], ['eq true 1', types], ['eq "a" .list', types], ['eq 1 2 "a"', types], ['eq 1 1 "a"', 'true'],
  ['eq true .t', 'true'], ['eq "a" .s', 'true'], ['eq 1i 1i', 'true'], ['eq 1i 1+1i', 'false'], ['eq \'a\' (index "a" 0)', 'true'], ['eq (index "a" 0) 97', 'true'], ['eq (index "a" 0) -159', 'false'], ['eq (index "a" 0) 97.0', types],
  ['eq nil nil', 'true'], ['eq .nil nil', 'true'], ['eq .nil .nil', 'true'], ['eq .nil "a"', 'false'], ['eq "a" nil', 'false'], ['eq 0 nil', 'false'], ['eq nil .list', 'false'], ['eq .list nil', 'false'], ['eq .empty nil', 'false'], ['ne .map nil', 'true'], ['eq .nil "a" nil', 'true'],
  ['eq .list .list', '!non-comparable type [a]: []interface {}'], ['eq .map .map', '!non-comparable type map[a:%!s(float64=1)]: map[string]interface {}'], ['eq .list .map', '!non-comparable types [a]: []interface {}, map[string]interface {}: map[a:1]'], ['eq 1', '!missing argument for comparison'], ['eq .list', '!missing argument for comparison'],
  ['ne 1 2', 'true'], ['ne 1 1', 'false'], ['ne .nil nil', 'false'], ['ne 1 1.0', types],
  ['lt 1 2', 'true'], ['lt 2 1', 'false'], ['lt 1.5 .n', 'true'], ['lt "a" "b"', 'true'], ['lt "Z" "a"', 'true'], ['lt "\\xff" "é"', 'false'], ['lt 1 2.0', types], ['lt "a" 1', types], ['lt true 1', types], ['lt true false', kind], ['lt 1i 2i', kind], ['lt nil 1', kind], ['lt 1 nil', kind], ['lt .nil .nil', kind], ['lt .list .list', kind], ['lt 1 .map', kind],
  ['lt (index "a" 0) 98', 'true'], ['lt -1 (index "a" 0)', 'true'], ['gt (index "a" 0) -1', 'true'], ['lt 9223372036854775806 9223372036854775807', 'true'],
  ['le 1 1', 'true'], ['le 2 1', 'false'], ['le true true', kind], ['gt 2 1', 'true'], ['gt 1 1', 'false'], ['gt 1 1.0', types], ['ge 1 1', 'true'], ['ge 1 2', 'false'], ['ge "b" "a"', 'true'], ['ge nil nil', kind]
]
for (const [call, output] of rows) t.equal(renderBrief(`{{${call}}}`, data).replace(/^error: 1:\d+: error calling \w+: /, '!'), output, call)

t.match(renderBrief('{{eq .l .l}}', { l: new Array(1_000_000).fill('abc') }), /^.{900,1200}\.\.\.: \[\]interface \{\}$/s, 'a long list is not told whole')

// Pipelines: fields, variables, arguments, and the place that a message names.
import t from 'tap'
import { StringMap } from '../../../src/go/template/template.js'
import { render, renderBrief } from '../../helpers/render-template.js'

const data = { s: 'text', n: 3, t: true, f: false, nil: null, list: ['a', 'b'], map: { k: 'v', deep: { x: 1 } }, é: 'e', query: new StringMap([['a', '1']]) }

const rows: ReadonlyArray<readonly [template: string, output: string]> = [
  ['{{.s}} {{$.s}} {{.map.deep.x}} {{(.map).deep.x}} {{.é}}', 'text text 1 1 e'], ['{{$m := .map}}{{$m.deep.x}} {{($m.deep).x}}', '1 1'], ['{{.nil}} {{print .nil}} {{$x := .nil}}{{$x}} {{print $x}}', '<no value> <nil> <no value> <nil>'],
  ['{{.x}}', 'error: 1:2: map has no entry for key "x"'], ['{{.map.x}}', 'error: 1:6: map has no entry for key "x"'], ['{{.map.x.y}}', 'error: 1:6: map has no entry for key "x"'], ['{{$.x}}', 'error: 1:3: map has no entry for key "x"'], ['{{.query.b}}', 'error: 1:8: map has no entry for key "b"'],
  ['{{.nil.x}}', 'error: 1:6: nil pointer evaluating interface {}.x'], ['{{.s.x}}', "error: 1:4: can't evaluate field x in type interface {}"], ['{{(len .s).x}}', "error: 1:7: can't evaluate field x in type int"], ['{{(index .map "none").x}}', 'error: 1:14: nil data; no entry for key "x"'],
  ['{{define "t"}}{{.x}}{{end}}{{template "t"}}', 'error: 1:16: nil data; no entry for key "x"'], ['{{.s 1}}', 'error: 1:2: s is not a method but has arguments'], ['{{1 | .s}}', 'error: 1:6: s is not a method but has arguments'], ['{{.map.deep 1}}', 'error: 1:6: deep is not a method but has arguments'],
  ['{{.list.x}}', "error: 1:7: can't evaluate field x in type interface {}"], ['{{.query.a.b}}', "error: 1:8: can't evaluate field b in type string"],
  ['{{1 2}}', "error: 1:2: can't give argument to non-function 1"], ['{{. 2}}', "error: 1:2: can't give argument to non-function ."], ['{{nil}}', 'error: 1:2: nil is not a command'],
  ['{{$x := 1}}{{$x 2}}', "error: 1:13: can't give argument to non-function $x"], ['{{$x = 1}}', 'error: 1:7: undefined variable: $x'], ['{{if false}}{{$y := 1}}{{else}}{{$y}}{{end}}', 'error: 1:33: undefined variable: $y'],
  ['{{len}}', 'error: 1:2: wrong number of args for len: want 1 got 0'], ['{{len 1 2}}', 'error: 1:2: wrong number of args for len: want 1 got 2'], ['{{1 | len 2}}', 'error: 1:6: wrong number of args for len: want 1 got 2'], ['{{index}}', 'error: 1:2: wrong number of args for index: want at least 1 got 0'], ['{{print len}}', 'error: 1:8: wrong number of args for len: want 1 got 0'],
  ['{{"b" | print "a"}}', 'ab'], ['{{.nil | print}} {{.nil | printf "%v"}}', '<nil> <nil>'], ['{{"x" | len}}', '1'], ['{{print print}}|{{print (print)}}', '|'],
  ['{{and 1 0 2}} {{and 1 2}} {{and 0 .x}} {{or 0 "" "x"}} {{or 0 0}} {{or 1 .x}}', '0 2 0 x 0 1'], ['{{and 1 .x}}', 'error: 1:8: map has no entry for key "x"'], ['{{0 | and 1}} {{1 | or 0}} {{1 | and 0}} {{.nil | and true}} {{5 | and}}', '0 1 0 <no value> 5'], ['{{and nil 1}} {{or nil .nil}}', '<no value> <no value>'], ['{{and}}', 'error: 1:2: wrong number of args for and: want at least 1 got 0'],
  ['{{not 1}} {{not 0}} {{not nil}} {{not .nil}} {{not .list}} {{not ""}}', 'false true true true false true'], ['{{$x := 1}}{{$x = 2}}{{$x}}', '2'], ['{{$x := 1}}{{if true}}{{$x = 2}}{{$x := 3}}{{$x}}{{end}}{{$x}}', '32'], ['{{print ($x := 5)}}{{$x}}', '55'],
  ['{{call .s}}', 'error: 1:2: error calling call: non-function of type string'], ['{{call nil}}', 'error: 1:2: error calling call: call of nil'],
  ['{{print "a" 1 2 "b" "c" 3.0 true nil nil}}', 'a1 2b c3 true <nil> <nil>'.replace('b c', 'bc')], ['{{println}}{{println "a" "b"}}', '\na b\n'], ['{{print .query}} {{len .query}} {{printf "%T" .query}} {{index .query "b" | printf "%q"}}', 'map[a:1] 1 map[string]string ""']
]
for (const [template, output] of rows) t.equal(renderBrief(template, data), output, template)

/** Of each function the fewest and the most arguments it takes. */
const counts: Readonly<Record<string, readonly [fewest: number, most?: number]>> = {
  and: [1],
  or: [1],
  not: [1, 1],
  call: [1],
  html: [0],
  js: [0],
  urlquery: [0],
  index: [1],
  slice: [1],
  join: [2, 2],
  len: [1, 1],
  print: [0],
  println: [0],
  printf: [1],
  eq: [1],
  ne: [2, 2],
  lt: [2, 2],
  le: [2, 2],
  gt: [2, 2],
  ge: [2, 2]
}
for (const [name, [fewest, most]] of Object.entries(counts)) {
  for (let count = 0; count <= 4; count++) {
    const said = renderBrief(`{{${name}${' "1"'.repeat(count)}}}`, data)
    const wanted = most === undefined ? `at least ${fewest}` : String(most)
    const isTaken = count >= fewest && (most === undefined || count <= most)
    if (isTaken) t.notMatch(said, /wrong number of args/, `${name} of ${count}`)
    else t.equal(said, `error: 1:2: wrong number of args for ${name}: want ${wanted} got ${count}`)
  }
}

t.equal(render('a\n  {{index .list\n9}}', data), 'error: template: :2:4: executing "" at <index .list 9>: error calling index: index out of range: 9', 'line and column')
t.equal(render('{{define "t"}}\n{{len .}}{{end}}{{template "t" 1}}', data), 'error: template: :2:2: executing "t" at <len .>: error calling len: len of type int')
t.equal(render('{{with $x := 1}}{{with $y := (print $x "é" | len) 2}}{{end}}{{end}}', data), 'error: template: :1:23: executing "" at <$y := (print $x "é" | len) 2>: can\'t give argument to non-function print $x "é" | len')

t.match(render(`{{$a := 1}}${'{{$b := 1}}'.repeat(20_000)}{{range .list}}{{$a}}{{end}}`, { list: new Array(10_000).fill(1) }), /more than 5000000 steps/, 'a search through many variables is work')

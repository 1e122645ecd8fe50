// Control structures, templates in templates, scopes, and the bounds of an execution.
import t from 'tap'
import { TemplateError, parseTemplate, type TemplateData } from '../../../src/go/template/template.js'
import { render, renderBrief } from '../../helpers/render-template.js'

const data = { list: ['a', 'b', 'c'], empty: [], map: { b: 2, a: 1, é: 3, Z: 0 }, nothing: {}, nil: null, s: 'x', users: [{ name: 'u', keys: ['k'] }, { name: 'v', keys: [] }], 0: 'zero' }

const rows: ReadonlyArray<readonly [template: string, output: string]> = [
  ['{{if .list}}1{{end}}{{if .empty}}2{{end}}{{if .nothing}}3{{end}}{{if .nil}}4{{end}}{{if ""}}5{{end}}{{if 0}}6{{end}}{{if 0.0}}7{{end}}{{if 0i}}8{{end}}x', '1x'],
  ['{{if "false"}}1{{end}}{{if 0.1}}2{{end}}{{if 1i}}3{{end}}{{if index "\\x00" 0}}4{{end}}{{if index "a" 0}}5{{end}}', '1235'],
  ['{{with .s}}{{.}}{{$.s}}{{end}}{{with .nil}}x{{else}}{{.s}}{{end}}{{with $v := .s}}{{$v}}{{end}}', 'xxxx'],
  ['{{range .list}}{{.}}{{end}} {{range $v := .list}}{{$v}}{{end}} {{range $i, $v := .list}}{{$i}}{{$v}}{{end}}', 'abc abc 0a1b2c'], ['{{range .map}}{{.}}{{end}} {{range $v := .map}}{{$v}}{{end}} {{range $k, $v := .map}}{{$k}}{{$v}}{{end}}', '0123 0123 Z0a1b2é3'],
  ['{{range .empty}}x{{else}}{{.s}}{{end}}{{range .nothing}}x{{else}}e{{end}}{{range .nil}}x{{else}}n{{end}}{{range $i, $v := .empty}}{{else}}{{$i}}{{$v}}{{end}}', 'xen[][]'],
  ['{{range 3}}{{end}}', "error: 1:8: range can't iterate over 3"], ['{{range .s}}{{end}}', "error: 1:8: range can't iterate over x"], ['{{range true}}{{end}}', "error: 1:8: range can't iterate over true"], ['{{range nil}}{{end}}', 'error: 1:8: nil is not a command'],
  ['{{range .list}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', 'ac'], ['{{range .list}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', 'a'], ['{{range .list}}{{range $.list}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}{{continue}}x{{end}}', 'aaa'],
  ['{{range .list}}{{with .}}{{$x := .}}{{if true}}{{break}}{{end}}{{end}}{{end}}{{len .list}}', '3'], ['{{$x := ""}}{{range .list}}{{$x = .}}{{end}}{{$x}}', 'c'], ['{{$x := 1}}{{range .list}}{{$x}}{{$x := 2}}{{$x}}{{end}}', '121212'],
  ['{{range $i, $v := .users}}{{$v.name}}{{range $v.keys}}{{.}}{{$i}}{{else}}-{{end}}{{end}}', 'uk0v-'],
  // Go 1.19: range with = sets what is on top of the stack.
  ['{{$x := 0}}{{range $x = .list}}{{$x}}{{end}}{{$x}}', 'abcc'], ['{{$i := 0}}{{$v := 0}}{{range $i, $v = .list}}{{$i}}{{$v}}{{end}}', '0a1b2c'], ['{{$v := 0}}{{$i := 0}}{{range $i, $v = .list}}{{$i}}{{$v}}{{end}}', 'a0b1c2'], ['{{range $, $ = .list}}{{end}}', 'error: 1:15: range assigns to more variables than there are'],
  ['{{define "t"}}[{{.}}{{$}}]{{end}}{{template "t" .s}}{{template "t"}}{{template "t" .nil}}', '[xx][<no value><no value>][<no value><no value>]'], ['{{template "none"}}', 'error: 1:11: template "none" not defined'], ['{{template "none" .x}}', 'error: 1:11: template "none" not defined'],
  ['{{define "t"}}{{if .}}{{index . 0}}{{template "t" slice . 1}}{{end}}{{end}}{{template "t" .list}}', 'abc'], ['{{$x := 1}}{{block "t" $x}}{{.}}{{$x := 2}}{{$x}}{{end}}{{$x}}', '121'], ['{{define "t"}}{{$x := 2}}{{end}}{{$x := 1}}{{template "t"}}{{$x}}', '1'],
  ['{{template "t" 1 | print 2}}{{define "t"}}{{.}}{{end}}', '2 1'], ['{{true}}{{1i}}{{\'a\'}}{{1e6}}{{.list}}{{.nothing}}', 'true(0+1i)971e+06[a b c]map[]']
]
for (const [template, output] of rows) t.equal(renderBrief(template, data), output, template)

const deep = '{{define "t"}}{{if .}}{{with slice . 1}}{{template "t" .}}{{end}}x{{end}}{{end}}{{template "t" .l}}'
t.equal(render(deep, { l: new Array(9000).fill(1) }).length, 9000, 'templates nest by the thousand')
t.match(render(deep, { l: new Array(20_000).fill(1) }), /exceeded maximum template depth \(10000\)/)
t.match(render('{{define "t"}}{{template "u"}}{{end}}{{define "u"}}{{template "t"}}{{end}}{{template "t"}}', null, { templateDepth: 5 }), /exceeded maximum template depth \(5\)/)
t.match(render(`{{define "t"}}${'{{if true}}'.repeat(200)}{{template "t"}}${'{{end}}'.repeat(200)}{{end}}{{template "t"}}`), /nested deeper than 100000 levels/)

const long = { l: new Array(1000).fill(1), s: 'x'.repeat(1000) }
const bounded: ReadonlyArray<readonly [template: string, data: TemplateData, message: RegExp]> = [
  ['{{range .l}}{{range $.l}}{{range $.l}}{{end}}{{end}}{{end}}', long, /takes more than 5000000 steps/], ['{{range .l}}{{$.s}}{{end}}', long, /^error: template: :1:14: .* output is larger than 100000 bytes$/],
  ['{{$x := .s}}{{range .l}}{{$x = print $x $x}}{{end}}', long, /output is larger than 100000 bytes/], ['{{range .l}}{{$x := printf "%99999d" 1}}{{end}}', long, /takes more than/], ['{{len (printf "%9999d" .l)}}', long, /output is larger than 100000 bytes/]
]
for (const [template, data, message] of bounded) t.match(render(template, data, { outputBytes: 100_000 }), message, template)
t.match(render('{{.}}', JSON.parse('['.repeat(1500) + ']'.repeat(1500)) as TemplateData), /nested deeper than 1000 levels/)
t.equal(render('{{.}}', JSON.parse('['.repeat(900) + ']'.repeat(900)) as TemplateData).length, 1800)

t.test('an error says where', t => {
  try {
    parseTemplate('host.tmpl', Buffer.from('ok\n  {{.x}}')).execute({})
    t.fail()
  } catch (error) {
    t.type(error, TemplateError)
    t.match(error, { name: 'TemplateError', templateName: 'host.tmpl', line: 2, column: 4, message: 'template: host.tmpl:2:4: executing "host.tmpl" at <.x>: map has no entry for key "x"' })
  }
  t.throws(() => parseTemplate('a', Buffer.from('\n{{')), { templateName: 'a', line: 2, column: undefined, message: 'template: a:2: unclosed action' })
  t.end()
})

// The grammar: what is a template, and what every error is called.
import t from 'tap'
import { maxNesting } from '../../../src/go/template/parse.js'
import { parseTemplate } from '../../../src/go/template/template.js'
import { render, renderBrief } from '../../helpers/render-template.js'
import { growth, muchGrowth } from '../../helpers/work.js'

const refused: ReadonlyArray<readonly [template: string, message: string]> = [
  ['{{}}', 'missing value for command'], ['{{ }}', 'missing value for command'], ['{{if}}{{end}}', 'missing value for if'], ['{{range $x :=}}{{end}}', 'missing value for range'], ['{{()}}', 'missing value for parenthesized pipeline'],
  ['{{|1}}', 'unexpected "|" in command'], ['{{1||2}}', 'unexpected "|" in command'], ['{{print 3, 5}}', 'unexpected "," in operand'], ['{{1(2)}}', 'unexpected "(" in operand'], ['{{"a""b"}}', 'unexpected "\\"b\\"" in operand'],
  ['{{print | 1}}', 'non executable command in pipeline stage 2'], ['{{print | .}}', 'non executable command in pipeline stage 2'], ['{{print | nil}}', 'non executable command in pipeline stage 2'], ['{{1 | print | "a"}}', 'non executable command in pipeline stage 3'],
  ['{{nil.x}}', 'unexpected . after term "nil"'], ['{{true.x}}', 'unexpected . after term "true"'], ['{{"a".x}}', 'unexpected . after term "\\"a\\""'], ['{{..x}}', 'unexpected . after term "."'], ['{{.x.}}', 'unexpected <.> in operand'],
  ['{{$x}}', 'undefined variable "$x"'], ['{{$x.y}}', 'undefined variable "$x"'], ['{{with $x := 1}}{{end}}{{$x}}', 'undefined variable "$x"'], ['{{if 1}}{{$x := 1}}{{end}}{{$x}}', 'undefined variable "$x"'], ['{{$x := 1}}{{define "a"}}{{$x}}{{end}}', 'undefined variable "$x"'],
  ['{{block "a" .}}{{$x}}{{end}}', 'undefined variable "$x"'], ['{{upper 1}}', 'function "upper" not defined'], ['{{printx}}', 'function "printx" not defined'], ['{{break1}}', 'function "break1" not defined'],
  ['{{$x, $y := 1}}', 'too many declarations in command'], ['{{range $a, $b, $c := .}}{{end}}', 'too many declarations in range'], ['{{range $v, .x}}{{end}}', 'range can only initialize variables'], ['{{$x := $y := 1}}', 'undefined variable "$y"'], ['{{$y := 1}}{{$x := $y := 1}}', 'unexpected ":=" in operand'],
  ['{{end}}', 'unexpected {{end}}'], ['{{else}}', 'unexpected {{else}}'], ['{{if 1}}', 'unexpected EOF'], ['{{if 1}}{{else}}', 'unexpected EOF'], ['{{define "a"}}', 'unexpected EOF'], ['{{if 1}}{{else}}{{else}}{{end}}', 'expected end; found {{else}}'],
  ['{{if 1}}{{end 1}}', 'unexpected "1" in end'], ['{{if 1}}{{else 1}}{{end}}', 'unexpected "1" in else'], ['{{with 1}}{{else with 2}}{{end}}', 'unexpected <with> in else'], ['{{with 1}}{{else if 2}}{{end}}', 'unexpected <if> in input'],
  ['{{break}}', '{{break}} outside {{range}}'], ['{{continue}}', '{{continue}} outside {{range}}'], ['{{range .}}{{else}}{{break}}{{end}}', '{{break}} outside {{range}}'], ['{{range .}}{{block "a" .}}{{break}}{{end}}{{end}}', '{{break}} outside {{range}}'],
  ['{{range .}}{{break 1}}{{end}}', 'unexpected "1" in {{break}}'], ['{{if break}}{{end}}', 'unexpected <break> in if'], ['{{1 | end}}', 'unexpected <end> in command'], ['{{print if}}', 'unexpected <if> in operand'],
  ['{{define a}}{{end}}', 'unexpected "a" in define clause'], ['{{define "a" .}}{{end}}', 'unexpected <.> in define clause'], ['{{define "a"}}{{else}}{{end}}', 'unexpected {{else}} in define clause'], ['{{define "\\z"}}{{end}}', 'invalid syntax'],
  ['{{if 1}}{{define "a"}}{{end}}{{end}}', 'unexpected <define> in command'], ['{{define "a"}}{{define "b"}}{{end}}{{end}}', 'unexpected <define> in command'], ['{{template}}', 'unexpected "}}" in template clause'], ['{{template .x}}', 'unexpected ".x" in template clause'],
  ['{{block "a"}}{{end}}', 'missing value for block clause'], ['{{block "a" .}}{{else}}{{end}}', 'unexpected {{else}} in block clause'], ['{{define "a"}}1{{end}}{{define "a"}}2{{end}}', 'template: multiple definition of template "a"'],
  ['{{define "a"}}1{{end}}{{block "a" .}}2{{end}}', 'template: multiple definition of template "a"'], ['{{define ""}}1{{end}}2', 'template: multiple definition of template ""'], ['{{.x}', 'unexpected "}" in operand'], ['{{{1}}}', 'unexpected "{" in command']
]
for (const [template, message] of refused) t.equal(renderBrief(template), `error: 1: ${message}`, template)

t.equal(renderBrief('a\n{{if 1}}\n{{x}}'), 'error: 3: function "x" not defined', 'the line')

const accepted: ReadonlyArray<readonly [template: string, output: string]> = [
  ['{{1|}}', '1'], ['{{1 | print | print}}', '1'], ['{{(1)}}', '1'], ['{{ print (print 1 | print) "a" }}', '1a'], ['{{define "a"}}{{end}}x', 'x'], ['{{define "a"}} {{end}}{{define "a"}}1{{end}}{{template "a"}}', '1'],
  ['{{define "a"}}1{{end}}{{define "a"}} \n\u00a0{{end}}{{template "a"}}', '1'], ['{{define ""}}1{{end}} \n', '1'], ['{{define `a`}}1{{end}}{{template "\\x61"}}', '1'], ['{{$x := 1}}{{$x := 2}}{{$x}}', '2'], ['{{$ := 1}}{{$}}', '1'],
  ['{{if false}}{{$y = 1}}{{end}}x', 'x'], ['{{if true}}{{$y := 1}}{{else}}{{$y}}{{end}}x', 'x'], ['{{if true}}a{{else if true}}b{{end}}', 'a'], ['{{if false}}a{{else if false}}b{{else}}c{{end}}', 'c'], ['{{block "a" 1}}{{.}}{{end}}{{template "a" 2}}', '12'],
  ['{{/* a */}}{{/* b */}}', ''], ['{{if true}}{{block "a" 1}}x{{end}}{{end}}', 'x'], ['{{define "x"}}{{end}}{{/**/}}', '']
]
for (const [template, output] of accepted) t.equal(render(template), output, template)

const nested = (depth: number): string => '{{if true}}'.repeat(depth) + 'x' + '{{end}}'.repeat(depth)
t.equal(render(nested(maxNesting)), 'x')
t.match(render(nested(maxNesting + 1)), /nested deeper than 250 levels/)
t.match(render(`{{${'('.repeat(100_000)}`), /nested deeper than 250 levels/)
t.match(render('{{range .}}'.repeat(100_000)), /nested deeper than 250 levels/)
t.equal(render(`{{if false}}${'{{else if false}}'.repeat(20_000)}{{else}}x{{end}}`), 'x', 'a chain is not nested')

t.test('the work of finding variables grows with the template', t => {
  const grown = growth(count => {
    const names = Array.from({ length: count }, (_, n) => `$variable${n}`)
    parseTemplate('', Buffer.from(names.map(name => `{{${name} := 1}}`).join('') + names.toReversed().map(name => `{{${name}}}`).join('')))
  }, 2000)
  t.ok(grown < muchGrowth, `${grown.toFixed(1)} times the work for eight times the variables`)
  t.end()
})

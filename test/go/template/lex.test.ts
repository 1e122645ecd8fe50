// Tokens: white space and its trimming, comments, delimiters, and the errors of each kind.
import t from 'tap'
import { describeToken, lex, maxTokens } from '../../../src/go/template/lex.js'
import { render, renderBrief } from '../../helpers/render-template.js'

const words = (input: string): string => lex(input).map(({ type, text }) => type === 'eof' ? 'eof' : `${type}(${text})`).join(' ')

const tokens: ReadonlyArray<readonly [input: string, tokens: string]> = [
  ['', 'eof'], ['a{', 'text(a{) eof'], ['{{}}', 'leftDelim({{) rightDelim(}}) eof'],
  ['{{ .a.b $x.c }}', 'leftDelim({{) space( ) field(.a) field(.b) space( ) variable($x) field(.c) space( ) rightDelim(}}) eof'],
  ['{{$ := .|f (1)}}', 'leftDelim({{) variable($) space( ) declare(:=) space( ) dot(.) pipe(|) identifier(f) space( ) leftParen(() number(1) rightParen()) rightDelim(}}) eof'],
  ['{{if true,"a"`b`\'c\'}}', 'leftDelim({{) if(if) space( ) bool(true) char(,) string("a") rawString(`b`) charConstant(\'c\') rightDelim(}}) eof'],
  ['{{1+2i =}}', 'leftDelim({{) complex(1+2i) space( ) assign(=) rightDelim(}}) eof'],
  ['a {{- 1 -}} b', 'text(a) leftDelim({{) number(1) rightDelim(}}) text(b) eof'],
  ['a {{-1}} b', 'text(a ) leftDelim({{) number(-1) rightDelim(}}) text( b) eof'],
  ['{{1  -}}\n\t\r x', 'leftDelim({{) number(1) space( ) rightDelim(}}) text(x) eof'],
  ['a {{- /* x */ -}} b{{/* y */}} c', 'text(a) text(b) text( c) eof'],
  ['{{.0}}', 'leftDelim({{) number(.0) rightDelim(}}) eof'], ['{{.9}}', 'leftDelim({{) number(.9) rightDelim(}}) eof'], ['{{9}}', 'leftDelim({{) number(9) rightDelim(}}) eof'], ['{{0}}', 'leftDelim({{) number(0) rightDelim(}}) eof'],
  ['{{./}}', 'leftDelim({{) error(bad character U+002F \'/\')'], ['{{/}}', 'leftDelim({{) char(/) rightDelim(}}) eof'], ['{{abc', 'leftDelim({{) identifier(abc) error(unclosed action)'], [' \n {{- 1}}', 'leftDelim({{) number(1) rightDelim(}}) eof'],
  ['a{{1}}{{- 2}}', 'text(a) leftDelim({{) number(1) rightDelim(}}) leftDelim({{) number(2) rightDelim(}}) eof'], ['{{())}}', "leftDelim({{) leftParen(() rightParen()) error(unexpected right paren U+0029 ')')"],
  ['{{.é}}', 'leftDelim({{) field(.é) rightDelim(}}) eof'],
  ['{{', 'leftDelim({{) error(unclosed action)'], ['{{/*', 'error(unclosed comment)'], ['{{/**/ }}', 'error(comment ends before closing delimiter)'],
  ['{{(}}', 'leftDelim({{) leftParen(() error(unclosed left paren)'], ['{{)}}', "leftDelim({{) error(unexpected right paren U+0029 ')')"],
  ['{{:}}', 'leftDelim({{) error(expected :=)'], ['{{a-b}}', "leftDelim({{) error(bad character U+002D '-')"], ['{{$x=1}}', "leftDelim({{) error(bad character U+003D '=')"],
  ['{{"a\nb"}}', 'leftDelim({{) error(unterminated quoted string)'], ['{{"a\\', 'leftDelim({{) error(unterminated quoted string)'], ['{{`a', 'leftDelim({{) error(unterminated raw quoted string)'],
  ["{{'", 'leftDelim({{) error(unterminated character constant)'], ['{{\x01}}', 'leftDelim({{) error(unrecognized character in action: U+0001)'], ['{{1e5x}}', 'leftDelim({{) error(bad number syntax: "1e5x")']
]
for (const [input, expected] of tokens) t.equal(words(input), expected, JSON.stringify(input))

t.equal(lex('a\n{{\n1\n}}\n').map(({ line }) => line).join(' '), '1 2 2 3 3 4 4 5', 'lines')
t.equal(lex('{{.}}'.repeat(maxTokens / 3 + 1)).at(-1)!.type, 'error', 'a bound on tokens')
for (const [text, described] of [['ten octets', '"ten octets"'], ['more than ten', '"more than "...'], ['éééééé', '"éééééé"...']] as const) {
  t.equal(describeToken({ type: 'text', position: 0, text, line: 1 }), described)
}

for (const [type, text, described] of [['eof', '', 'EOF'], ['error', 'as it is', 'as it is'], ['dot', '.', '<.>'], ['range', 'range', '<range>']] as const) {
  t.equal(describeToken({ type, position: 0, text, line: 1 }), described)
}

// Only space, tab, CR and LF are trimmed.
t.equal(render('a \t\r\n{{- 1 -}} \t\r\nb'), 'a1b')
t.equal(render('a\v\f\u00a0{{- 1 -}}\u00a0\f\vb'), 'a\v\f\u00a01\u00a0\f\vb')
t.equal(render('a {{-\n1\n-}} b'), 'a1b', 'a newline after the marker')
t.equal(render('{{`}}` | print}}'), '}}')
t.equal(render('{{"{{"}}x{{`\r\n`}}'), '{{x\n')
t.equal(renderBrief('{{- /* a */}}'), '')
t.equal(renderBrief('{{-  /* a */}}'), 'error: 1: unexpected "/" in command')
t.equal(renderBrief('{{if 1\n\n}}x{{"'), 'error: 3: unterminated quoted string')
t.equal(renderBrief('{{1\n\n'), 'error: 3: unclosed action started at :1')

// Random templates on random data: a value or a TemplateError, within the limits of steps and output.
import t from 'tap'
import fc from 'fast-check'
import { TemplateError, parseTemplate, type TemplateData } from '../../src/go/template/template.js'
import { cases } from '../helpers/property.js'
import { growth, muchGrowth } from '../helpers/work.js'

const limits = { outputBytes: 100_000, steps: 50_000 }

function run (template: Buffer, data: TemplateData): void {
  try {
    const output = parseTemplate('fuzz', template).execute(data, limits)
    if (output.length > limits.outputBytes && template.includes('{{')) throw new Error(`${output.length} bytes`)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    if (!(error.line >= 1)) throw new Error('no line')
  }
}

const json = fc.jsonValue({ maxDepth: 3 }).map(value => value as TemplateData)
const named: fc.Arbitrary<TemplateData> = fc.record({ a: json, b: fc.array(json, { maxLength: 5 }), c: fc.dictionary(fc.constantFrom('a', 'b', 'é'), json), s: fc.string(), n: fc.double({ noNaN: true, noDefaultInfinity: true }) })

const { pipeline, list } = fc.letrec<{ operand: string, command: string, pipeline: string, node: string, list: string }>(tie => ({
  operand: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'operand' },
    fc.constantFrom('.', '$', '.a', '.b', '.c', '.s', '.n', '.c.a', '$x', '$.b', 'nil', 'true', 'false', '0', '1', '2', '-1', '1.5', '1i', '0x1F', "'a'", '"a"', '"%v"', '"%d|%q|%x"', '"%*.3[1]f"', '`raw`', '""'),
    fc.string({ maxLength: 6 }).map(text => JSON.stringify(text)),
    fc.tuple(fc.constant('"%'), fc.string({ unit: fc.constantFrom(...'+-# 0123456789.*[]vTtbcdoOqxXUeEfFgGspw!%'), maxLength: 8 })).map(([open, text]) => `${open}${text}"`),
    tie('pipeline').map(text => `(${text})`), tie('pipeline').map(text => `(${text}).a`)),
  command: fc.oneof(
    tie('operand'),
    fc.tuple(fc.constantFrom(...'and or not call html js urlquery index slice len print println printf eq ne lt le gt ge'.split(' ')), fc.array(tie('operand'), { maxLength: 4 })).map(([name, args]) => [name, ...args].join(' '))),
  pipeline: fc.tuple(fc.constantFrom('', '', '', '$x := ', '$x = '), fc.array(tie('command'), { minLength: 1, maxLength: 3 })).map(([declaration, commands]) => declaration + commands.join(' | ')),
  node: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'node' },
    fc.string({ maxLength: 10 }), tie('pipeline').map(text => `{{${text}}}`), tie('pipeline').map(text => `{{- ${text} -}}`), fc.constantFrom('{{break}}', '{{continue}}', '{{/* c */}}', '{{template "t" .}}', '{{template "t"}}', ' \n'),
    fc.tuple(fc.constantFrom('if', 'with', 'range', 'range $i, $x :=', 'range $x :=', 'block "b"'), tie('pipeline'), tie('list'), fc.option(tie('list'))).map(([word, value, body, other]) => `{{${word} ${value}}}${body}${other === null ? '' : `{{else}}${other}`}{{end}}`),
    fc.tuple(tie('pipeline'), tie('list'), tie('pipeline'), tie('list')).map(([a, b, c, d]) => `{{if ${a}}}${b}{{else if ${c}}}${d}{{end}}`)),
  list: fc.array(tie('node'), { maxLength: 4 }).map(nodes => nodes.join(''))
}))

t.test('templates of the grammar', t => {
  fc.assert(fc.property(list, list, named, (main, other, data) => {
    run(Buffer.from(`{{$x := 1}}${main}{{define "t"}}{{$x := 2}}${other}{{end}}`), data)
  }), cases(t, 2000))
  t.end()
})

t.test('single pipelines', t => {
  fc.assert(fc.property(pipeline, named, (text, data) => {
    run(Buffer.from(`{{$x := "x"}}{{${text}}}`), data)
  }), cases(t, 5000))
  t.end()
})

t.test('broken templates', t => {
  const pieces = fc.constantFrom('{{', '}}', '{{-', '-}}', ' ', '\n', '"', '`', "'", '\\', '(', ')', '|', ',', ':=', '=', '$', '$x', '.', '.a', '0', '0x', '1e', '_', '+', 'i', '/*', '*/', 'if', 'else', 'end', 'range', 'with', 'define', 'block', 'template', 'break', 'nil', 'true', 'printf', 'and', '"a"', '\0', '\xff', 'é')
  fc.assert(fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 3 })), { maxLength: 40 }), json, (parts, data) => {
    run(Buffer.from(parts.join(''), 'latin1'), data)
  }), cases(t, 10_000))
  t.end()
})

t.test('the work of reading one grows with it', t => {
  for (const part of ['a', '{{.a}}', '{{/* c */}}', '{{if .}}', '{{if .}}{{end}}', '{{', '}}', '{{- ', '{{"', '{{`', '{{(', '{{.a', '.a', ' | print', '{{range .}}{{else}}', '\n', '\u00e9']) {
    for (const head of ['', '{{ .']) {
      const read = (size: number): void => {
        try { parseTemplate('long', Buffer.from(head + part.repeat(Math.ceil(size / part.length)))) } catch (error) { if (!(error instanceof TemplateError)) throw error }
      }
      const grown = growth(read, 20_000)
      t.ok(grown < muchGrowth, `${JSON.stringify(head + part)}...: ${grown.toFixed(1)} times the work for eight times the text`)
    }
  }
  t.end()
})

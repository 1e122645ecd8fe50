// The public face: bytes in, bytes out.
import t from 'tap'
import fc from 'fast-check'
import { goString } from '../../../src/go/string.js'
import { StringMap, type TemplateData, TemplateError, parseTemplate } from '../../../src/go/template/template.js'

t.test('bytes pass through, with or without actions', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 50 }), fc.uint8Array({ maxLength: 10 }), (text, value) => {
    const plain = Buffer.from(Buffer.from(text).toString('latin1').replaceAll('{{', '{'), 'latin1')
    const template = Buffer.concat([plain, Buffer.from(' {{.v}}{{index .q "k"}} '), plain])
    const expected = Buffer.concat([plain, Buffer.from(' '), value, value, Buffer.from(' '), plain])
    const data = { v: goString(value), q: new StringMap([['k', goString(value)]]) }
    if (!parseTemplate('', template).execute(data).equals(expected)) throw new Error('differs')
    if (!parseTemplate('', plain).execute(data).equals(plain)) throw new Error('differs')
  }), { seed: 1 })
  t.end()
})

t.test('a byte order mark, NUL and carriage returns stay', t => {
  const source = Buffer.from('\ufeffa\0b\r\n{{.}}\r\n\0')
  t.equal(parseTemplate('', source).execute('x').toString(), '\ufeffa\0b\r\nx\r\n\0')
  t.end()
})

t.test('one template serves many executions', t => {
  const template = parseTemplate('', Buffer.from('{{$x := .}}{{range .}}{{.}}{{end}}{{block "b" $x}}{{len .}}{{end}}'))
  t.equal(template.execute(['a']).toString(), 'a1')
  t.throws(() => template.execute(1), TemplateError)
  t.equal(template.execute(['b', 'c']).toString(), 'bc2')
  t.end()
})

t.test('what Matchbox hands in', t => {
  const data = { mac: '52:54', request: { query: new StringMap([['os', 'installed']]), raw_query: 'os=installed' } }
  t.equal(parseTemplate('', Buffer.from('{{.request.query.os}} {{.request}} {{index .request.query "none"}}|{{printf "%#v" .request}}')).execute(data).toString(),
    'installed map[query:map[os:installed] raw_query:os=installed] |map[string]interface {}{"query":map[string]string{"os":"installed"}, "raw_query":"os=installed"}')
  t.end()
})

t.test('strings are bytes, whatever is cut out of them', t => {
  const run = (source: string, data: TemplateData = null): string => parseTemplate('', Buffer.from(source)).execute(data).toString('hex')
  t.equal(run('{{slice "é" 0 1}}'), 'c3')
  t.equal(run('{{len "é世"}} {{index "é" 1}}'), Buffer.from('5 169').toString('hex'))
  t.equal(run('{{eq "é" (print (slice "é" 0 1) (slice "é" 1))}}{{lt "é" "\\xff"}}'), Buffer.from('truetrue').toString('hex'))
  t.equal(run('{{index . (printf "%s%s" (slice "é" 0 1) "\\xa9")}}{{printf "%x %q" "é\\xff" "\\xff"}}', { é: 1 }),
    Buffer.from('1c3a9ff "\\xff"').toString('hex'))
  t.throws(() => run('é{{.x}}', {}), { message: 'template: :1:4: executing "" at <.x>: map has no entry for key "x"' }, 'columns count bytes')
  t.throws(() => run('{{if éééééééééé}}', {}), { message: /"éééééééééé"/ }, 'what is shown of a token counts characters')
  t.end()
})

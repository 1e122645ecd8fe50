// html, js and urlquery.
import t from 'tap'
import { jsEscape } from '../../../src/go/template/escape.js'
import { render } from '../../helpers/render-template.js'

t.equal(jsEscape('\\\'"<>&=\n\0\x1f\x7f`/é世🚀'), '\\\\\\\'\\"\\u003C\\u003E\\u0026\\u003D\\u000A\\u0000\\u001F\x7f`/é世🚀')
t.equal(jsEscape('\u2028\u00a0\u200b\u{e0001}'), '\\u2028\\u00A0\\u200B\\uE0001')
t.equal(jsEscape('a\udcff\udcc3'), 'a\udcff\udcc3', 'a byte outside UTF-8 stays')

const data = { nil: null, list: ['<'], map: { a: '&' } }
t.equal(render('{{html 1 2 "<" true}}|{{html}}|{{js 1 "\'"}}|{{urlquery "a" " " 1}}', data), '1 2&lt;true||1\\\'|a+1')
t.equal(render('{{html .nil}} {{html nil 1}} {{js nil}} {{urlquery .nil}}', data), '&lt;no value&gt; &lt;no value&gt;1 \\u003Cno value\\u003E %3Cno+value%3E')
t.equal(render('{{html .list}} {{.map | html}} {{html "a" | html}} {{html 1.5 1e6}}', data), '[&lt;] map[a:&amp;] a 1.5 1e+06')

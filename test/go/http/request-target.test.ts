import fc from 'fast-check'
import t from 'tap'
import { encodePath, escapeNonAscii, parseTarget } from '../../../src/go/http/request-target.js'
import { cleanUrlPath } from '../../../src/go/path.js'
import { cases } from '../../helpers/property.js'

t.test('targets as net/url reads them', t => {
  for (const [target, path, rawQuery] of [
    ['/ipxe', '/ipxe', ''],
    ['/ipxe?', '/ipxe', ''],
    ['/ipxe??a', '/ipxe', '?a'],
    ['/%69pxe%3Fx#y', '/ipxe?x#y', ''],
    ['//a//b', '//a//b', ''],
    ['http://other.test/ipxe?role=worker', '/ipxe', 'role=worker'],
    ['https://u@[::1]:80/x', '/x', ''],
    ['http://other.test?x', '', 'x'],
    ['http://other.test/\xe2\x80\xa8?\xe2\x80\xa9', '/\u2028', '\u2029'],
    ['/\xc3\xa9%ff?\xff', '/é\udcff', '\udcff'],
    ['*', '*', '']
  ] as const) t.same(parseTarget(target), { path, rawQuery }, target)
  for (const target of ['', 'None', 'a/b', '/%', '/%zz', '/a\x01', '/a\x7f', 'http://a b/', 'http://a:x/', '/%4']) {
    t.equal(parseTarget(target), undefined, JSON.stringify(target))
  }
  t.end()
})

t.test('paths as path.Clean and net/url leave them', t => {
  for (const [path, clean] of [
    ['', '/'], ['/', '/'], ['//', '/'], ['/.', '/'], ['/..', '/'], ['/a/', '/a/'], ['/a/.', '/a'], ['/a/./', '/a/'], ['/a/../b', '/b'],
    ['/../../a', '/a'], ['/a//b/', '/a/b/'], ['/.../a', '/.../a'], ['/.a', '/.a'], ['/a/..', '/']
  ] as const) t.equal(cleanUrlPath(path), clean, path)
  t.equal(encodePath('/a b?<>é!*\'()%'), '/a%20b%3F%3C%3E%C3%A9%21%2A%27%28%29%25')
  t.equal(encodePath('/-_.~$&+,/:;=@'), '/-_.~$&+,/:;=@')
  t.equal(escapeNonAscii('/x?é'), '/x?%c3%a9')
  t.end()
})

t.test('no target ever throws, and a clean path stays clean', t => {
  const piece = fc.constantFrom('/', '.', '..', '%2e', '%2f', '%', 'a', '?', '#', '\\', 'é', ' ', 'http://a', '%00', '//')
  fc.assert(fc.property(fc.array(piece, { maxLength: 20 }).map(p => p.join('')), text => {
    const target = parseTarget(text)
    if (target === undefined) return true
    const clean = cleanUrlPath(target.path)
    return clean.startsWith('/') && cleanUrlPath(clean) === clean && !/\/\.{0,2}\//.test(clean) && !/\/\.\.?$/.test(clean)
  }), cases(t, 10_000))
  t.end()
})

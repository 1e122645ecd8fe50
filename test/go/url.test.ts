// URLs as Go 1.19 reads and prints them.
import t from 'tap'
import { GoUrlError, parseGoUrl, queryValues } from '../../src/go/url.js'

t.test('printed', t => {
  const cases: ReadonlyArray<readonly [url: string, printed: string]> = [
    ['', ''],
    ['*', '*'],
    ['HTTP://Mirror.test/a file?q=b c#frag ment', 'http://Mirror.test/a%20file?q=b c#frag%20ment'],
    ['http://h/gr\u00f6\u00dfe?x=\u00e9', 'http://h/gr%C3%B6%C3%9Fe?x=\u00e9'],
    ['http://u:p%40@h:80/a%2fb', 'http://u:p%40@h:80/a%2fb'],
    ['http://[::1%25en0]:80/', 'http://[::1%25en0]:80/'],
    ['http://h?', 'http://h?'],
    ['http://h/[a]', 'http://h/[a]'],
    ['http://h/{a}', 'http://h/%7Ba%7D'],
    ['http://\u00fc/', 'http://%C3%BC/'],
    ['oem:///x', 'oem:///x'],
    ['data:;base64,QQ==', 'data:;base64,QQ=='],
    ['//h/x', '//h/x'],
    ['a b', 'a%20b'],
    ['x/y:z', 'x/y:z'],
    ['http:/x', 'http:/x'],
    ['mailto:a@b?x', 'mailto:a@b?x']
  ]
  for (const [url, printed] of cases) t.equal(parseGoUrl(url).text, printed, url)
  t.match(parseGoUrl('S3://b/k?versionId=7'), { scheme: 's3', rawQuery: 'versionId=7' })
  t.end()
})

t.test('refused', t => {
  const cases: ReadonlyArray<readonly [url: string, reason: string]> = [
    ['http://h:port/x', 'invalid port ":port" after host'],
    ['http://[::1', "missing ']' in host"],
    ['http://h/%zz', 'invalid URL escape "%zz"'],
    ['http://h/%2', 'invalid URL escape "%2"'],
    ['http://a%20b/', 'invalid URL escape "%20"'],
    ['http://a b%zz/', 'invalid character " " in host name'],
    ['http://us er@h/', 'net/url: invalid userinfo'],
    [':x', 'missing protocol scheme'],
    ['1:x', 'first path segment in URL cannot contain colon']
  ]
  for (const [url, reason] of cases) t.throws(() => parseGoUrl(url), new GoUrlError(`parse "${url}": ${reason}`))
  t.throws(() => parseGoUrl('http://h/\n'), new GoUrlError('parse "http://h/\\n": net/url: invalid control character in URL'))
  t.throws(() => parseGoUrl('http://h/#%zz'), new GoUrlError('parse "http://h/#%zz": invalid URL escape "%zz"'))
  t.end()
})

t.test('query', t => {
  t.same(queryValues('a=1&b=2&a=%20x+y&a=%zz&a;c=1&&a', 'a'), ['1', ' x y', ''])
  t.end()
})

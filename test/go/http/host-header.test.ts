import t from 'tap'
import { hostProblem } from '../../../src/go/http/host-header.js'

t.test('exactly one Host header, which could be a host', t => {
  const cases: ReadonlyArray<readonly [headers: readonly string[], problem: string | undefined]> = [
    [['Host', 'a:80'], undefined],
    [['hOST', '[fe80::1%25eth0]:8080', 'Accept', 'Host'], undefined],
    [['Host', ''], undefined],
    [['Host', 'a', 'HOST', 'a'], 'too many Host headers'],
    [['Host', 'a b', 'Host', 'a'], 'too many Host headers'],
    [['Host', 'a b'], 'malformed Host header'],
    [['Host', 'a/b'], 'malformed Host header'],
    [['Host', 'a\u00e9'], 'malformed Host header'],
    [['Hosts', 'a'], 'missing required Host header'],
    [[], 'missing required Host header']
  ]
  for (const [headers, problem] of cases) t.equal(hostProblem(headers, true), problem, headers.join(' '))
  t.equal(hostProblem([], false), undefined, 'HTTP/1.0 needs none')
  t.equal(hostProblem(['Host', 'a', 'Host', 'b'], false), 'too many Host headers', 'and takes one at most')
  t.equal(hostProblem(['Host', 'a\\b'], false), 'malformed Host header')
  t.end()
})

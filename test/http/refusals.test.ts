// What a request gets that is refused before it is looked at, and where one is sent that asked by another name.
import t from 'tap'
import type { Answer } from '../../src/http/answer.js'
import type { Arrival } from '../../src/http/arrival.js'
import { redirectTo, refuse } from '../../src/http/refusals.js'

function answered (act: (arrival: Arrival) => unknown, arrival: Partial<Arrival>): Answer {
  let answer: Answer | undefined
  void act({ method: 'GET', rawQuery: '', ...arrival, send: (made: Answer) => { answer = made } } as unknown as Arrival)
  return answer!
}

t.test('each flaw', t => {
  for (const [flaw, method, status, text] of [
    ['asterisk', 'OPTIONS', 200, ''], ['asterisk', 'GET', 400, ''], ['body', 'POST', 501, 'Unsupported transfer encoding'], ['target', 'GET', 400, '400 Bad Request'], [undefined, 'GET', 400, '400 Bad Request']
  ] as const) {
    t.same(answered(refuse, { flaw, method }), {
      status, headers: { connection: 'close', ...text !== '' && { 'content-type': 'text/plain; charset=utf-8' } }, body: Buffer.from(text)
    }, `${flaw ?? 'none'} ${method}`)
  }
  t.end()
})

t.test('a redirect keeps the query, and has a page for who reads it', t => {
  const of = (method: string, rawQuery: string): Answer => answered(redirectTo('/a b/'), { method, rawQuery })
  t.match(of('GET', 'x=1&y=<'), { status: 301, headers: { location: '/a%20b/?x=1&y=<', 'content-type': 'text/html; charset=utf-8' } })
  t.equal(of('GET', 'x=1&y=<').body?.toString(), '<a href="/a%20b/?x=1&amp;y=&lt;">Moved Permanently</a>.\n\n')
  t.match(of('HEAD', ''), { status: 301, headers: { location: '/a%20b/', 'content-type': 'text/html; charset=utf-8' } })
  t.same(of('POST', ''), { status: 301, headers: { location: '/a%20b/' }, body: Buffer.alloc(0) })
  t.end()
})

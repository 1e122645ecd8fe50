// What /v1 answers when a handler throws: a status by the kind of the error, never 500 for what somebody else is to blame for.
import fastify from 'fastify'
import t from 'tap'
import { AppError, type ErrorCode, type ErrorKind, errorTable } from '../../src/base/errors.js'
import { refuseErrors } from '../../src/control/refuse.js'

t.test('each kind of error', async t => {
  const app = fastify()
  refuseErrors(app)
  app.get<{ Params: { code: ErrorCode } }>('/app/:code', ({ params: { code } }) => { throw new AppError(code, `what is wrong with ${code}`) })
  app.get('/fault', () => { throw new TypeError('a fault of the program') })
  app.post('/body', () => ({}))
  t.teardown(() => app.close())
  const statuses: Readonly<Record<ErrorKind, number>> = { usage: 400, invalid: 400, notFound: 404, conflict: 409, unavailable: 503, exhausted: 503, internal: 500 }
  for (const [code, { kind }] of Object.entries(errorTable)) {
    const answer = await app.inject(`/app/${code}`)
    t.equal(answer.statusCode, statuses[kind], code)
    t.same(answer.json(), { error: `what is wrong with ${code}`, code })
  }
  t.match(await app.inject('/fault'), { statusCode: 500, body: '{"error":"a fault of the program"}' })
  t.match(await app.inject({ method: 'POST', url: '/body', headers: { 'content-type': 'application/json' }, payload: '{' }), { statusCode: 400, body: /^\{"error":".*JSON/ })
})

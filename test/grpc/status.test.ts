import { status } from '@grpc/grpc-js'
import t from 'tap'
import { AppError, DecodeError, type ErrorCode, errorTable } from '../../src/base/errors.js'
import { statusOf, statusOfKind } from '../../src/grpc/status.js'

t.test('every error has a status, and those about this machine tell no path', t => {
  for (const [code, { kind, meaning }] of Object.entries(errorTable)) {
    const told = statusOf(new AppError(code as ErrorCode, '/var/lib/matchbox/groups/g.json could not be written'))
    t.equal(told.code, statusOfKind[kind], code)
    if (['unavailable', 'exhausted', 'internal'].includes(kind) && code !== 'message_too_large') t.equal(told.details, meaning)
    t.ok(told.details.length > 0)
  }
  t.same(statusOf(new DecodeError('truncated', 3)), { code: status.INTERNAL, details: 'error unmarshalling request: truncated at byte 3' })
  t.match(statusOf(new TypeError('/secret')), { code: status.INTERNAL, details: /^internal error/ })
  t.match(statusOf('text'), { code: status.INTERNAL })
  t.end()
})

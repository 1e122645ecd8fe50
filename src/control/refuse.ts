// How /v1 says no: a status, and why in JSON.
import type { FastifyInstance, FastifyReply } from 'fastify'
import { AppError, type ErrorKind } from '../base/errors.js'

export const refuse = (reply: FastifyReply, status: number, error: string): FastifyReply => reply.code(status).send({ error })

/** What is no fault of whoever asked is worth another try. */
const statusOf: Readonly<Record<ErrorKind, number>> = {
  usage: 400, invalid: 400, notFound: 404, conflict: 409, unavailable: 503, exhausted: 503, internal: 500
}

/** What a handler throws: `code` is the word for it that commands print with --json. */
export function refuseErrors (app: FastifyInstance): void {
  app.setErrorHandler(async (error: Error & { readonly statusCode?: number }, _, reply) => {
    if (error instanceof AppError) return await reply.code(statusOf[error.kind]).send({ error: error.message, code: error.code })
    return await refuse(reply, error.statusCode ?? 500, error.message)
  })
}

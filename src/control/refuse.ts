// How /v1 says no: a status, and why in JSON.
import type { FastifyReply } from 'fastify'

export const refuse = (reply: FastifyReply, status: number, error: string): FastifyReply => reply.code(status).send({ error })

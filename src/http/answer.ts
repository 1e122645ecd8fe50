// Answers as Go's net/http writes them, and the one way they leave: with a Content-Length, which boot ROMs need.
import type { FastifyReply } from 'fastify'
import { sniffType } from './content-type.js'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

const plain = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } as const

/** As http.Error. */
export const errorAnswer = (status: number, text: string): Answer => ({ status, headers: plain, body: Buffer.from(`${text}\n`) })

export const notFound: Answer = errorAnswer(404, '404 page not found')

/** A body whose type is found by its first bytes, as when a Go handler sets none. */
export const sniffed = (body: Buffer): Answer => ({ status: 200, headers: { 'content-type': sniffType(body) }, body })

export const typed = (type: string, body: Buffer): Answer => ({ status: 200, headers: { 'content-type': type }, body })

export function send (reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  reply.code(status).headers(headers)
  // Fastify would give an empty buffer a type.
  return body.length === 0 && headers['content-type'] === undefined ? reply.send() : reply.send(body)
}

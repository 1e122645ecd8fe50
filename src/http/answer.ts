// Answers as Go's net/http writes them, and the one way they leave: with a Content-Length, which boot ROMs need.
import { randomBytes } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { sniffType } from '../go/http/content-type.js'

declare module 'fastify' {
  interface FastifyReply {
    /** Length of the body that the answer has, or with HEAD would have. */
    bodyBytes: number
  }
}

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

/** What separates the parts of a multipart body. */
export const newBoundary = (): string => randomBytes(30).toString('hex')

/** Bodies up to here are sent as text, which leaves with the headers in one write; a buffer takes a second one. */
const joinedBytes = 16 * 1024

/**
 * Sends by Node's own means: fastify would look into the body once more, and give a type to an empty one. The length is spelled
 * as GRUB compares it (2.06 to 2.12, to the letter): without a size it loads no kernel.
 */
export function send (reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  reply.bodyBytes = body.length
  reply.hijack().raw.writeHead(status, status === 304 ? headers : { ...headers, 'Content-Length': body.length })
  if (body.length <= joinedBytes) reply.raw.end(body.toString('latin1'), 'latin1')
  else reply.raw.end(body)
  return reply
}

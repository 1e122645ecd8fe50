// How the page's answers leave: compressed for who takes it, and what never changes but once.
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, gzip, gzipSync } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { unmapped } from '../net/ipv4.js'

const compress = promisify(gzip)

export const addressOf = ({ ip }: { readonly ip: string | undefined }): string => unmapped(ip ?? '')

export const plain = async (reply: FastifyReply, status: number, text: string): Promise<FastifyReply> =>
  await reply.code(status).type('text/plain; charset=utf-8').send(`${text}\n`)

/** RFC 9110 section 12.5.3: whether gzip is named, and not with a weight of nothing. */
const takesGzip = ({ headers }: FastifyRequest): boolean => String(headers['accept-encoding'] ?? '').split(',')
  .some(coding => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$)[\d.]+\s*)?$/i.test(coding))

export async function send (request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<FastifyReply> {
  void reply.header('vary', 'accept-encoding')
  if (!takesGzip(request)) return await reply.send(body)
  return await reply.header('content-encoding', 'gzip').send(await compress(body))
}

/** A file that is the same for as long as the service runs. A browser that has it asks whether it is still that one. */
export class FixedBody {
  readonly #body: Buffer
  readonly #compressed: Buffer
  readonly #tag: string

  constructor (body: Buffer) {
    this.#body = body
    this.#compressed = gzipSync(body, { level: constants.Z_BEST_COMPRESSION })
    this.#tag = createHash('sha256').update(body).digest('base64url').slice(0, 16)
  }

  async send (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const isCompressed = takesGzip(request)
    // Each form of it has a name of its own.
    const tag = `"${this.#tag}${isCompressed ? '-gzip' : ''}"`
    void reply.headers({ vary: 'accept-encoding', 'cache-control': 'private, no-cache', etag: tag })
    if (request.headers['if-none-match'] === tag) return await reply.code(304).send()
    if (isCompressed) void reply.header('content-encoding', 'gzip')
    return await reply.send(isCompressed ? this.#compressed : this.#body)
  }
}

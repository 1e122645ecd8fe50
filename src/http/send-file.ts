// A file as Go's http.ServeContent sends it: whole, a part, parts, or not at all when the client's copy will do.
import { Readable, finished } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { send } from './answer.js'
import type { AssetFile } from './asset-source.js'
import { sniffType, sniffedBytes, typeByName } from './content-type.js'
import { type Part, layOut, needsContent, planContent } from './serve-content.js'

/** `method` is the one the client used; without `type` the name tells it, or the first bytes. Closes the file. */
export async function sendFile (
  file: AssetFile, method: string, request: FastifyRequest, reply: FastifyReply, type = typeByName(file.name)
): Promise<FastifyReply> {
  let open = true
  const close = (): void => {
    if (open) void file.close()
    open = false
  }
  try {
    const asked = { method, headers: request.headers }
    const contentType = !needsContent(asked, file.modified) ? '' : type ?? sniffType(await file.head(sniffedBytes))
    const plan = planContent(asked, { size: file.size, type: contentType, modified: file.modified })
    if (plan.ranges.length === 0) {
      close()
      return send(reply, { status: plan.status, headers: plan.headers, body: Buffer.from(plan.text ?? '') })
    }
    const { parts, length, contentType: sentType } = layOut(plan.ranges, file.size, contentType)
    const headers = { ...plan.headers, 'content-length': String(length), 'content-type': sentType }
    reply.bodyBytes = length
    if (length === 0 || request.raw.method === 'HEAD') {
      close()
      // Fastify would make the length of an answer without a body 0, and firmware would then fetch nothing.
      reply.hijack().raw.writeHead(plan.status, headers).end()
      return reply
    }
    reply.code(plan.status).headers(headers)
    const only = plan.ranges.length === 1 ? plan.ranges[0] : undefined
    const body = only === undefined ? Readable.from(pieces(parts, file)) : file.stream(only.start, only.length)
    // A stream that leaves its file open ends without closing.
    finished(body, close)
    return reply.send(body)
  } catch (error) {
    close()
    throw error
  }
}

async function * pieces (parts: readonly Part[], file: AssetFile): AsyncGenerator<Buffer> {
  for (const part of parts) {
    if (Buffer.isBuffer(part)) yield part
    else yield * file.stream(part.start, part.length) as AsyncIterable<Buffer>
  }
}

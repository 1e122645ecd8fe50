// A file as Go's http.ServeContent sends it: whole, a part, parts, or not at all when the client's copy will do.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../base/errors.js'
import { type OpenFile, readPart } from '../disk/open-file.js'
import { newBoundary, send } from './answer.js'
import { sniffType, sniffedBytes } from '../go/http/content-type.js'
import type { Seen } from './machine-log.js'
import { Outlet } from './outlet.js'
import { type Part, layOut, needsContent, planContent } from '../go/http/serve-content.js'

export interface SendFileOptions {
  /** The one the client used. */
  readonly method: string
  /** Told of what goes wrong on the way. */
  readonly seen: Seen
  /** Without it the first bytes tell it. */
  readonly type?: string | undefined
}

/** Resolves when the file has left, or the client is gone. Closes the file. */
export async function sendFile (
  file: OpenFile, request: FastifyRequest, reply: FastifyReply, { method, seen, type }: SendFileOptions
): Promise<FastifyReply> {
  try {
    const asked = { method, headers: request.headers }
    const contentType = !needsContent(asked, file.modified) ? '' : type ?? sniffType(await readPart(file, 0, sniffedBytes))
    const plan = planContent(asked, { size: file.size, type: contentType, modified: file.modified })
    if (plan.ranges.length === 0) {
      return send(reply, { status: plan.status, headers: plan.headers, body: Buffer.from(plan.text ?? '') })
    }
    const { parts, length, contentType: sentType } = layOut(plan.ranges, file.size, contentType, newBoundary)
    reply.bodyBytes = length
    // Not fastify's way: it would make the length of an answer without a body 0, and firmware would then fetch nothing.
    const response = reply.hijack().raw.writeHead(plan.status, {
      ...plan.headers, 'Content-Length': String(length), 'content-type': sentType
    })
    if (length === 0 || request.raw.method === 'HEAD') {
      response.end()
      return reply
    }
    const outlet = new Outlet(response, request.raw.socket)
    try {
      await sendParts(parts, file, outlet)
      await outlet.end()
    } catch (error) {
      seen.problem = messageOf(error)
      outlet.cut()
    }
    return reply
  } finally {
    await file.close().catch(() => { /* what was to be sent has been */ })
  }
}

async function sendParts (parts: readonly Part[], file: OpenFile, outlet: Outlet): Promise<void> {
  for (const part of parts) {
    if (Buffer.isBuffer(part)) {
      if (!await outlet.hasRoom()) return
      outlet.write({ bytes: part, release: () => {} })
      continue
    }
    const end = part.start + part.length
    for (let at = part.start; at < end;) {
      if (!await outlet.hasRoom()) return
      const next = file.piece(at, end - at)
      const piece = next instanceof Promise ? await next : next
      at += piece.bytes.length
      outlet.write(piece)
    }
  }
}

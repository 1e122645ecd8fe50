// What a machine is configured with: /ignition, /cloud, /generic, /metadata.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Answer, newBoundary, typed } from './answer.js'
import { sniffType } from '../go/http/content-type.js'
import { answerDocument } from './document.js'
import type { Routing } from './routing.js'
import { layOut, planContent } from '../go/http/serve-content.js'

export function configRoutes (app: FastifyInstance, routing: Routing): void {
  app.get('/ignition', (request, reply) =>
    answerDocument(routing, request, reply, 'ignition', 'ignition', (_, body) => typed('application/json', body)))
  // The type is Matchbox's own spelling.
  app.get('/metadata', (request, reply) =>
    answerDocument(routing, request, reply, 'metadata', 'metadata', (_, body) => typed('plain/text', body)))
  for (const kind of ['cloud', 'generic'] as const) {
    app.get(`/${kind}`, (request, reply) =>
      answerDocument(routing, request, reply, kind, kind, (_, body) => partial(routing.method(request), request, body)))
  }
}

/** Matchbox sends these through Go's ServeContent, without a date. */
function partial (method: string, request: FastifyRequest, content: Buffer): Answer {
  const type = sniffType(content)
  const { status, headers, ranges, text = '' } = planContent({ method, headers: request.headers }, { size: content.length, type, modified: undefined })
  if (ranges.length === 0) return { status, headers, body: Buffer.from(text) }
  const { parts, contentType } = layOut(ranges, content.length, type, newBoundary)
  const body = parts.map(part => Buffer.isBuffer(part) ? part : content.subarray(part.start, part.start + part.length))
  return { status, headers: { ...headers, 'content-type': contentType }, body: body.length === 1 ? body[0]! : Buffer.concat(body) }
}

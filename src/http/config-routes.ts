// What a machine is configured with: /ignition, /cloud, /generic, /metadata.
import { newBoundary } from '../assets/send-file.js'
import { sniffType } from '../go/http/content-type.js'
import { layOut, planContent } from '../go/http/serve-content.js'
import { type Answer, typed } from './answer.js'
import type { Arrival } from './arrival.js'
import type { MachineDocuments } from './machine-documents.js'
import type { DocumentRoute } from './matchbox-routes.js'

export const configRoutes = (documents: MachineDocuments): readonly DocumentRoute[] => [
  ['/ignition', arrival => documents.answer(arrival, 'ignition', 'ignition', (_, body) => typed('application/json', body))],
  // The type is Matchbox's own spelling.
  ['/metadata', arrival => documents.answer(arrival, 'metadata', 'metadata', (_, body) => typed('plain/text', body))],
  ...(['cloud', 'generic'] as const).map((kind): DocumentRoute => [`/${kind}`, arrival =>
    documents.answer(arrival, kind, kind, (_, body) => partial(arrival, body))])
]

/** Matchbox sends these through Go's ServeContent, without a date. */
function partial (arrival: Arrival, content: Buffer): Answer {
  const type = sniffType(content)
  const { status, headers, ranges, text = '' } = planContent(arrival, { size: content.length, type, modified: undefined })
  if (ranges.length === 0) return { status, headers, body: Buffer.from(text) }
  const { parts, contentType } = layOut(ranges, content.length, type, newBoundary)
  const body = parts.map(part => Buffer.isBuffer(part) ? part : content.subarray(part.start, part.start + part.length))
  return { status, headers: { ...headers, 'content-type': contentType }, body: body.length === 1 ? body[0]! : Buffer.concat(body) }
}

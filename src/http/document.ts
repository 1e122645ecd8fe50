// A document made for the machine that asks: its labels are read, the provisioner renders, and what came of it is noted
// for the log. Without a document the answer is 404 whatever the reason, as Matchbox answers.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { textOfBytes } from '../matchbox/go-text.js'
import type { DocumentKind, Rendering } from '../matchbox/provisioner.js'
import { type Answer, notFound } from './answer.js'
import type { Routing } from './routing.js'
import { macOf, parseLabels } from './labels.js'
import type { RequestKind } from './machine-log.js'

export function answerDocument (
  routing: Routing,
  request: FastifyRequest,
  reply: FastifyReply,
  document: DocumentKind,
  kind: RequestKind,
  answer: (rendering: Rendering, body: Buffer) => Answer
): FastifyReply | Promise<FastifyReply> {
  const { rawQuery } = routing.target(request)
  const labels = parseLabels(rawQuery)
  const rendering = routing.provisioner.render(document, { labels, rawQuery: textOfBytes(rawQuery) })
  const { group, profile, body, error, problem } = rendering
  Object.assign(routing.seen(request), {
    kind,
    name: document,
    labels,
    mac: macOf(labels),
    group,
    profile,
    unmatched: group === undefined,
    problem: error?.message ?? problem
  })
  return routing.answer(request, reply, body === undefined ? notFound : answer(rendering, body))
}

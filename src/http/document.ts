// A document made for the machine that asks: its labels are read, the provisioner renders, and what came of it is noted
// for the log. Without a document the answer is 404 whatever the reason, as Matchbox answers.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { goBytes, goString } from '../go/string.js'
import type { DocumentKind, Rendering } from '../matchbox/provisioner.js'
import type { Labels } from '../matchbox/select.js'
import { type Answer, notFound } from './answer.js'
import type { Routing } from './routing.js'
import { macOf, parseLabels } from './labels.js'
import type { RequestKind } from './machine-log.js'
import type { MachineDocument } from './rendering-cache.js'

export function answerDocument (
  routing: Routing,
  request: FastifyRequest,
  reply: FastifyReply,
  document: DocumentKind,
  kind: RequestKind,
  answer: (rendering: Rendering, body: Buffer) => Answer
): FastifyReply | Promise<FastifyReply> {
  const seen = routing.seen(request)
  const { labels, mac, rendering } = documentFor(routing, request, document)
  const { group, profile, body, error, problem, warning } = rendering
  seen.kind = kind
  seen.name = document
  seen.labels = labels
  seen.mac = mac
  seen.group = group
  seen.profile = profile
  seen.unmatched = group === undefined
  seen.problem = error?.message ?? problem
  seen.warning = warning
  return routing.answer(request, reply, body === undefined ? notFound : answer(rendering, body))
}

function documentFor (routing: Routing, request: FastifyRequest, document: DocumentKind): MachineDocument {
  const { rawQuery } = routing.target(request)
  const asked = madeFor(routing, document, rawQuery)
  if (routing.identify === undefined || !isAnonymous(asked.labels)) return asked
  const mac = routing.identify(routing.ip(request))
  return mac === undefined ? asked : madeFor(routing, document, rawQuery, mac)
}

/** `mac` is that of a machine whose query does not say who it is. */
function madeFor ({ provisioner, rendered }: Routing, document: DocumentKind, rawQuery: string, mac?: string): MachineDocument {
  const key = mac === undefined ? `${document}?${rawQuery}` : `${document}?${rawQuery} ${mac}`
  const known = rendered.get(key, provisioner.version())
  if (known !== undefined) return known
  // A copy: what is cut from a string keeps all of it, and this one is cut from a target of any length.
  const query = goString(goBytes(rawQuery))
  const labels = mac === undefined ? parseLabels(query) : new Map([...parseLabels(query), ['mac', mac]])
  const made = { labels, mac: macOf(labels), rendering: provisioner.render(document, { labels, rawQuery: query }) }
  rendered.put(key, made)
  return made
}

/** iPXE's `uuid=&mac=` of variables that it does not have says no more than nothing does. */
function isAnonymous (labels: Labels): boolean {
  for (const value of labels.values()) if (value !== '') return false
  return true
}

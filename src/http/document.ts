// A document made for the machine that asks: its labels are read, the provisioner renders, and what came of it is noted
// for the log. Without a document the answer is 404 whatever the reason, as Matchbox answers.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { goBytes, goString } from '../go/string.js'
import type { DocumentKind, Rendering } from '../matchbox/provisioner.js'
import { type Labels, macOfLabels } from '../matchbox/select.js'
import { type Answer, errorAnswer, notFound } from './answer.js'
import type { Routing } from './routing.js'
import { parseLabels } from './labels.js'
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
  seen.fromDisk = kind === 'script' && group !== undefined && rendering.startsFromDisk
  seen.bootedAs = rendering.bootedAs
  return routing.answer(request, reply, body === undefined ? withoutDocument(rendering) : answer(rendering, body))
}

const forbidden = errorAnswer(403, '403 Forbidden')
const withoutDocument = ({ error }: Rendering): Answer => error?.code === 'guard_refused' ? forbidden : notFound

function documentFor (routing: Routing, request: FastifyRequest, document: DocumentKind): MachineDocument {
  const { rawQuery } = routing.target(request)
  const client = routing.ip(request)
  const asked = madeFor(routing, document, rawQuery, client)
  if (routing.identify === undefined || !isAnonymous(asked.labels)) return asked
  const mac = routing.identify(client)
  return mac === undefined ? asked : madeFor(routing, document, rawQuery, client, mac)
}

/** `mac` is that of a machine whose query does not say who it is. */
function madeFor (routing: Routing, document: DocumentKind, rawQuery: string, client: string, mac?: string): MachineDocument {
  const { provisioner, rendered } = routing
  const key = mac === undefined ? `${document}?${rawQuery}` : `${document}?${rawQuery} ${mac}`
  const known = rendered.get(key, provisioner.version())
  if (known !== undefined) return known
  // A copy: what is cut from a string keeps all of it, and this one is cut from a target of any length.
  const query = goString(goBytes(rawQuery))
  const labels = mac === undefined ? parseLabels(query) : new Map([...parseLabels(query), ['mac', mac]])
  const rendering = provisioner.render(document, { labels, rawQuery: query, client })
  const made = { labels, mac: macOfLabels(labels), rendering }
  rendered.put(key, made)
  return made
}

/** iPXE's `uuid=&mac=` of variables that it does not have says no more than nothing does. */
function isAnonymous (labels: Labels): boolean {
  for (const value of labels.values()) if (value !== '') return false
  return true
}

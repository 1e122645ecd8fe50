// Documents made for the machine that asks: its labels are read, the provisioner renders, and what came of it is noted
// for the log. Without a document the answer is 404 whatever the reason, as Matchbox answers.
import type { DocumentKind, Provisioner, Rendering } from '../matchbox/provisioner.js'
import type { Labels } from '../matchbox/select.js'
import type { Mac } from '../net/mac.js'
import { type Answer, errorAnswer, notFound } from './answer.js'
import type { Arrival } from './arrival.js'
import type { RequestKind } from './machine-log.js'
import { type MachineDocument, RenderingCache } from './rendering-cache.js'

/** The hardware address of the machine at an IP address, where that is known. */
export type Identify = (ip: string) => Mac | undefined

export class MachineDocuments {
  readonly #provisioner: Provisioner
  readonly #identify: Identify | undefined
  readonly #rendered = new RenderingCache()

  /** Without `identify` a request that does not say who asks has no labels. */
  constructor (provisioner: Provisioner, identify: Identify | undefined) {
    this.#provisioner = provisioner
    this.#identify = identify
  }

  /** The document that was asked for, as `write` writes it down; `kind` is what the request is to the log. */
  answer (arrival: Arrival, document: DocumentKind, kind: RequestKind, write: (rendering: Rendering, body: Buffer) => Answer): Answer {
    const { labels, rendering } = this.#documentFor(arrival, document)
    const { mac, group, profile, body, error, problem, warning } = rendering
    const { notes } = arrival
    notes.kind = kind
    notes.name = document
    notes.labels = labels
    notes.mac = mac
    notes.group = group
    notes.profile = profile
    notes.unmatched = group === undefined
    notes.problem = [error?.message ?? problem, notes.notEnrolled].filter(why => why !== undefined).join('; ') || undefined
    notes.warning = warning
    notes.fromDisk = kind === 'script' && group !== undefined && rendering.startsFromDisk
    notes.bootedAs = rendering.bootedAs
    return body === undefined ? withoutDocument(rendering) : write(rendering, body)
  }

  #documentFor (arrival: Arrival, document: DocumentKind): MachineDocument {
    const { client } = arrival
    const asked = this.#madeFor(document, arrival)
    if (this.#identify === undefined || !isAnonymous(asked.labels)) return asked
    const mac = this.#identify(client)
    return mac === undefined ? asked : this.#madeFor(document, arrival, mac)
  }

  /** `mac` is that of a machine whose labels do not say who it is. */
  #madeFor (document: DocumentKind, arrival: Arrival, mac?: Mac): MachineDocument {
    const { rawQuery, client } = arrival
    const key = mac === undefined ? `${document}?${rawQuery}` : `${document}?${rawQuery} ${mac}`
    const kept = this.#rendered.get(key, this.#provisioner.version())
    if (kept !== undefined) return kept
    const { raw, labels: told } = arrival.query
    const labels = mac === undefined ? told : new Map([...told, ['mac', mac]])
    const made = { labels, rendering: this.#provisioner.render(document, { labels, rawQuery: raw, client }) }
    this.#rendered.put(key, made)
    return made
  }
}

const forbidden = errorAnswer(403, '403 Forbidden')
const withoutDocument = ({ error }: Rendering): Answer => error?.code === 'guard_refused' ? forbidden : notFound

/** iPXE's `uuid=&mac=` of variables that it does not have says no more than nothing does. */
function isAnonymous (labels: Labels): boolean {
  for (const value of labels.values()) if (value !== '') return false
  return true
}

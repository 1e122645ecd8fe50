// Documents made for the machine that asks: its labels are read, the provisioner renders, and what came of it is noted
// for the log. Without a document the answer is 404 whatever the reason, as Matchbox answers.
import type { DocumentKind } from '../matchbox/document-bodies.js'
import type { Provisioner, Rendering } from '../matchbox/provisioner.js'
import { type Labels, macOfLabels } from '../matchbox/select.js'
import { formatIpv4, parseIpv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { type Answer, errorAnswer, notFound } from './answer.js'
import type { Arrival } from './arrival.js'
import type { Hear } from './client-address.js'
import type { RequestKind } from './machine-log.js'
import { type MachineDocument, RenderingCache } from './rendering-cache.js'

/** The hardware address of the machine at an IP address, where that is known. */
export type Identify = (ip: string) => Mac | undefined

/** `address` is the one that a machine was looked for by, since its query did not say who asks. */
interface AskedDocument extends MachineDocument { readonly address?: string, readonly preview?: boolean }

/** The query key of pxe_coreos that shows what the machine at another address gets. */
const overrideKey = 'override_ipv4'

export class MachineDocuments {
  readonly #provisioner: Provisioner
  readonly #identify: Identify | undefined
  readonly #hear: Hear | undefined
  readonly #rendered = new RenderingCache()

  /** Without `identify` a request that does not say who asks has no labels. */
  constructor (provisioner: Provisioner, identify: Identify | undefined, hear?: Hear) {
    this.#provisioner = provisioner
    this.#identify = identify
    this.#hear = hear
  }

  /** The document that was asked for, as `write` writes it down; `kind` is what the request is to the log. */
  answer (
    arrival: Arrival, document: DocumentKind, kind: RequestKind, write: (rendering: Rendering, body: Buffer) => Answer
  ): Answer | Promise<Answer> {
    const heard = this.#hear?.(macOfLabels(arrival.query.labels), arrival.client)
    const made = heard === undefined ? this.#documentFor(arrival, document) : heard.then(() => this.#documentFor(arrival, document))
    const note = (found: AskedDocument): Answer => this.#note(arrival, found, document, kind, write)
    return made instanceof Promise ? made.then(note) : note(made)
  }

  #note (
    arrival: Arrival, { labels, rendering, address, preview }: AskedDocument, document: DocumentKind, kind: RequestKind,
    write: (rendering: Rendering, body: Buffer) => Answer
  ): Answer {
    const { mac, group, profile, body, error, problem, warning } = rendering
    const { notes } = arrival
    notes.kind = kind
    notes.name = document
    notes.labels = labels
    notes.mac = mac
    notes.group = group
    notes.profile = profile
    notes.unmatched = group === undefined
    notes.problem = bothOf(error?.message ?? problem, notes.notEnrolled)
    notes.code = error?.code
    notes.warning = warning
    notes.fromDisk = kind === 'script' && group !== undefined && rendering.startsFromDisk
    notes.bootedAs = rendering.bootedAs
    // Who looks at another's document is not that machine, and has booted nothing.
    if (preview === true) Object.assign(notes, { kind: 'other', name: 'preview' })
    if (body !== undefined) return write(rendering, body)
    return document === 'cloud' && address !== undefined && group === undefined ? unknownCloud(address) : withoutDocument(rendering)
  }

  #documentFor (arrival: Arrival, document: DocumentKind): AskedDocument | Promise<AskedDocument> {
    const asked = this.#madeFor(document, arrival)
    const identified = (found: MachineDocument): AskedDocument | Promise<AskedDocument> => {
      if (this.#identify === undefined || !isAnonymous(found.labels)) return found
      const preview = previewed(found.labels)
      const address = preview ?? arrival.client
      const mac = this.#identify(address)
      const made = mac === undefined ? found : this.#madeFor(document, arrival, mac)
      const by = (made: MachineDocument): AskedDocument => ({ ...made, address, preview: preview !== undefined })
      return made instanceof Promise ? made.then(by) : by(made)
    }
    return asked instanceof Promise ? asked.then(identified) : identified(asked)
  }

  /** `mac` is that of a machine whose labels do not say who it is. */
  #madeFor (document: DocumentKind, arrival: Arrival, mac?: Mac): MachineDocument | Promise<MachineDocument> {
    const { rawQuery, client } = arrival
    const key = mac === undefined ? `${document}?${rawQuery}` : `${document}?${rawQuery} ${mac}`
    const version = this.#provisioner.version()
    const kept = this.#rendered.get(key, version)
    if (kept !== undefined) return kept
    const { raw, labels: told } = arrival.query
    const labels = mac === undefined ? told : new Map([...told, ['mac', mac]])
    const rendering = this.#provisioner.renderAside(document, { labels, rawQuery: raw, client })
    const keep = (rendering: Rendering): MachineDocument => {
      const made = { labels, rendering }
      // The store may have changed while it was made.
      if (this.#provisioner.version() === version && !isTransient(rendering)) this.#rendered.put(key, made)
      return made
    }
    return rendering instanceof Promise ? rendering.then(keep) : keep(rendering)
  }
}

const bothOf = (one: string | undefined, other: string | undefined): string | undefined =>
  one === undefined || other === undefined ? one ?? other : `${one}; ${other}`

const forbidden = errorAnswer(403, '403 Forbidden')
const busy = errorAnswer(503, '503 Service Unavailable')
const withoutDocument = ({ error }: Rendering): Answer =>
  error?.code === 'guard_refused' ? forbidden : isTransient({ error }) ? busy : notFound

/** It may be otherwise the next time; a file that takes nothing is that of the uses of guard tokens. */
const transient: ReadonlySet<string | undefined> = new Set(['render_busy', 'render_failed', 'folder_unreadable', 'discovery_pending', 'etcd_away', 'etcd_full', 'disk_full', 'write_failed'])

const isTransient = ({ error }: Pick<Rendering, 'error'>): boolean => transient.has(error?.code)

/** What pxe_coreos answers: coreos-cloudinit and a person can both read it. */
const unknownCloud = (address: string): Answer =>
  errorAnswer(404, `#cloud-config\n\n#Please add ${address}: no lease, reservation or group is of that address.`)

/** The address whose document somebody wants to see; what is none is passed over. */
function previewed (labels: Labels): string | undefined {
  const ip = parseIpv4(labels.get(overrideKey) ?? '')
  return ip === undefined ? undefined : formatIpv4(ip)
}

/** iPXE's `uuid=&mac=` of variables that it does not have says no more than nothing does. */
function isAnonymous (labels: Labels): boolean {
  for (const [key, value] of labels) if (value !== '' && key !== overrideKey) return false
  return true
}

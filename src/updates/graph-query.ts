// Which graph a node of Fedora CoreOS asks for, and the graphs that were made of each stream's releases: made once for an architecture.
import { ownText } from '../base/own-text.js'
import type { FedoraStream } from './fedora-releases.js'
import { buildGraph, type Graph } from './graph.js'

export interface GraphQuery {
  readonly stream: string
  readonly basearch: string
  readonly oci: boolean
  readonly version: string
  readonly checksum: string
  readonly group: string
  readonly nodeId: string
  readonly platform: string
  /** '' when it leaves that to us. */
  readonly wariness: string
}

/** A query as the server has read it: a name that came several times has them all. */
export type UpdateQuery = Readonly<Record<string, string | string[] | undefined>>

/** Octets of a value that are looked at. */
const longestValue = 512

/** undefined without a stream and an architecture. */
export function readGraphQuery (query: UpdateQuery): GraphQuery | undefined {
  const asked = (name: string): string => {
    const value = query[name]
    // A node is remembered, its request's target is not.
    return ownText((Array.isArray(value) ? value[0] ?? '' : value ?? '').slice(0, longestValue))
  }
  const [stream, basearch] = [asked('stream'), asked('basearch')]
  if (stream === '' || basearch === '') return undefined
  return {
    stream,
    basearch,
    oci: asked('oci') === 'true',
    version: asked('os_version'),
    checksum: asked('os_checksum'),
    group: asked('group'),
    nodeId: asked('node_uuid'),
    platform: asked('platform'),
    wariness: asked('rollout_wariness')
  }
}

export class Graphs {
  readonly #made = new WeakMap<FedoraStream, Map<string, Graph>>()

  of (stream: FedoraStream, { basearch, oci }: Pick<GraphQuery, 'basearch' | 'oci'>): Graph {
    let graphs = this.#made.get(stream)
    if (graphs === undefined) this.#made.set(stream, graphs = new Map())
    const name = `${basearch} ${oci}`
    let graph = graphs.get(name)
    if (graph === undefined) {
      graph = buildGraph(stream, { basearch, oci })
      // Whoever makes up architectures gets an empty graph each time.
      if (graph.nodes.length > 0) graphs.set(name, graph)
    }
    return graph
  }
}

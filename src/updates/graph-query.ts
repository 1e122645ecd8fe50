// Which graph a node of Fedora CoreOS asks for, and the graphs that were made of each stream's releases: made once for an architecture.
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

// The update graph that Zincati asks for (Cincinnati v1, in the dialect of Fedora CoreOS): which release leads to which. Built
// as Fedora's own graph builder does, so that an air-gapped mirror says what Fedora says; a node sees of a release that is
// rolled out only what its wariness lets it see.
import { createHash } from 'node:crypto'
import type { FedoraStream } from './fedora-releases.js'

export interface GraphNode {
  readonly version: string
  /** An ostree commit, or a container image with its digest. */
  readonly payload: string
  /** All values are text: the client knows nothing else. */
  readonly metadata: Readonly<Record<string, string>>
}

export interface Rollout {
  /** Seconds since the epoch; where unset, it has begun. */
  readonly startEpoch: number | undefined
  /** 0 to 1. */
  readonly startValue: number
  readonly minutes: number | undefined
}

export interface Graph {
  readonly nodes: readonly GraphNode[]
  /** Pairs of places in `nodes`: from, to. */
  readonly edges: ReadonlyArray<readonly [number, number]>
  /** By place in `nodes`. */
  readonly rollouts: ReadonlyMap<number, Rollout>
}

export interface Scope {
  readonly basearch: string
  /** Whether releases are container images. */
  readonly oci: boolean
}

const key = (name: string): string => `org.fedoraproject.coreos.${name}`
const ageKey = key('releases.age_index')

export function buildGraph ({ releases, updates }: FedoraStream, { basearch, oci }: Scope): Graph {
  const said = new Map(updates.releases.map(({ version, metadata }) => [version, metadata]))
  const nodes: GraphNode[] = []
  const barriers: number[] = []
  const deadEnds = new Set<number>()
  const rollouts = new Map<number, Rollout>()
  for (const release of releases.releases) {
    const payload = oci
      ? release['oci-images'].filter(({ architecture }) => architecture === basearch).map(image => image['digest-ref'])[0]
      : release.commits.find(({ architecture }) => architecture === basearch)?.checksum
    // Left out before they are counted: a place in the list is an age.
    if (payload === undefined) continue
    const at = nodes.length
    const { barrier, deadend, rollout } = said.get(release.version) ?? {}
    const metadata: Record<string, string> = { [key('scheme')]: oci ? 'oci' : 'checksum', [ageKey]: String(at) }
    if (barrier !== undefined) {
      barriers.push(at)
      Object.assign(metadata, { [key('updates.barrier')]: 'true', [key('updates.barrier_reason')]: barrier.reason })
    }
    if (deadend !== undefined) {
      deadEnds.add(at)
      Object.assign(metadata, { [key('updates.deadend')]: 'true', [key('updates.deadend_reason')]: deadend.reason })
    }
    if (rollout !== undefined) {
      const startValue = Math.min(1, Math.max(0, (rollout.start_percentage ?? 0)))
      rollouts.set(at, { startEpoch: rollout.start_epoch ?? undefined, startValue, minutes: rollout.duration_minutes ?? undefined })
      metadata[key('updates.rollout')] = 'true'
      if (rollout.start_epoch !== null) metadata[key('updates.start_epoch')] = String(rollout.start_epoch)
      metadata[key('updates.start_value')] = String(startValue)
      if (rollout.duration_minutes !== null) metadata[key('updates.duration_minutes')] = String(rollout.duration_minutes)
    }
    nodes.push({ version: release.version, payload, metadata })
  }

  const edges: Array<[number, number]> = []
  // From every release since the barrier before it, which itself must be passed through.
  const leadTo = (target: number): void => {
    const from = barriers.findLast(barrier => barrier < target) ?? 0
    for (let at = from; at < target; at++) if (!deadEnds.has(at)) edges.push([at, target])
  }
  for (const target of rollouts.keys()) leadTo(target)
  for (const target of barriers) if (!rollouts.has(target)) leadTo(target)
  return { nodes, edges, rollouts }
}

/** The share of all nodes, 0 to 1, that are to see a release by now (milliseconds since the epoch). */
export function rolledOut ({ startEpoch, startValue, minutes }: Rollout, now: number): number {
  const seconds = now / 1000 - (startEpoch ?? 0)
  if (seconds < 0) return 0
  if (minutes === undefined) return startValue
  const done = minutes === 0 ? 1 : Math.min(1, seconds / (minutes * 60))
  return startValue + (1 - startValue) * done
}

/** How long a node waits: what it says itself (0 to 1), or a share made of its id, the same at each request. */
export function warinessOf (said: string, nodeId: string): number {
  const number = /^-?\d+(?:\.\d+)?$/.test(said) ? Number(said) : Number.NaN
  if (!Number.isNaN(number)) return Math.min(1, Math.max(0, number))
  if (nodeId === '') return 1
  return (createHash('sha256').update(nodeId).digest().readUInt32BE() % 1_000_000 + 1) / 1_000_000
}

/** What of a graph a node of this wariness sees now. */
export const visibleEdges = ({ edges, rollouts }: Graph, wariness: number, now: number): ReadonlyArray<readonly [number, number]> => {
  const hidden = new Set([...rollouts].filter(([, rollout]) => wariness > rolledOut(rollout, now)).map(([at]) => at))
  return hidden.size === 0 ? edges : edges.filter(([, to]) => !hidden.has(to))
}

/** The edges of a graph that ends at one version: for a group that is pinned to it, whatever is being rolled out. */
export function pinnedEdges ({ nodes, edges }: Graph, version: string): ReadonlyArray<readonly [number, number]> {
  const has = (at: number, name: string): boolean => nodes[at]!.metadata[key(name)] === 'true'
  const pinned = nodes.findIndex(node => node.version === version)
  if (pinned < 0) return []
  const before = Array.from({ length: pinned }, (_, at) => at)
  const from = before.findLast(at => has(at, 'updates.barrier')) ?? 0
  return [
    ...edges.filter(([, to]) => to < pinned && has(to, 'updates.barrier')),
    ...before.slice(from).filter(at => !has(at, 'updates.deadend')).map(at => [at, pinned] as const)
  ]
}

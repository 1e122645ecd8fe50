// A discovery token for each etcd cluster that somebody names: made once and kept, and tried again while the disk takes none.
import type { Clock, Timer } from '../base/clock.js'
import { unwaited } from '../base/errors.js'
import type { Discovery } from './discovery.js'

export interface NamedCluster { readonly name: string, readonly size: number }

/** With every size that it was given: those who name it may not agree. */
export interface GivenCluster { readonly name: string, readonly sizes: readonly number[] }

export interface ClusterTokensOptions {
  readonly discovery: Pick<Discovery, 'knownTokenOf' | 'tokenOf' | 'state'>
  readonly clock: Pick<Clock, 'after'>
  readonly onSizesDiffer: (cluster: GivenCluster) => void
  readonly onUnsaved: (cluster: NamedCluster, error: unknown) => void
}

/** Milliseconds until a token that could not be kept is tried again. */
const retryAfter = 10_000

export class ClusterTokens {
  readonly #options: ClusterTokensOptions
  readonly #unkept = new Map<string, NamedCluster>()
  #again: Timer | undefined
  #closed = false
  #version = {}

  constructor (options: ClusterTokensOptions) { this.#options = options }

  /** Another object whenever a cluster may have another token. */
  get version (): object { return this.#version }

  /** One that is known keeps its size where those who name it do not agree. */
  async begin (clusters: Iterable<GivenCluster>): Promise<void> {
    const { discovery, onSizesDiffer } = this.#options
    for (const cluster of clusters) {
      const { name, sizes } = cluster
      if (sizes.length > 1) onSizesDiffer(cluster)
      const known = discovery.state.tokens.get(discovery.knownTokenOf(name) ?? '')?.size
      await this.keep({ name, size: sizes.length > 1 && known !== undefined ? known : sizes[0]! })
    }
  }

  async keep (cluster: NamedCluster): Promise<void> {
    const { discovery, onUnsaved } = this.#options
    const { name, size } = cluster
    try {
      const known = discovery.knownTokenOf(name)
      await discovery.tokenOf(name, size)
      if (discovery.knownTokenOf(name) !== known) this.#version = {}
    } catch (error) {
      onUnsaved(cluster, error)
      this.#unkept.set(name, cluster)
      if (!this.#closed) this.#again ??= this.#options.clock.after(retryAfter, () => { this.#tryAgain() })
    }
  }

  close (): void {
    this.#closed = true
    this.#again?.cancel()
  }

  #tryAgain (): void {
    this.#again = undefined
    const those = [...this.#unkept.values()]
    this.#unkept.clear()
    for (const cluster of those) unwaited(this.keep(cluster))
  }
}

// Where in the Butane document each part of an Ignition config came from, so that a finding about the one can be shown in the
// other (translate/set.go, config/util/util.go of the reference).
import type { ValuePath } from '../../base/positions.js'
import { pathText } from '../report.js'
import { mergeConfigs } from '../spec3/merge.js'
import { filled } from '../values.js'
import type { Struct, Values } from '../schema.js'

export class Origins {
  readonly #from = new Map<string, ValuePath>()

  add (from: ValuePath, to: ValuePath): void { this.#from.set(pathText(to), from) }

  get (to: ValuePath): ValuePath | undefined { return this.#from.get(pathText(to)) }

  /** The document's path of a config's path; where nothing is known (of what is missing, say) the same path. */
  trace (to: ValuePath): ValuePath { return this.get(to) ?? to }
}

/** A config with the origins of its parts. */
export interface TracedConfig { readonly config: Values, readonly origins: Origins }

/** What a piece of sugar stands for: some parts of a config, and where in the document each of them came from. */
export interface RenderedConfig { readonly some: Values, readonly origin: (at: ValuePath) => ValuePath | undefined }

/** The child's values win, and so do its origins: the sugar is seldom what a person means where both had a say. */
export const merged = (struct: Struct, { some, origin: renderedFrom }: RenderedConfig, child: TracedConfig): TracedConfig => {
  const { config, transcript } = mergeConfigs(struct, filled(struct, some), child.config)
  const traced = new Origins()
  for (const { from, source, result } of transcript) {
    const origin = from === 'parent' ? renderedFrom(source) : child.origins.get(source)
    if (origin !== undefined && (from === 'child' || traced.get(result) === undefined)) traced.add(origin, result)
  }
  return { config, origins: traced }
}

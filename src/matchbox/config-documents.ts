// What a profile's config file becomes for one machine: rendered as a template, and for /ignition translated, for /cloud looked at.
// How long that takes depends on the file, so that it may be tried within bounds.
import { AppError } from '../base/errors.js'
import { TooManySteps } from '../go/template/template.js'
import { checkCloudConfig } from './cloud-config.js'
import { IgnitionDocuments, isReadyIgnition } from './ignition-documents.js'
import type { NetBoot } from './profile.js'
import type { ConfigFile, ConfigKind, Objects } from './store.js'
import { type OwnSnippets, Templates } from './templates.js'
import type { Variables } from './variables.js'

export interface DocumentBody {
  readonly body: Buffer | undefined
  readonly boot?: NetBoot
  readonly error?: AppError | undefined
  readonly problem?: string | undefined
  readonly report?: readonly string[]
  readonly warning?: string | undefined
}

/** What a rendering may take where others wait for it: some 20 ms. */
export interface Bounds {
  /** Of the template's execution. */
  readonly steps: number
  /** Octets of the file, and of what it was rendered to. */
  readonly octets: number
}

/** A rendering was not begun, or given up, because it takes more than its bounds. */
export class TooLong extends Error {}

export class ConfigDocuments {
  readonly #ignition = new IgnitionDocuments()
  readonly #templates: Templates

  constructor (ownSnippets?: OwnSnippets) { this.#templates = new Templates(ownSnippets) }

  /** Throws AppError template_invalid, cloud_invalid; and TooLong, within bounds. */
  make (kind: ConfigKind, file: ConfigFile, variables: Variables, shared: Objects['shared'], bounds?: Bounds): DocumentBody {
    if (kind === 'ignition' && isReadyIgnition(file.name)) {
      if (!this.#ignition.isKnown(file)) within(file.content, bounds)
      return { body: file.content, ...this.#ignition.readinessOf(file) }
    }
    within(file.content, bounds)
    const body = this.#rendered(file, variables, shared, bounds)
    if (kind === 'generic') return { body }
    within(body, bounds)
    if (kind === 'ignition') return this.#ignition.translate(file, body)
    checkCloudConfig(body)
    return { body }
  }

  #rendered (file: ConfigFile, variables: Variables, shared: Objects['shared'], bounds: Bounds | undefined): Buffer {
    try {
      if (bounds === undefined) return this.#templates.render(file, variables, shared)
      // Files that a template carries are rendered each time that it asks for one.
      let room = bounds.octets
      return this.#templates.render(file, variables, shared, { steps: bounds.steps }, ({ content }) => {
        room -= Math.max(content.length, leastCarried)
        if (room < 0) throw new TooLong()
        return { steps: bounds.steps / 10 }
      })
    } catch (error) {
      if (bounds !== undefined && error instanceof AppError && tookTooLong(error)) throw new TooLong()
      throw error
    }
  }
}

/** What one counts as at least, in octets: with 32 KiB no more than sixteen are rendered. */
const leastCarried = 2048

/** Whichever template it was of those that were rendered for this one. */
const tookTooLong = ({ cause }: Error): boolean =>
  cause instanceof TooLong || cause instanceof TooManySteps || (cause instanceof Error && tookTooLong(cause))

function within ({ length }: Buffer, bounds: Bounds | undefined): void {
  if (bounds !== undefined && length > bounds.octets) throw new TooLong()
}

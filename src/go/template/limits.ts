// What bounds an execution: Go leaves it to its stack, its heap and patience.

export interface TemplateLimits {
  /** The most bytes of output, and of any one string that a template builds on the way. */
  readonly outputBytes: number
  /** The most work: about one for each node evaluated, 64 bytes handed to a function or 8 bytes it makes. Five million are
   * a second or so. */
  readonly steps: number
  /** The most templates that call one another (Go: 100,000). */
  readonly templateDepth: number
}

export const defaultLimits: TemplateLimits = { outputBytes: 16 * 1024 * 1024, steps: 5_000_000, templateDepth: 10_000 }

/** The most lists of nodes entered and not left: control structures times template calls. It bounds memory. */
export const maxFrames = 100_000

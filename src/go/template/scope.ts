// The variables that a template may name where its parser stands. Each is looked for wherever a template names one, so how many of a name
// there are is counted: a template of many variables takes no longer than one of many words.
export class TemplateScope {
  /** Innermost last. */
  readonly #names: string[] = []
  readonly #counts = new Map<string, number>()

  constructor () { this.declare('$') }

  /** How many there are; `leave` goes back to as many. */
  get depth (): number { return this.#names.length }

  has (name: string): boolean { return (this.#counts.get(name) ?? 0) > 0 }

  declare (name: string): void {
    this.#names.push(name)
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  leave (depth: number): void {
    for (const name of this.#names.splice(depth)) this.#counts.set(name, this.#counts.get(name)! - 1)
  }
}

// What goes wrong inside a function or a printer, where the place in the template is not known: the executor adds it.

/** A function's own error, or a limit that was reached. */
export class TemplateFailure extends Error {
  /** True for a limit of ours: said without "error calling". */
  readonly isLimit: boolean

  constructor (message: string, isLimit = false) {
    super(message)
    this.isLimit = isLimit
  }
}

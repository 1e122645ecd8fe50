// The one error of this folder.
import { printable } from '../string.js'

// A message quotes the template, and a hostile one can hold a word of megabytes.
const maxMessage = 4000

/** A template that could not be parsed or executed. The message is in Go's form: `template: name:line:col: what`. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  /** The name the template was parsed under. */
  readonly templateName: string
  /** From 1. */
  readonly line: number
  /** In bytes from the start of the line, from 0 as Go counts; undefined for a syntax error, of which Go gives the line alone. */
  readonly column: number | undefined

  constructor (message: string, templateName: string, line: number, column?: number) {
    super(printable(message.length > maxMessage ? message.slice(0, maxMessage) + '...' : message))
    this.templateName = printable(templateName)
    this.line = line
    this.column = column
  }
}

/** The execution was given up where its limit of steps is. */
export class TooManySteps extends TemplateError {}

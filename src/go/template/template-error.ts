// What whoever asks for a template is told: the only errors that leave this folder.
import { printable } from '../string.js'

// A message quotes the template, and a hostile one can hold a word of megabytes.
const maxMessage = 4000

/** A template that could not be parsed or executed. The message is in Go's form: `template: name:line:col: text`. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  /** The name the template was parsed under. */
  readonly templateName: string
  /** From 1. */
  readonly line: number
  /** In bytes from the start of the line, from 0 as Go counts; undefined for a syntax error, of which Go gives the line alone. */
  readonly column: number | undefined
  /** The message without its place. */
  readonly text: string
  /** What was executed, as Go shows it; '' for a syntax error. */
  readonly context: string

  constructor (text: string, { name, line, column, context = '' }: TemplatePlace) {
    const place = `template: ${name}:${line}${column === undefined ? '' : `:${column}`}: `
    const whole = place + text
    super(printable(whole.length > maxMessage ? whole.slice(0, maxMessage) + '...' : whole))
    this.text = this.message.slice(printable(place).length)
    this.templateName = printable(name)
    this.line = line
    this.column = column
    this.context = context
  }
}

export interface TemplatePlace {
  readonly name: string
  readonly line: number
  readonly column?: number
  readonly context?: string
}

/** A template that is called, and that nobody defined. */
export class NoSuchTemplate extends TemplateError {}

/** The execution was given up where its limit of steps is. */
export class TooManySteps extends TemplateError {}

// What is wrong with the file of a group or profile, and where in it: text that stops being JSON, or a value that its key does not take.
import { AppError, messageOf } from '../base/errors.js'
import type { TextPosition, ValuePath } from '../base/positions.js'
import { FieldError } from '../go/json-struct.js'
import { JsonError } from '../go/json-read.js'

export interface ObjectFault {
  readonly text: string
  /** Where the text stops being JSON. */
  readonly at?: TextPosition
  /** Of the value that it is about. */
  readonly path?: ValuePath
}

/** Its message begins with the place, where there is one. */
export class ObjectInvalid extends AppError {
  readonly fault: ObjectFault

  constructor (code: 'group_invalid' | 'profile_invalid', fault: ObjectFault, cause?: unknown) {
    super(code, fault.at === undefined ? fault.text : `${fault.at.line}:${fault.at.column}: ${fault.text}`, { cause })
    this.fault = fault
  }
}

/** What refused a file, as a fault of it; undefined for what says nothing of its place. */
export function faultOf (error: unknown): ObjectFault | undefined {
  if (error instanceof ObjectInvalid) return error.fault
  if (error instanceof JsonError) return { text: error.problem, at: { line: error.line, column: error.column } }
  return error instanceof FieldError ? { text: error.message, path: error.path } : undefined
}

/** The same as an error of the object's kind; what is one already is left as it is. */
export const objectInvalid = (code: 'group_invalid' | 'profile_invalid', error: unknown): AppError =>
  error instanceof AppError ? error : new ObjectInvalid(code, faultOf(error) ?? { text: messageOf(error) }, error)

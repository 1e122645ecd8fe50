// The predefined functions, as a table of name -> how many arguments it takes and what it does. `and` and `or` are not called:
// they stop at the argument that decides, so the executor evaluates their arguments itself.
import { queryEscape } from '../query.js'
import { equal, less, lessOrEqual } from './compare.js'
import { index, join, length, slice } from './collections.js'
import { templateEscapeHtml } from '../html.js'
import { jsEscape } from './escape.js'
import { TemplateFailure } from './failure.js'
import { sprint, sprintln } from './print.js'
import { sprintf } from './printf.js'
import { isTrue, typeName, type TemplateValue } from './value.js'

export interface GoFunction {
  /** The fixed arguments. */
  readonly fixed: number
  /** Whether more may follow. */
  readonly variadic: boolean
  /** The first argument is a Go string, not any value: its type is checked before the call. */
  readonly takesString?: true
  /** Set for and, or: the truth of an argument that ends the evaluation. */
  readonly decides?: boolean
  /** Throws TemplateFailure. Printers write at most `limit` bytes. */
  readonly call: (args: readonly TemplateValue[], limit: number) => TemplateValue
}

/** The text that an escaping function works on: one string as it is, anything else printed, nil as an action prints it. */
const argumentText = (args: readonly TemplateValue[], limit: number): string =>
  sprint(args.map(value => value === undefined || value === null ? '<no value>' : value), limit)

const lastOf = (args: readonly TemplateValue[]): TemplateValue => args[args.length - 1]

function callFunction (callee: TemplateValue): TemplateValue {
  // Data from JSON never holds a function, so there is none to call.
  throw new TemplateFailure(callee === undefined || callee === null ? 'call of nil' : `non-function of type ${typeName(callee)}`)
}

const functions: ReadonlyMap<string, GoFunction> = new Map(Object.entries({
  and: { fixed: 1, variadic: true, decides: false, call: lastOf },
  or: { fixed: 1, variadic: true, decides: true, call: lastOf },
  not: { fixed: 1, variadic: false, call: ([value]) => !isTrue(value) },
  call: { fixed: 1, variadic: true, call: ([callee]) => callFunction(callee) },
  html: { fixed: 0, variadic: true, call: (args, limit) => templateEscapeHtml(argumentText(args, limit)) },
  js: { fixed: 0, variadic: true, call: (args, limit) => jsEscape(argumentText(args, limit)) },
  urlquery: { fixed: 0, variadic: true, call: (args, limit) => queryEscape(argumentText(args, limit)) },
  index: { fixed: 1, variadic: true, call: ([item, ...path]) => index(item, path) },
  slice: { fixed: 1, variadic: true, call: ([item, ...indexes]) => slice(item, indexes) },
  // Mayu's, which Go has not: {{join ", " .list}}.
  join: { fixed: 2, variadic: false, takesString: true, call: ([separator, list], limit) => join(separator as string, list, limit) },
  len: { fixed: 1, variadic: false, call: ([item]) => length(item) },
  print: { fixed: 0, variadic: true, call: sprint },
  println: { fixed: 0, variadic: true, call: sprintln },
  printf: { fixed: 1, variadic: true, takesString: true, call: ([format, ...args], limit) => sprintf(format as string, args, limit) },
  eq: { fixed: 1, variadic: true, call: ([first, ...others]) => equal(first, others) },
  ne: { fixed: 2, variadic: false, call: ([left, right]) => !equal(left, [right]) },
  lt: { fixed: 2, variadic: false, call: ([left, right]) => less(left, right) },
  le: { fixed: 2, variadic: false, call: ([left, right]) => lessOrEqual(left, right) },
  gt: { fixed: 2, variadic: false, call: ([left, right]) => !lessOrEqual(left, right) },
  ge: { fixed: 2, variadic: false, call: ([left, right]) => !less(left, right) }
} satisfies Record<string, GoFunction>))

export const findFunction = (name: string): GoFunction | undefined => functions.get(name)

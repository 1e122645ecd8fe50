// How Go prints a value: the printing half of fmt (its print.go) for the types a template sees, with Sprint and Sprintln.
import { byteLength, joined } from '../string.js'
import { TemplateFailure } from './failure.js'
import {
  formatBool, formatCharacter, formatFloatVerb, formatHexBytes, formatInteger, formatQuoted, formatQuotedCharacter, formatString,
  formatUnicode, noFlags, pad, type Flags
} from './format.js'
import { Complex, GoMap, GoSlice, Uint8, typeName, type TemplateValue } from './value.js'

// Data nested deeper than this is not printed: encoding/json reads 10,000 levels, our call stack does not print as many.
const maxDepth = 1000

export class Printer {
  flags: Flags = noFlags()
  readonly #limit: number
  readonly #parts: string[] = []
  #length = 0

  /** @param limit the most bytes to write */
  constructor (limit: number) { this.#limit = limit }

  take (): string { return joined(this.#parts.join('')) }

  write (text: string): void {
    this.#length += byteLength(text)
    if (this.#length > this.#limit) throw new TemplateFailure(`output is larger than ${this.#limit} bytes`, true)
    this.#parts.push(text)
  }

  /** One operand under one verb, which is a character. */
  printArg (value: TemplateValue, verb: string): void {
    if (value === undefined || value === null) {
      if (verb === 'T' || verb === 'v') this.write(pad(this.flags, '<nil>'))
      else this.#badVerb(value, verb)
    } else if (verb === 'T') {
      this.write(formatString(this.flags, typeName(value)))
    } else if (verb === 'p') {
      this.#printPointer(value)
    } else if (verb === 'w') {
      this.#badVerb(value, verb) // %w is for Errorf alone
    } else {
      this.#printValue(value, verb, 0)
    }
  }

  #badVerb (value: TemplateValue, verb: string): void {
    this.write(`%!${verb}(`)
    if (value === undefined || value === null) {
      this.write('<nil>')
    } else {
      this.write(typeName(value) + '=')
      this.#printValue(value, 'v', 0)
    }
    this.write(')')
  }

  /** An address in Go, another in every run: here the one that says so. */
  #printPointer (value: Exclude<TemplateValue, null | undefined>): void {
    if (value instanceof GoMap || value instanceof GoSlice) {
      this.write(formatInteger({ ...this.flags, sharp: !this.flags.sharp }, 0xc000000000n, 'x'))
    } else {
      this.#badVerb(value, 'p')
    }
  }

  #printValue (value: TemplateValue, verb: string, depth: number): void {
    if (depth > maxDepth) throw new TemplateFailure(`data is nested deeper than ${maxDepth} levels`, true)
    switch (typeof value) {
      case 'string': return this.#printString(value, verb)
      case 'number': return this.#printFloat(value, verb, value)
      case 'bigint': return this.#printInteger(value, verb, value)
      case 'boolean':
        return verb === 't' || verb === 'v' ? this.write(formatBool(this.flags, value)) : this.#badVerb(value, verb)
      case 'undefined': return this.write('<nil>')
    }
    if (value === null) this.write(this.flags.sharpV ? 'interface {}(nil)' : '<nil>')
    else if (value instanceof GoMap) this.#printMap(value, verb, depth)
    else if (value instanceof GoSlice) this.#printSlice(value, verb, depth)
    else if (value instanceof Uint8) this.#printInteger(BigInt(value.value), verb, value)
    else this.#printComplex(value, verb)
  }

  #printString (value: string, verb: string): void {
    switch (verb) {
      case 'v': return this.write(this.flags.sharpV ? formatQuoted(this.flags, value) : formatString(this.flags, value))
      case 's': return this.write(formatString(this.flags, value))
      case 'q': return this.write(formatQuoted(this.flags, value))
      case 'x': case 'X': return this.write(formatHexBytes(this.flags, value, verb === 'X'))
      default: return this.#badVerb(value, verb)
    }
  }

  #printInteger (integer: bigint, verb: string, value: bigint | Uint8): void {
    switch (verb) {
      case 'v':
        if (this.flags.sharpV && value instanceof Uint8) return this.write(formatInteger({ ...this.flags, sharp: true }, integer, 'x'))
        return this.write(formatInteger(this.flags, integer, 'd'))
      case 'b': case 'o': case 'O': case 'd': case 'x': case 'X': return this.write(formatInteger(this.flags, integer, verb))
      case 'c': return this.write(formatCharacter(this.flags, integer))
      case 'q': return this.write(formatQuotedCharacter(this.flags, integer))
      case 'U': return this.write(formatUnicode(this.flags, integer))
      default: return this.#badVerb(value, verb)
    }
  }

  /** `whole` is the value that the number is part of: itself, or a complex number. */
  #printFloat (number: number, verb: string, whole: TemplateValue): void {
    switch (verb) {
      case 'v': return this.write(formatFloatVerb(this.flags, number, 'g', -1))
      case 'b': case 'g': case 'G': case 'x': case 'X': return this.write(formatFloatVerb(this.flags, number, verb, -1))
      case 'e': case 'E': case 'f': return this.write(formatFloatVerb(this.flags, number, verb, 6))
      case 'F': return this.write(formatFloatVerb(this.flags, number, 'f', 6))
      default: return this.#badVerb(whole, verb)
    }
  }

  #printComplex (value: Complex, verb: string): void {
    if (!'vbgGxXfFeE'.includes(verb)) return this.#badVerb(value, verb)
    const { flags } = this
    this.write('(')
    this.#printFloat(value.real, verb, value)
    this.flags = { ...flags, plus: true }
    this.#printFloat(value.imaginary, verb, value)
    this.flags = flags
    this.write('i)')
  }

  #printMap (map: GoMap, verb: string, depth: number): void {
    const { sharpV } = this.flags
    this.write(sharpV ? `${typeName(map)}{` : 'map[')
    let first = true
    for (const key of map.keys) {
      if (!first) this.write(sharpV ? ', ' : ' ')
      first = false
      this.#printValue(key, verb, depth + 1)
      this.write(':')
      this.#printValue(map.get(key), verb, depth + 1)
    }
    this.write(sharpV ? '}' : ']')
  }

  #printSlice (slice: GoSlice, verb: string, depth: number): void {
    const { sharpV } = this.flags
    this.write(sharpV ? `${typeName(slice)}{` : '[')
    for (let i = 0; i < slice.length; i++) {
      if (i > 0) this.write(sharpV ? ', ' : ' ')
      this.#printValue(slice.at(i), verb, depth + 1)
    }
    this.write(sharpV ? '}' : ']')
  }
}

/** A value under %v or %s as a message shows it: whole, unless it is long. */
export function brief (value: TemplateValue, verb: 'v' | 's'): string {
  const printer = new Printer(1000)
  try {
    printer.printArg(value, verb)
    return printer.take()
  } catch (error) {
    if (error instanceof TemplateFailure) return printer.take().slice(0, 1000) + '...'
    throw error
  }
}

/** fmt.Sprint: spaces between operands when neither is a string. */
export function sprint (values: readonly TemplateValue[], limit: number): string {
  const [only] = values
  if (values.length === 1 && typeof only === 'string') return only
  const printer = new Printer(limit)
  values.forEach((value, i) => {
    if (i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string') printer.write(' ')
    printer.printArg(value, 'v')
  })
  return printer.take()
}

/** fmt.Sprintln: spaces between all operands, and a newline. */
export function sprintln (values: readonly TemplateValue[], limit: number): string {
  const printer = new Printer(limit)
  values.forEach((value, i) => {
    if (i > 0) printer.write(' ')
    printer.printArg(value, 'v')
  })
  printer.write('\n')
  return printer.take()
}

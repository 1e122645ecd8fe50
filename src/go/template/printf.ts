// fmt.Sprintf: flags, widths, precisions, `*`, argument indexes and what it writes for a format that does not fit its operands.
import { runeOf, stringOfRune } from '../string.js'
import { noFlags, type Flags } from './format.js'
import { Printer } from './print.js'
import { Uint8, typeName, type TemplateValue } from './value.js'

// fmt takes no width, precision or index beyond a million.
const tooLarge = (value: number): boolean => value > 1e6 || value < -1e6

interface Scanned { readonly value: number | undefined, readonly end: number }

/** The decimal number at `at`. One that is too large swallows the rest of the format, as in Go. */
function scanNumber (format: string, at: number, stop: number): Scanned {
  let value: number | undefined
  let end = at
  for (; end < stop && format[end]! >= '0' && format[end]! <= '9'; end++) {
    if (tooLarge(value ?? 0)) return { value: undefined, end: stop }
    value = (value ?? 0) * 10 + Number(format[end])
  }
  return { value, end }
}

/** The operand that `*` takes its number from. */
function integerOf (value: TemplateValue): number | undefined {
  const integer = value instanceof Uint8 ? value.value : typeof value === 'bigint' ? Number(value) : undefined
  return integer === undefined || tooLarge(integer) ? undefined : integer
}

class Formatter {
  readonly #format: string
  readonly #args: readonly TemplateValue[]
  readonly #printer: Printer
  #at = 0
  #arg = 0
  #reordered = false
  #goodIndex = true
  // The next `]`, or -1: looked for once, lest a format of nothing but `[` be read through for each of them.
  #close = 0

  constructor (format: string, args: readonly TemplateValue[], limit: number) {
    this.#format = format
    this.#args = args
    this.#printer = new Printer(limit)
  }

  run (): string {
    for (;;) {
      const percent = this.#format.indexOf('%', this.#at)
      const textEnd = percent < 0 ? this.#format.length : percent
      if (textEnd > this.#at) this.#printer.write(this.#format.slice(this.#at, textEnd))
      if (percent < 0) break
      this.#at = percent + 1
      this.#directive()
    }
    if (!this.#reordered && this.#arg < this.#args.length) this.#extra()
    return this.#printer.take()
  }

  #directive (): void {
    const flags = noFlags()
    this.#printer.flags = flags
    this.#goodIndex = true
    this.#scanFlags(flags)
    let afterIndex = this.#scanIndex()
    afterIndex = this.#scanWidth(flags, afterIndex)
    afterIndex = this.#scanPrecision(flags, afterIndex)
    if (!afterIndex) this.#scanIndex()
    if (this.#at >= this.#format.length) return this.#printer.write('%!(NOVERB)')
    const verb = String.fromCodePoint(this.#format.codePointAt(this.#at)!)
    this.#at += verb.length
    this.#verb(flags, stringOfRune(runeOf(verb)))
  }

  #verb (flags: Flags, verb: string): void {
    if (verb === '%') return this.#printer.write('%') // takes no operand, and no notice of width or index
    if (!this.#goodIndex) return this.#printer.write(`%!${verb}(BADINDEX)`)
    if (this.#arg >= this.#args.length) return this.#printer.write(`%!${verb}(MISSING)`)
    if (verb === 'v') {
      flags.sharpV = flags.sharp
      flags.sharp = false
      flags.plus = false
    }
    this.#printer.printArg(this.#args[this.#arg++], verb)
  }

  #scanFlags (flags: Flags): void {
    for (; this.#at < this.#format.length; this.#at++) {
      switch (this.#format[this.#at]) {
        case '#': flags.sharp = true; break
        case '0': flags.zero = !flags.minus; break
        case '+': flags.plus = true; break
        case '-': flags.minus = true; flags.zero = false; break
        case ' ': flags.space = true; break
        default: return
      }
    }
  }

  /** An argument index, `[2]`. True where one was read. */
  #scanIndex (): boolean {
    if (this.#format[this.#at] !== '[') return false
    this.#reordered = true
    const start = this.#at
    if (this.#close >= 0 && this.#close <= start) this.#close = this.#format.indexOf(']', start + 1)
    const close = this.#close
    if (close < 0 || start + 3 > this.#format.length) {
      this.#at = start + 1
      this.#goodIndex = false
      return false
    }
    this.#at = close + 1
    const { value, end } = scanNumber(this.#format, start + 1, close)
    const isNumber = value !== undefined && end === close
    if (isNumber && value >= 1 && value <= this.#args.length) this.#arg = value - 1
    else this.#goodIndex = false
    return isNumber
  }

  #scanWidth (flags: Flags, afterIndex: boolean): boolean {
    if (this.#format[this.#at] !== '*') {
      const { value, end } = scanNumber(this.#format, this.#at, this.#format.length)
      this.#at = end
      flags.width = value
      if (afterIndex && value !== undefined) this.#goodIndex = false // %[3]2d
      return afterIndex
    }
    const width = this.#starOperand()
    if (width === undefined) this.#printer.write('%!(BADWIDTH)')
    else if (width < 0) {
      flags.minus = true
      flags.zero = false
    }
    flags.width = width === undefined ? undefined : Math.abs(width)
    return false
  }

  #scanPrecision (flags: Flags, afterIndex: boolean): boolean {
    if (this.#format[this.#at] !== '.') return afterIndex
    this.#at++
    if (afterIndex) this.#goodIndex = false // %[3].2d
    const indexed = this.#scanIndex()
    if (this.#format[this.#at] !== '*') {
      const { value, end } = scanNumber(this.#format, this.#at, this.#format.length)
      this.#at = end
      flags.precision = value ?? 0
      return indexed
    }
    const precision = this.#starOperand()
    flags.precision = precision === undefined || precision < 0 ? undefined : precision
    if (flags.precision === undefined) this.#printer.write('%!(BADPREC)')
    return false
  }

  #starOperand (): number | undefined {
    this.#at++
    return this.#arg < this.#args.length ? integerOf(this.#args[this.#arg++]) : undefined
  }

  #extra (): void {
    this.#printer.flags = noFlags()
    this.#printer.write('%!(EXTRA ')
    this.#args.slice(this.#arg).forEach((value, i) => {
      if (i > 0) this.#printer.write(', ')
      if (value === undefined || value === null) return this.#printer.write('<nil>')
      this.#printer.write(typeName(value) + '=')
      this.#printer.printArg(value, 'v')
    })
    this.#printer.write(')')
  }
}

/** The formatted text; fails only when they are more than `limit`. */
export const sprintf = (format: string, args: readonly TemplateValue[], limit: number): string => new Formatter(format, args, limit).run()

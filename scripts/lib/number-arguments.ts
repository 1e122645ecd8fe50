// Numbers that somebody types after the name of a bench or soak. One that is none is told in a line, before anything is started.

/** What was typed cannot be: run-named tells it and ends with status 2. */
export class ArgumentError extends Error {}

export interface NumberRange {
  /** 1 without it. */
  readonly least?: number
  readonly most?: number
  /** 0.5 can be as well. */
  readonly hasParts?: boolean
}

/** `name` is as it is typed, or as the help has it: `--rounds`, `SECONDS`. */
export function numberOf (name: string, text: string, { least = 1, most = Infinity, hasParts = false }: NumberRange = {}): number {
  const number = /^\d+(?:\.\d+)?(?:e\d+)?$/i.test(text) ? Number(text) : NaN
  if (number >= least && number <= most && Number.isFinite(number) && (hasParts || Number.isSafeInteger(number))) return number
  const bounds = most === Infinity ? `from ${least} on` : `from ${least} to ${most}`
  throw new ArgumentError(`${name} takes a ${hasParts ? '' : 'whole '}number ${bounds}, not ${JSON.stringify(text)}`)
}

/** `10,1000` */
export const numbersOf = (name: string, text: string, range?: NumberRange): readonly number[] =>
  text.split(',').map(one => numberOf(name, one, range))

/** A seed that is given, or one of now. */
export const seedOf = (name: string, text: string | undefined): number =>
  text === undefined ? Date.now() % 2 ** 31 : numberOf(name, text, { least: 0 })

/** There are no more words than these. */
export function assertAtMost (words: readonly string[], most: number): void {
  if (words.length > most) throw new ArgumentError(`there is nothing that ${JSON.stringify(words[most])} could say`)
}

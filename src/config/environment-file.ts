// Environment files as systemd reads them (systemd.exec(5), EnvironmentFile=): NAME=value a line, with quotes, backslashes,
// comments and lines that go on. Not a shell: nothing is expanded, and a quote within a word is a character like any other.

/** Names and values, in the order of the file; of one name the last counts. */
export type UnitEnvironment = ReadonlyMap<string, string>

/** What a backslash may take the meaning of between double quotes. */
const escapable: ReadonlySet<string> = new Set(['"', '\\', '`', '$'])

const isName = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text)
/** A carriage return ends a line too: files that were written on Windows are read. */
const isEnd = (char: string): boolean => char === '\n' || char === '\r'
const isBlank = (char: string): boolean => char === ' ' || char === '\t' || isEnd(char)

type State = 'before name' | 'name' | 'before value' | 'value' | 'escape' | 'single' | 'double' | 'double escape' | 'comment' | 'comment escape'

/** Lines that are no assignment are passed over, as systemd does. */
export function parseEnvironmentFile (text: string): UnitEnvironment {
  const found = new Map<string, string>()
  let [name, value]: [string, string] = ['', '']
  /** How much of `value` stays when blanks at its end are cut off: those in quotes do, and those after a backslash. */
  let kept = 0
  let state: State = 'before name'
  const take = (): void => {
    if (isName(name.trimEnd())) found.set(name.trimEnd(), state === 'value' ? value.slice(0, kept) : value)
    name = value = ''
    kept = 0
  }
  const add = (char: string): void => {
    value += char
    if (state !== 'value' || !isBlank(char)) kept = value.length
  }
  for (const char of text) {
    switch (state) {
      case 'before name':
        if (char === '#' || char === ';') state = 'comment'
        else if (!isBlank(char)) {
          state = 'name'
          name = char
        }
        break
      case 'name':
        if (isEnd(char)) state = 'before name'
        else if (char === '=') state = 'before value'
        else name += char
        break
      // Here again after each pair of quotes: what follows belongs to the value, but for blanks.
      case 'before value':
        if (isEnd(char)) {
          take()
          state = 'before name'
        } else if (char === "'") state = 'single'
        else if (char === '"') state = 'double'
        else if (char === '\\') state = 'escape'
        else if (!isBlank(char)) {
          state = 'value'
          add(char)
        }
        break
      case 'value':
        if (isEnd(char)) {
          take()
          state = 'before name'
        } else if (char === '\\') {
          kept = value.length
          state = 'escape'
        } else add(char)
        break
      case 'escape':
        // A line that ends so goes on.
        if (!isEnd(char)) add(char)
        state = 'value'
        break
      case 'single':
        if (char === "'") state = 'before value'
        else add(char)
        break
      case 'double':
        if (char === '"') state = 'before value'
        else if (char === '\\') state = 'double escape'
        else add(char)
        break
      case 'double escape':
        if (escapable.has(char)) add(char)
        else if (char !== '\n') add(`\\${char}`)
        state = 'double'
        break
      // One that ends in a backslash goes on (until systemd 254).
      case 'comment':
        if (char === '\\') state = 'comment escape'
        else if (isEnd(char)) state = 'before name'
        break
      case 'comment escape':
        state = 'comment'
    }
  }
  // The end of the file ends a value in whatever state it is.
  if (!['before name', 'name', 'comment', 'comment escape'].includes(state)) take()
  return found
}

/** As `parseEnvironmentFile`, and a shell, read it. */
export const formatEnvironmentFile = (environment: UnitEnvironment): string =>
  [...environment].map(([name, value]) => `${name}=${/^[\w.:/,@%+-]*$/.test(value) ? value : `"${value.replace(/["\\`$]/g, '\\$&')}"`}\n`).join('')

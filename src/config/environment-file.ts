// Environment files as systemd reads them (systemd.exec(5), EnvironmentFile=): NAME=value a line, with quotes, backslashes,
// comments and lines that go on. Not a shell: nothing is expanded.

/** Names and values, in the order of the file; of one name the last counts. */
export type Environment = ReadonlyMap<string, string>

/** What a backslash may take the meaning of between double quotes. */
const escapable: ReadonlySet<string> = new Set(['"', '\\', '`', '$'])

const isName = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text)

/** Lines that are no assignment are passed over, as systemd does. */
export function parseEnvironmentFile (text: string): Environment {
  const found = new Map<string, string>()
  for (let at = 0; at < text.length;) {
    const line = readLine(text, at)
    at = line.end
    if (isName(line.name)) found.set(line.name, line.value)
  }
  return found
}

/** One assignment, which may take several lines. */
function readLine (text: string, start: number): { readonly name: string, readonly value: string, readonly end: number } {
  let lineEnd = text.indexOf('\n', start)
  if (lineEnd < 0) lineEnd = text.length
  const line = text.slice(start, lineEnd)
  const equals = line.indexOf('=')
  if (/^\s*([#;]|$)/.test(line) || equals < 0) return { name: '', value: '', end: lineEnd + 1 }
  let value = ''
  /** How much of `value` stays when blanks at its end are cut off: those in quotes do. */
  let kept = 0
  let at = start + equals + 1
  while (text[at] === ' ' || text[at] === '\t') at++
  for (let quote = ''; at < text.length; at++) {
    const char = text[at] as string
    if (char === '\n' && quote === '') break
    if (quote === '' && (char === '"' || char === "'")) quote = char
    else if (char === quote) quote = ''
    else if (char === '\\' && quote !== "'") {
      const next = text[++at] ?? ''
      // A line that ends so goes on; between quotes only what has a meaning loses its backslash.
      if (next !== '\n') value += quote === '"' && !escapable.has(next) ? `\\${next}` : next
    } else {
      value += char
      if (quote === '' && /\s/.test(char)) continue
    }
    kept = value.length
  }
  return { name: line.slice(0, equals).trim(), value: value.slice(0, kept), end: at + 1 }
}

/** As `parseEnvironmentFile`, and a shell, read it. */
export const formatEnvironmentFile = (environment: Environment): string =>
  [...environment].map(([name, value]) => `${name}=${/^[\w.:/,@%+-]*$/.test(value) ? value : `"${value.replace(/["\\`$]/g, '\\$&')}"`}\n`).join('')

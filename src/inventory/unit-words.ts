// Words as systemd has them (systemd.syntax(7), systemd.service(5)): those of a unit's lines, those that `systemctl show` prints, and
// what variables make of the words of a command.

const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', s: ' ', '\\': '\\', '"': '"', "'": "'" }
const isBlank = (char: string): boolean => /\s/.test(char)

/** Quotes may stand anywhere in a word; C escapes count within them and without. */
export function words (text: string): readonly string[] {
  const found: string[] = []
  // Octets, since an escape may be one of several of a character.
  let word: number[] | undefined
  let quote = ''
  const add = (part: string): void => {
    word ??= []
    for (const octet of Buffer.from(part)) word.push(octet)
  }
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string
    if (quote === '' && isBlank(char)) {
      if (word !== undefined) found.push(Buffer.from(word).toString())
      word = undefined
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char
      add('')
    } else if (char === quote) {
      quote = ''
    } else if (char === '\\') {
      const escape = /^(?:x([0-9a-fA-F]{2})|([0-3][0-7]{2})|u([0-9a-fA-F]{4})|([^]))/.exec(text.slice(at + 1))
      const [all = '', hex, octal, unicode, other = ''] = escape ?? []
      at += all.length
      if (hex !== undefined || octal !== undefined) (word ??= []).push(hex === undefined ? parseInt(octal ?? '', 8) : parseInt(hex, 16))
      else if (unicode !== undefined) add(String.fromCharCode(parseInt(unicode, 16)))
      else add(escapes[other] ?? other)
    } else {
      add(char)
    }
  }
  if (word !== undefined) found.push(Buffer.from(word).toString())
  return found
}

/** The words of a command as it is started: `${NAME}` within a word, `$NAME` as one that becomes as many as its value has. */
export function expand (command: readonly string[], variables: ReadonlyMap<string, string>): readonly string[] {
  return command.flatMap(word => {
    const [, whole] = /^\$([A-Za-z_]\w*)$/.exec(word) ?? []
    if (whole !== undefined) return words(variables.get(whole) ?? '')
    return [word.replace(/\$\$|\$\{([A-Za-z_]\w*)\}/g, (found, name?: string) => found === '$$' ? '$' : variables.get(name ?? '') ?? '')]
  })
}

/**
 * The words of a command that `systemctl show` printed with blanks between, whatever is in them: told apart as `written`, the words of
 * the unit's own line, has them, whose specifiers (`%h`) are resolved in what was printed.
 */
export function wordsAsWritten (printed: string, written: readonly string[]): readonly string[] {
  // Between two specifiers, each of which may stand for anything; `ends` are where in it a word ends.
  const pieces: Array<{ text: string, readonly ends: number[] }> = [{ text: '', ends: [] }]
  for (const [n, word] of written.entries()) {
    const before = pieces.at(-1)!
    if (n > 0) {
      before.ends.push(before.text.length)
      before.text += ' '
    }
    for (const part of word.split(/(%.)/)) {
      if (/^%[^%]$/.test(part)) pieces.push({ text: '', ends: [] })
      else pieces.at(-1)!.text += part === '%%' ? '%' : part
    }
  }
  // Each as early as it can be, and the last where the text ends.
  const ends: number[] = []
  let at = 0
  for (const [n, piece] of pieces.entries()) {
    const { text } = piece
    const from = n === 0 ? 0 : n === pieces.length - 1 ? printed.length - text.length : printed.indexOf(text, at)
    if (from < at || !printed.startsWith(text, from)) return blanksBetween(printed)
    for (const end of piece.ends) ends.push(from + end)
    at = from + text.length
  }
  return at === printed.length ? written.map((_, n) => printed.slice(n === 0 ? 0 : ends[n - 1]! + 1, ends[n])) : blanksBetween(printed)
}

const blanksBetween = (text: string): readonly string[] => text.split(/\s+/).filter(word => word !== '')

/** The values of a key of `[Service]` in the texts of a unit and its drop-ins; an empty one forgets those before it. */
export function valuesIn (texts: readonly string[], key: string): readonly string[] {
  const values: string[] = []
  for (const text of texts) {
    let section = ''
    for (const line of logicalLines(text)) {
      const [, heading] = /^\[(.*)\]$/.exec(line.trim()) ?? []
      section = heading ?? section
      const equals = line.indexOf('=')
      if (section !== 'Service' || equals < 0 || line.slice(0, equals).trim() !== key) continue
      const value = line.slice(equals + 1).trim()
      if (value === '') values.length = 0
      else values.push(value)
    }
  }
  return values
}

/** A line that ends in a backslash goes on, past comments; what was there of it counts as a blank. */
function logicalLines (text: string): readonly string[] {
  const lines: string[] = []
  let begun: string | undefined
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*[#;]/.test(line)) continue
    const whole = begun === undefined ? line : `${begun} ${line}`
    begun = whole.endsWith('\\') ? whole.slice(0, -1) : undefined
    if (begun === undefined) lines.push(whole)
  }
  return begun === undefined ? lines : [...lines, begun]
}

// What the output of a test file says: tap's TAP 14, a subtest's lines indented by four below its name, and what was written beside it.

/** The assertions of a file that passed and failed, by its last line; and the reasons of what it skipped. */
export function countsOf (output: string): { readonly passed: number, readonly failed: number, readonly skips: readonly string[] } {
  const last = output.split('\n').findLast(line => line.startsWith('# { total: ')) ?? ''
  const count = (name: string): number => Number(new RegExp(`\\b${name}: (\\d+)`).exec(last)?.[1] ?? 0)
  const skips = output.split('\n').filter(line => /^ *ok \d/.test(line) && line.includes(' # SKIP')).map(line => line.trim())
  return { passed: count('pass'), failed: count('fail'), skips }
}

/** What of a failed file's output says why: each failed assertion with its diagnosis, or all of it where none failed. */
export function failuresIn (output: string): string {
  const lines = output.split('\n')
  const wanted: string[] = []
  for (let i = 0; i < lines.length; i++) {
    const indent = /^(\s*)not ok /.exec(lines[i]!)?.[1]
    // A subtest repeats at its end what its assertions said.
    if (indent === undefined || lines[i]!.includes('# time=')) continue
    wanted.push(lines[i]!)
    while (i + 1 < lines.length && lines[i + 1]!.startsWith(`${indent}  `)) wanted.push(lines[++i]!)
  }
  return (wanted.length > 0 ? wanted : lines).join('\n')
}

/** Lines of a file's failures that are told in brief, and characters of each. */
const [mostInBrief, longestInBrief] = [4, 240]

/** Of a failed file what fits in a few lines: which assertion, of which subtest and line, and what it found. */
export function failuresInBrief (file: string, output: string): string[] {
  const lines = output.split('\n')
  const failures: string[] = []
  /** The subtests that a line stands in, by their depth. */
  const within: string[] = []
  for (const [i, line] of lines.entries()) {
    const [, indent = '', subtest, assertion] = /^( *)(?:# Subtest: (.*)|not ok \d+ - (.*))$/.exec(line) ?? []
    const depth = indent.length / 4
    if (subtest !== undefined) within.splice(depth, within.length, subtest)
    // A subtest repeats at its end what its assertions said, and what is still to be done fails nothing.
    if (assertion === undefined || / # (time=|TODO)/.test(assertion)) continue
    const diagnosis: string[] = []
    for (let next = i + 1; lines[next]?.startsWith(`${indent}  `) === true; next++) diagnosis.push(lines[next]!.trim())
    const at = valueOf(diagnosis, 'lineNumber')
    failures.push(`${file}${at === undefined ? '' : `:${at}`}: ${[...within.slice(0, depth), assertion].join(' > ')}${found(diagnosis)}`)
  }
  // What has no failed assertion died or ran nothing: its first error, or its last words.
  const written = lines.filter(line => line.trim() !== '' && !/^(#|TAP version|\s+at )/.test(line))
  if (failures.length === 0) failures.push(`${file}: ${(written.find(line => /^\w*Error\b/.test(line)) ?? written.at(-1) ?? 'it ran nothing').trim()}`)
  const shown = failures.slice(0, failures.length > mostInBrief ? mostInBrief - 1 : mostInBrief)
  if (shown.length < failures.length) shown.push(`${file}: and ${failures.length - shown.length} more`)
  return shown.map(line => `failed: ${line.length > longestInBrief ? `${line.slice(0, longestInBrief)}…` : line}`)
}

const valueOf = (diagnosis: readonly string[], name: string): string | undefined =>
  diagnosis.find(line => line.startsWith(`${name}: `))?.slice(name.length + 2)

/** The first difference, or what a timeout says of whose it was. */
function found (diagnosis: readonly string[]): string {
  const from = diagnosis.findIndex(line => line.startsWith('@@ '))
  if (from >= 0) return `: ${[/^-/, /^\+/].map(side => diagnosis.find((line, i) => i > from && side.test(line))).filter(line => line !== undefined).join(' ')}`
  const expired = valueOf(diagnosis, 'expired')
  return expired === undefined ? '' : `: expired: ${expired}`
}

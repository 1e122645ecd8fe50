// Which line of a template a line of what it rendered to came from: translators say where in the rendered text something is wrong,
// and a person edits the template.

/** Of the template, from 1; undefined when several lines may have made it, or none is seen to. */
export function templateLine (template: string, rendered: string, line: number): number | undefined {
  if (template === rendered) return line
  const made = rendered.split('\n')
  const text = made[line - 1]
  if (text === undefined) return undefined
  const lines = template.split('\n')
  const candidates = lines.flatMap((written, n) => couldMake(written, text) ? [n + 1] : [])
  if (candidates.length <= 1) return candidates[0]
  // As often in the one as in the other: then they stand in the same order.
  const twins = made.flatMap((other, n) => other === text ? [n + 1] : [])
  return twins.length === candidates.length ? candidates[twins.indexOf(line)] : undefined
}

/** Whether the line is `text` when its actions stand for anything. A line of nothing but actions says too little. */
function couldMake (written: string, text: string): boolean {
  if (!written.includes('{{')) return written === text
  const pieces = withoutActions(written)
  if (pieces.every(piece => piece.trim() === '')) return false
  const [first = '', last = ''] = [pieces[0], pieces.at(-1)]
  if (!text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return at <= text.length - last.length
}

/** What stands between the actions of a line. */
function withoutActions (line: string): readonly string[] {
  const pieces: string[] = []
  let at = 0
  for (;;) {
    const open = line.indexOf('{{', at)
    const close = open < 0 ? -1 : line.indexOf('}}', open)
    if (close < 0) return [...pieces, line.slice(at)]
    pieces.push(line.slice(at, open))
    at = close + 2
  }
}

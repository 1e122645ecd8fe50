// Pictures as text: a page of HTML inside SVG, and the lines of a program as they came.

/** `at` in milliseconds of any clock. */
export interface Said { readonly at: number, readonly text: string }

/** `body` as XHTML. Nothing of it is loaded from elsewhere: an image of a page may not. */
export const pageSvg = (body: string, style: string, { width, height }: { readonly width: number, readonly height: number }): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<style>${escape(style)}
.scroll { content-visibility: visible }
svg { max-width: none }
svg.chart { max-width: 40em }
body { height: ${height}px; overflow: hidden; border: 1px solid var(--line) }
</style>
<foreignObject width="${width}" height="${height}">${body}</foreignObject>
</svg>
`

const row = 17
const column = 7.23
const margin = 14
/** Milliseconds that a silence lasts at most. */
const longestSilence = 1500

/** Each line appears when it came; then all of them stay. */
export function recordingSvg (said: readonly Said[]): string {
  let at = 500
  let before = said[0]?.at ?? 0
  const lines = said.map(({ at: came, text }, index) => {
    at += Math.min(came - before, longestSilence)
    before = came
    const kind = /FAILED/.test(text) ? ' class="bad"' : / installed {2}| applied its/.test(text) ? ' class="good"' : ''
    return `<text x="${margin}" y="${margin + (index + 1) * row - 4}"${kind} opacity="0">${escape(text)}<set attributeName="opacity" to="1" begin="${Math.round(at)}ms" fill="freeze"/></text>`
  })
  const width = Math.ceil(2 * margin + column * Math.max(40, ...said.map(({ text }) => text.length)))
  const height = 2 * margin + said.length * row
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="The sandbox, from blank machines to applied configs">
<style>rect { fill: #14191f } text { fill: #dfe7ee; font: 12px ui-monospace, monospace; white-space: pre } .good { fill: #5fd3a4 } .bad { fill: #ff9b91 }</style>
<rect width="${width}" height="${height}" rx="8"/>
${lines.join('\n')}
</svg>
`
}

const escape = (text: string): string => text.replace(/[&<>]/g, letter => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[letter]!)

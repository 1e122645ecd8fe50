// What this program wrote into another program's file, between two comments by which it is found again; everything else there is
// somebody else's and stays to the byte.
import { listError } from './source-text.js'

export interface Markers { readonly begin: string, readonly end: string }

/** As cluster-builder has them: in files of the system, and in VMware's. */
export const clusterMarkers = (name: string): Markers =>
  ({ begin: `# BEGIN ${name} CLUSTER MANAGED BLOCK`, end: `# END ${name} CLUSTER MANAGED BLOCK` })
export const fusionMarkers = (name: string): Markers => ({ begin: `### coreos-pxe:${name}:start`, end: `### coreos-pxe:${name}:end` })

export const wrapped = (body: string, { begin, end }: Markers): string => `${begin}\n${body}${end}\n`

/** VMware's own part of its dhcpd.conf stands between these. */
export const vmwareComments = {
  begin: /^#+ *VMNET DHCP Configuration\. Start of "DO NOT MODIFY SECTION"/,
  end: /^#+ *VMNET DHCP Configuration\. End of "DO NOT MODIFY SECTION"/
} as const

/**
 * The file with `body` between the markers: in the place of what stands there, else at its end. `text` is the file's, a character a
 * byte, whatever its encoding and line ends. Throws AppError list_invalid, with the place, when the markers are not one pair in
 * order, or stand in VMware's own part.
 */
export function replaceBlock (file: string, text: string, body: string, markers: Markers): string {
  const lines = text.split('\n')
  const fail = (index: number, why: string): never => { throw listError({ file, line: index + 1, column: 1 }, `${why}: mend this by hand`) }
  const at = (marker: string): number[] => lines.flatMap((line, index) => line.trim() === marker ? [index] : [])
  const [begins, ends] = [at(markers.begin), at(markers.end)]
  const odd = begins[1] ?? ends[1] ?? (begins.length !== ends.length ? begins[0] ?? ends[0] : undefined)
  if (odd !== undefined) fail(odd, `one line ${JSON.stringify(markers.begin)} and one ${JSON.stringify(markers.end)} were expected`)
  const newLine = text.includes('\r\n') ? '\r\n' : '\n'
  // To characters of a byte each, as the rest is.
  const block = Buffer.from(wrapped(body, markers)).toString('latin1').replaceAll('\n', newLine)
  const begin = begins[0] ?? lines.length
  const end = ends[0] ?? lines.length
  if (end < begin) fail(end, `${JSON.stringify(markers.end)} stands before its beginning`)
  const theirs = partOf(lines)
  if (theirs !== undefined && begin > theirs[0] && begin <= theirs[1]) fail(theirs[0], "our block would stand in VMware's own part, which begins here")
  if (begin === lines.length) return `${text}${text === '' || text.endsWith('\n') ? '' : newLine}${block}`
  const [before, after] = [lines.slice(0, begin), lines.slice(end + 1)]
  return `${before.map(line => `${line}\n`).join('')}${after.length === 0 ? block.slice(0, -newLine.length) : block}${after.join('\n')}`
}

/** Lines of VMware's part; one that does not end goes to the end of the file. */
function partOf (lines: readonly string[]): readonly [begin: number, end: number] | undefined {
  const begin = lines.findIndex(line => vmwareComments.begin.test(line))
  if (begin < 0) return undefined
  const end = lines.findIndex((line, index) => index > begin && vmwareComments.end.test(line))
  return [begin, end < 0 ? lines.length : end]
}

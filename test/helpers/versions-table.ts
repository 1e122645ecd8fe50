// The table of docs/versions.md, from the tables that the program works by. Run by itself it writes the page anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { dialects } from '../../src/ignition/butane/dialects.js'
import { specVersion, specs } from '../../src/ignition/spec3/schema.js'

const [begin, end] = ['<!-- table: test/helpers/versions-table.ts -->', '<!-- end of table -->']

export const page = new URL('../../docs/versions.md', import.meta.url)

const names: Readonly<Record<string, string>> = {
  fcos: 'Fedora CoreOS', flatcar: 'Flatcar', r4e: 'RHEL for Edge', fiot: 'Fedora IoT'
}

/** The page with its table as it has to be. */
export function withTable (text: string): string {
  const rows = dialects.map(({ variant, version, ignitionVersion }) => [names[variant] ?? variant, `\`variant: ${variant}\`, \`version: ${version}\``, ignitionVersion])
  const table = [['System', 'Butane config', 'becomes Ignition'], ['---', '---', '---'], ...rows].map(cells => `| ${cells.join(' | ')} |`)
  const ready = `Ready configs are checked as ${specs.map(specVersion).join(', ')}.`
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)]
  return `${text.slice(0, from)}\n${table.join('\n')}\n\n${ready}\n${text.slice(to)}`
}

if (import.meta.filename === process.argv[1]) writeFileSync(page, withTable(readFileSync(page, 'utf8')))

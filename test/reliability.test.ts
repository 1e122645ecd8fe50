// docs/reliability.md: each fault of its table has a test, by the name that stands there.
import { readFileSync } from 'node:fs'
import t from 'tap'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const rows = [...read('docs/reliability.md').matchAll(/^\| ([^|]+) \| [^|]+ \| [^|]+ \| `(test\/[^`]+)`: ([^|]+) \|$/gm)]

t.ok(rows.length >= 15, `${rows.length} faults`)
for (const [, fault = '', file = '', title = ''] of rows) t.ok(read(file).includes(title), `${fault}: ${file}: ${title}`)

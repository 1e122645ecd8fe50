// Runs one long test by name: `npm run soak -- dhcp [arguments]`. Each is a file of scripts/soak that exports `run`.
import { readdirSync } from 'node:fs'

const folder = new URL('./soak/', import.meta.url)
const names = readdirSync(folder).filter(file => file.endsWith('.ts')).map(file => file.slice(0, -3))
const [name = '', ...rest] = process.argv.slice(2)
if (names.includes(name)) {
  const { run } = await import(new URL(`${name}.ts`, folder).href) as { run: (args: readonly string[]) => Promise<void> }
  await run(rest)
} else {
  process.stderr.write(`usage: npm run soak -- NAME, where NAME is one of: ${names.join(', ')}\n`)
  process.exitCode = 2
}

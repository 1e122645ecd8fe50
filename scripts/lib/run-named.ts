// Runs one of the programs in a folder by its name: each is a file that exports `run`.
import { readdirSync } from 'node:fs'

/** `kind` names the folder below scripts/ and the npm script. */
export async function runNamed (kind: 'bench' | 'soak'): Promise<void> {
  const folder = new URL(`../${kind}/`, import.meta.url)
  const names = readdirSync(folder).filter(file => file.endsWith('.ts')).map(file => file.slice(0, -3))
  const [name = '', ...rest] = process.argv.slice(2)
  if (names.includes(name)) {
    const { run } = await import(new URL(`${name}.ts`, folder).href) as { run: (args: readonly string[]) => Promise<void> }
    await run(rest)
  } else {
    process.stderr.write(`usage: npm run ${kind} -- NAME, where NAME is one of: ${names.join(', ')}\n`)
    process.exitCode = 2
  }
}

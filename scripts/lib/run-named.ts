// Runs one of the programs in a folder by its name: each is a file that exports `run`. With --profile it writes CPU profiles.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { withProfile } from './profile.js'

/** `kind` names the folder below scripts/ and the npm script. */
export async function runNamed (kind: 'bench' | 'soak'): Promise<void> {
  const folder = new URL(`../${kind}/`, import.meta.url)
  const names = readdirSync(folder).filter(file => file.endsWith('.ts')).map(file => file.slice(0, -3))
  const [name = '', ...rest] = process.argv.slice(2)
  if (names.includes(name)) {
    const { run } = await import(new URL(`${name}.ts`, folder).href) as { run: (args: readonly string[]) => Promise<void> }
    const own = rest.filter(word => word !== '--profile')
    const profiles = join('.cache/profiles', `${name}-${new Date().toISOString().replaceAll(':', '-')}`)
    await (own.length === rest.length ? run(own) : withProfile(profiles, () => run(own)))
  } else {
    process.stderr.write(`usage: npm run ${kind} -- NAME [--profile], where NAME is one of: ${names.join(', ')}\n`)
    process.exitCode = 2
  }
}

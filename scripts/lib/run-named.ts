// Runs one of the programs in a folder by its name: each is a file that exports `run`, and whose first comment is its --help. With
// --profile it writes CPU profiles.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ArgumentError } from './number-arguments.js'
import { withProfile } from './profile.js'

/** `kind` names the folder below scripts/ and the npm script. */
export async function runNamed (kind: 'bench' | 'soak'): Promise<void> {
  const folder = new URL(`../${kind}/`, import.meta.url)
  const names = readdirSync(folder).filter(file => file.endsWith('.ts')).map(file => file.slice(0, -3))
  const [name = '', ...rest] = process.argv.slice(2)
  const file = new URL(`${name}.ts`, folder)
  if (names.includes(name) && rest.some(word => word === '--help' || word === '-h')) {
    process.stdout.write(firstComment(readFileSync(file, 'utf8')))
  } else if (names.includes(name)) {
    const { run } = await import(file.href) as { run: (args: readonly string[]) => Promise<void> }
    const own = rest.filter(word => word !== '--profile')
    const profiles = join('.cache/profiles', `${name}-${new Date().toISOString().replaceAll(':', '-')}`)
    try {
      await (own.length === rest.length ? run(own) : withProfile(profiles, () => run(own)))
    } catch (error) {
      if (!isOfArguments(error)) throw error
      process.stderr.write(`${kind} ${name}: ${error.message}\nnpm run ${kind} -- ${name} --help says what there is\n`)
      process.exitCode = 2
    }
  } else {
    process.stderr.write(`usage: npm run ${kind} -- NAME [--profile], where NAME is one of: ${names.join(', ')}\n`)
    process.exitCode = 2
  }
}

/** The lines of the comment that a source begins with, without its slashes. */
function firstComment (source: string): string {
  return (/^(?:\/\/.*\n)*/.exec(source)?.[0] ?? '').replaceAll(/^\/\/ ?/gm, '')
}

/** Whether what somebody typed was refused, by `parseArgs` or for its number. */
const isOfArguments = (error: unknown): error is Error => error instanceof ArgumentError ||
  (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_'))

// Runs test files side by side, each by Node itself: tap's runner takes half a second of CPU for each, which is more than most of them do.
import { spawn } from 'node:child_process'

export interface TestFile {
  readonly file: string
  readonly passed: boolean
  /** All that it printed: TAP, and what it wrote to standard error. */
  readonly output: string
}

/** Milliseconds for a file that hangs; how long one takes is the machine's affair. */
const patience = 900_000

/** Runs all `files` (paths from `root`), `atOnce` at a time, and tells `onFile` of each when it is over. */
export async function runTestFiles (
  files: readonly string[], root: string, atOnce: number, onFile: (result: TestFile) => void
): Promise<void> {
  const left = [...files]
  const next = async (): Promise<void> => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) onFile(await runTestFile(file, root))
  }
  await Promise.all(Array.from({ length: atOnce }, next))
}

async function runTestFile (file: string, root: string): Promise<TestFile> {
  // Without a word from its runner tap gives a file half a minute.
  // What a runner around this one tells its tests is not for these: they would leave the counting to it.
  const own = Object.entries(process.env).filter(([name]) => !/^_?TAP/.test(name) && name !== 'NODE_OPTIONS')
  const env = { ...Object.fromEntries(own), TAP_TIMEOUT: String(patience / 1000) }
  const child = spawn(process.execPath, ['--import=./scripts/lib/typescript.js', file], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: patience })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { output += text })
  const status = await new Promise(resolve => { child.once('close', resolve) })
  // A file that ends before it has a plan ran nothing.
  return { file, passed: status === 0 && /^1\.\.\d/m.test(output), output }
}

/** How many assertions a file made, by its last line; and the reasons of what it skipped. */
export function countsOf (output: string): { readonly assertions: number, readonly skips: readonly string[] } {
  const assertions = Number(/^# \{ total: (\d+)/m.exec(output)?.[1] ?? 0)
  const skips = output.split('\n').filter(line => /^ *ok \d/.test(line) && line.includes(' # SKIP')).map(line => line.trim())
  return { assertions, skips }
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

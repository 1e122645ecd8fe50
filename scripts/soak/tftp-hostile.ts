// The whole program, built, under bad TFTP input on real sockets: `npm run soak -- tftp-hostile [COUNT] [SEED]`. Ends with exit
// status 1 when an answer was not what the RFCs have, something was not counted, a bound was not reached, or memory went on growing.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sendHostile } from '../../test/helpers/tftp-hostile.js'
import { assertAtMost, numberOf, seedOf } from '../lib/number-arguments.js'

/** Exchanges between two times at which the clients that vanished are forgotten. */
const perRound = 10_000

/**
 * What the last round may take at most, in terms of the most of the first third. The heap itself stays as it is (measured: 27 MiB
 * after each collection); V8 puts collections off for as long as nothing presses it, so that resident memory comes and goes.
 */
const growth = 1.25

export async function run (words: readonly string[]): Promise<void> {
  const count = numberOf('COUNT', words[0] ?? '100000')
  const seed = seedOf('SEED', words[1])
  assertAtMost(words, 2)
  const rounds = Math.ceil(count / perRound)
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: fileURLToPath(new URL('../..', import.meta.url)), stdio: 'inherit' })
  if (status !== 0) throw new Error('the build failed')
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'))
  process.stdout.write(`seed ${seed}\n`)
  const { memory, mistakes, expected, counted, ...result } = await sendHostile({
    rounds,
    count: Math.ceil(count / rounds),
    seed,
    folder,
    onRound: (round, { most, after }) => { process.stdout.write(`round ${round} of ${rounds}: ${most} MiB at most, ${after} MiB after it\n`) }
  })
  rmSync(folder, { recursive: true })
  const warm = Math.max(...memory.slice(0, Math.ceil(memory.length / 3)).map(({ most }) => most))
  const end = memory.at(-1)?.most ?? 0
  const uncounted = Object.keys({ ...expected, ...counted }).filter(name => expected[name] !== counted[name])
  process.stdout.write(`${JSON.stringify({ ...result, counted }, undefined, 1)}\n`)
  process.stdout.write(`memory: ${warm} MiB at most in the first third, ${end} MiB in the last round\n`)
  for (const name of uncounted) process.stdout.write(`${name}: ${counted[name] ?? 0} counted, ${expected[name] ?? 0} sent\n`)
  for (const mistake of mistakes) process.stdout.write(`${mistake}\n`)
  const { client, all } = result.bounds
  if (mistakes.length > 0 || uncounted.length > 0 || client === 0 || all === 0 || end > warm * growth) process.exitCode = 1
}

// The whole program under mutated DHCP messages on a real socket: `npm run soak -- dhcp-hostile [COUNT] [SEED] [server|proxy]`, as
// root. Ends with exit status 1 when a message did not arrive, found a mistake of ours, or memory went on growing.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sendMutated } from '../../test/helpers/dhcp-hostile.js'
import { ArgumentError, assertAtMost, numberOf, seedOf } from '../lib/number-arguments.js'

export async function run (words: readonly string[]): Promise<void> {
  const count = numberOf('COUNT', words[0] ?? '1000000')
  const seed = seedOf('SEED', words[1])
  const mode = words[2] ?? 'server'
  if (mode !== 'server' && mode !== 'proxy') throw new ArgumentError(`the third is server or proxy, not ${JSON.stringify(mode)}`)
  assertAtMost(words, 3)
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'))
  let lines = 0
  process.stdout.write(`seed ${seed}\n`)
  const result = await sendMutated({
    mode,
    count,
    seed,
    folder,
    onProgress: (line, memory) => { if (lines++ % 5 === 0) process.stdout.write(`${line}, ${memory} MiB\n`) }
  })
  rmSync(folder, { recursive: true })
  const { memory, ...counts } = result
  const warm = Math.max(...memory.slice(0, Math.ceil(memory.length / 3)))
  const end = Math.max(...memory.slice(-Math.ceil(memory.length / 10)))
  process.stdout.write(`${JSON.stringify(counts, undefined, 1)}\nmemory: ${warm} MiB at most in the first third, ${end} MiB at the end\n`)
  if (result.arrived !== result.sent || result.missed > 0 || result.dropped['failed'] !== undefined || end > warm * 1.15) process.exitCode = 1
}

// The hostile minute for longer: `npm run soak -- hostile [ROUNDS] [MESSAGES] [SEED]`, as root, on the program as it is built. Without
// numbers it takes about an hour on a quiet machine. Ends with exit status 1 when a machine was not answered, the program ended, told of
// an error, or took 300 MiB.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostileMinute } from '../../test/helpers/hostile-minute.js'
import { assertAtMost, numberOf, seedOf } from '../lib/number-arguments.js'

export async function run (words: readonly string[]): Promise<void> {
  const rounds = numberOf('ROUNDS', words[0] ?? '1200')
  const messages = numberOf('MESSAGES', words[1] ?? '1000000')
  const seed = seedOf('SEED', words[2])
  assertAtMost(words, 3)
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'))
  process.stdout.write(`seed ${seed}\n`)
  let round = 0
  const result = await hostileMinute({
    rounds,
    messages,
    seed,
    folder,
    onRound: (line, memory) => { if (round++ % 10 === 0) process.stdout.write(`${line}, ${memory} MiB\n`) }
  })
  rmSync(folder, { recursive: true })
  const { metrics, ...rest } = result
  const told = Object.fromEntries(Object.entries(metrics).filter(([name]) => /^(?:event_loop|http_connections|errors_fenced|dhcp_dropped|tftp_transfers|rpc_handshake)/.test(name)))
  process.stdout.write(`${JSON.stringify({ ...rest, metrics: told }, undefined, 1)}\n`)
  if (result.missed > 0 || result.exit !== 0 || result.errors.length > 0 || result.memory >= 300 || result.boot['type'] !== 'ACK') process.exitCode = 1
}

// A rush of connections: `npm run soak -- rush [options]`, as root, on the built program, in a network namespace with the descriptors
// of its unit or as many as there may be. From two hundred addresses they come within some seconds: silent, with a few octets, with half a
// request, with whole ones of which no answer is read. Meanwhile known machines ask for their addresses, and one boots.
//
//   --connections N (10500)   --descriptors N (65536)   --addresses N (200)   --over SECONDS (5)   --hold SECONDS (30): how long they stay
//   --messages N (10000): mutated DHCP messages beside them; after each hundred a known machine asks
//   --kind KIND (mixed), images, or half requests behind images   --seed N
//
// Ends with exit status 1 when a known machine was not answered, the program ended or told of an error, took 300 MiB, or held its loop
// for 50 ms of processor time at once.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connectionRush, rushProblem } from '../../test/helpers/connection-rush.js'
import { mostHeld } from '../../test/helpers/least-held.js'
import { isRushKind, rushAddresses, rushes } from '../../test/helpers/rush-kinds.js'
import { ArgumentError, numberOf, seedOf } from '../lib/number-arguments.js'

/** MiB. */
const mostMemory = 300

const options = {
  connections: { type: 'string', default: '10500' },
  descriptors: { type: 'string', default: '65536' },
  addresses: { type: 'string', default: '200' },
  over: { type: 'string', default: '5' },
  hold: { type: 'string', default: '30' },
  messages: { type: 'string', default: '10000' },
  kind: { type: 'string', default: 'mixed' },
  seed: { type: 'string' }
} as const

export async function run (args: readonly string[]): Promise<void> {
  const { values: { kind, ...values } } = parseArgs({ args: [...args], options })
  if (!isRushKind(kind)) throw new ArgumentError(`--kind is one of: ${Object.keys(rushes).join('; ')}`)
  const asked = {
    kind,
    connections: numberOf('--connections', values.connections),
    descriptors: numberOf('--descriptors', values.descriptors),
    addresses: numberOf('--addresses', values.addresses, { most: rushAddresses }),
    over: 1000 * numberOf('--over', values.over, { least: 0, hasParts: true }),
    hold: 1000 * numberOf('--hold', values.hold, { least: 0, hasParts: true }),
    messages: numberOf('--messages', values.messages),
    seed: seedOf('--seed', values.seed)
  }
  const problem = rushProblem(asked)
  if (problem !== undefined) throw new ArgumentError(`--connections: ${problem}`)
  const folder = mkdtempSync(join(tmpdir(), 'rush-'))
  process.stdout.write(`seed ${asked.seed}\nMiB each second:`)
  const { metrics, ...result } = await connectionRush({
    ...asked,
    folder,
    onLook: memory => { process.stdout.write(` ${memory}`) }
  }).finally(() => { rmSync(folder, { recursive: true }) })
  const told = Object.fromEntries(Object.entries(metrics).filter(([name]) => /^(?:event_loop_\w+_(?:seconds|total)$|http_connections|errors_fenced|udp_receive_dropped)/.test(name)))
  process.stdout.write(`\n${JSON.stringify({ ...result, metrics: told }, undefined, 1)}\n`)
  const held = metrics['event_loop_cpu_max_seconds'] ?? Infinity
  if (result.missed !== 0 || result.boot['type'] !== 'ACK' || result.exit !== 0 || result.errors.length > 0 || result.memory.most >= mostMemory || held >= mostHeld) process.exitCode = 1
}

// npm run soak -- firmware [--record] [NAME...]: every firmware of the table in docs/boot.md, one after the other, each on an emulated
// machine, those that are replayed by their tests. With --record the table says how it went.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type FirmwareCase, firmwareCases, recordRun } from '../../test/helpers/firmware-cases.js'
import { ArgumentError } from '../lib/number-arguments.js'

const sandbox = fileURLToPath(new URL('../sandbox', import.meta.url))

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What runs a case, and its arguments. */
const commandOf = ({ args, test = '' }: FirmwareCase): readonly [string, readonly string[]] =>
  args === undefined ? ['npx', ['--no-install', 'tap', '--reporter=terse', test]] : [sandbox, [...args, '--timeout', '200']]

export async function run (words: readonly string[]): Promise<void> {
  const names = words.filter(word => word !== '--record')
  const unknown = names.find(name => !firmwareCases.some(one => one.name === name))
  if (unknown !== undefined) throw new ArgumentError(`there is no firmware case ${unknown}; there are ${firmwareCases.map(({ name }) => name).join(', ')}`)
  const wanted = firmwareCases.filter(({ name }) => names.length === 0 || names.includes(name))
  const failed: string[] = []
  for (const one of wanted) {
    const { name, firmware, loader, chain } = one
    process.stdout.write(`${name}: ${firmware}, ${loader}: ${chain}\n`)
    const began = performance.now()
    const child = spawn(...commandOf(one), { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
    const [status] = await once(child, 'exit') as [number | null]
    const seconds = Math.round((performance.now() - began) / 1000)
    process.stdout.write(`${name}: ${status === 0 ? 'ok' : 'FAILED'} after ${seconds} s\n`)
    if (words.includes('--record')) recordRun(name, { on: new Date().toISOString().slice(0, 10), ok: status === 0, seconds })
    if (status !== 0) failed.push(name)
  }
  process.stdout.write(`${wanted.length - failed.length} of ${wanted.length} firmwares boot as the table says${failed.length === 0 ? '' : `, not ${failed.join(', ')}`}\n`)
  if (failed.length > 0) process.exitCode = 1
}

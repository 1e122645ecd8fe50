// npm run soak -- firmware [NAME...]: every firmware of the table in docs/boot.md, one after the other, each on an emulated machine.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { firmwareCases } from '../../test/helpers/firmware-cases.js'

const sandbox = fileURLToPath(new URL('../sandbox', import.meta.url))

export async function run (names: readonly string[]): Promise<void> {
  const unknown = names.find(name => !firmwareCases.some(one => one.name === name))
  if (unknown !== undefined) throw new Error(`there is no firmware case ${unknown}; there are ${firmwareCases.map(({ name }) => name).join(', ')}`)
  const wanted = firmwareCases.filter(({ name, args }) => args !== undefined && (names.length === 0 || names.includes(name)))
  const failed: string[] = []
  for (const { name, firmware, loader, chain, args = [] } of wanted) {
    process.stdout.write(`${name}: ${firmware}, ${loader}: ${chain}\n`)
    const began = performance.now()
    const child = spawn(sandbox, [...args, '--timeout', '200'], { stdio: ['ignore', 'inherit', 'inherit'] })
    const [status] = await once(child, 'exit') as [number | null]
    const seconds = Math.round((performance.now() - began) / 1000)
    process.stdout.write(`${name}: ${status === 0 ? 'ok' : 'FAILED'} after ${seconds} s\n`)
    if (status !== 0) failed.push(name)
  }
  process.stdout.write(`${wanted.length - failed.length} of ${wanted.length} firmwares boot as the table says${failed.length === 0 ? '' : `, not ${failed.join(', ')}`}\n`)
  if (failed.length > 0) process.exitCode = 1
}

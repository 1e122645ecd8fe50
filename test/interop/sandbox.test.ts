// A blank QEMU machine from firmware to an applied Ignition config, through scripts/sandbox as a user starts it.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const script = join(dirname(fileURLToPath(import.meta.url)), '../../scripts/sandbox')
const run = promisify(execFile)

const release = ((): string => { try { return readFileSync('/etc/os-release', 'utf8') } catch { return '' } })()
const missing = process.getuid?.() !== 0
  ? 'a network namespace needs root'
  : !/^ID(?:_LIKE)?=.*\bdebian\b/m.test(release) ? 'the sandbox needs Debian' : undefined
if (missing !== undefined && process.env['CI'] !== undefined) throw new Error(missing)

t.setTimeout(900_000)

t.test('a BIOS machine netboots and applies its config', { skip: missing ?? false }, async t => {
  const { stdout, stderr } = await run(script, ['--firmware', 'bios', '--json'], { maxBuffer: 16 * 1024 * 1024 })
    .catch((error: unknown) => error as { stdout: string, stderr: string })
  t.comment(stderr)
  const report = JSON.parse(stdout) as { ok: boolean, machines: Array<{ name: string, ok: boolean, stages: Record<string, number> }> }
  t.equal(report.ok, true)
  t.strictSame(report.machines.map(({ name }) => name), ['core-1'])
  for (const stage of ['discover', 'offer', 'ack', 'script', 'kernel', 'initrd', 'ignition', 'installed']) {
    t.type(report.machines[0]?.stages[stage], 'number', `the stage ${stage} was seen`)
  }
})

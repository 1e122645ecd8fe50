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

// Downloads come first on a new machine, and emulation is slow on a busy one.
t.setTimeout(900_000)

// tap puts its own loaders into the NODE_OPTIONS of every child; what a user starts has none of them.
const withoutLoaders = ['-u', 'NODE_OPTIONS', script]

t.test('a BIOS machine netboots and applies its config', { skip: missing ?? false }, async t => {
  const { stdout, stderr } = await run('env', [...withoutLoaders, '--firmware', 'bios', '--json'], { maxBuffer: 16 * 1024 * 1024 })
    .catch((error: unknown) => error as { stdout: string, stderr: string })
  t.comment(stderr)
  if (stdout === '') throw new Error(`the sandbox did not come to an end: ${stderr.trim().split('\n').at(-1) ?? ''}`)
  const report = JSON.parse(stdout) as { ok: boolean, machines: Array<{ name: string, stages: Record<string, number> }> }
  t.equal(report.ok, true)
  t.strictSame(report.machines.map(({ name }) => name), ['core-1'])
  for (const stage of ['discover', 'offer', 'ack', 'script', 'kernel', 'initrd', 'ignition', 'installed']) {
    t.type(report.machines[0]?.stages[stage], 'number', `the stage ${stage} was seen`)
  }
})

// scripts/sandbox as a user starts it, and what it reports.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'tap'

const script = join(dirname(fileURLToPath(import.meta.url)), '../../scripts/sandbox')
const run = promisify(execFile)

export interface SandboxReport {
  readonly ok: boolean
  /** Stages in seconds since the machine was switched on. */
  readonly machines: ReadonlyArray<{ readonly name: string, readonly loader?: string, readonly stages: Readonly<Record<string, number>> }>
}

const release = (): string => { try { return readFileSync('/etc/os-release', 'utf8') } catch { return '' } }

/** Why it can't run here, false when it can. In CI that is an error. */
export function sandboxProblem (): string | false {
  const problem = process.getuid?.() !== 0
    ? 'a network namespace needs root'
    : !/^ID(?:_LIKE)?=.*\bdebian\b/m.test(release()) && 'the sandbox needs Debian'
  if (problem !== false && process.env['CI'] !== undefined) throw new Error(problem)
  return problem
}

export async function runSandbox (t: Test, ...args: readonly string[]): Promise<SandboxReport> {
  // tap puts its own loaders into the NODE_OPTIONS of every child; what a user starts has none of them.
  const { stdout, stderr } = await run('env', ['-u', 'NODE_OPTIONS', script, ...args, '--json'], { maxBuffer: 16 * 1024 * 1024 })
    .catch((error: unknown) => error as { stdout: string, stderr: string })
  t.comment(stderr)
  if (stdout === '') throw new Error(`the sandbox did not come to an end: ${stderr.trim().split('\n').at(-1) ?? ''}`)
  return JSON.parse(stdout) as SandboxReport
}

/** Fetches and builds what a run with these arguments needs. */
export async function prepareSandbox (...args: readonly string[]): Promise<void> {
  await run('env', ['-u', 'NODE_OPTIONS', script, ...args, '--prepare'], { maxBuffer: 16 * 1024 * 1024 })
}

// Programs that a test runs against: where one is missing the test is skipped with its reason by hand, and fails in CI.
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

interface Skippable {
  readonly pass: (message: string, extra: { readonly skip: string }) => boolean
  readonly fail: (message: string) => boolean
}

/** Where a program is, looking where root's programs are too. */
export function findTool (tool: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.map(folder => join(folder, tool)).find(path => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Whether the test can go on. `problem` is why not: told as a skip by hand, as a failure in CI. */
export function able (t: Skippable, problem: string | undefined): boolean {
  if (problem === undefined) return true
  if ((process.env['CI'] ?? '') === '') t.pass(problem, { skip: problem })
  else t.fail(problem)
  return false
}

/** Whether all of `tools` are installed; a test that gets `false` leaves out what needs them. */
export function needs (t: Skippable, ...tools: readonly string[]): boolean {
  const missing = tools.filter(tool => findTool(tool) === undefined)
  return able(t, missing.length === 0 ? undefined : `not installed: ${missing.join(', ')} (scripts/test installs them)`)
}

export const needsRoot = (t: Skippable): boolean => able(t, process.getuid?.() === 0 ? undefined : 'needs root')

export interface ToolResult { readonly code: number | null, readonly stdout: Buffer, readonly stderr: string }

interface ToolOptions {
  readonly input?: string | Buffer
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Milliseconds after which the program is killed; its code is then null. */
  readonly timeout?: number
}

/** Runs a program to its end. */
export async function runTool (name: string, args: readonly string[], { input = '', cwd, env, timeout = 600_000 }: ToolOptions = {}): Promise<ToolResult> {
  return await new Promise((resolve, reject) => {
    const child = spawn(findTool(name) ?? name, args, { cwd, ...env !== undefined && { env }, timeout, killSignal: 'SIGKILL' })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (piece: Buffer) => { stdout.push(piece) })
    child.stderr.on('data', (piece: Buffer) => { stderr.push(piece) })
    child.once('error', reject)
    child.once('close', code => { resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }) })
    child.stdin.on('error', () => { /* a program that did not wait for its input has ended */ })
    child.stdin.end(input)
  })
}

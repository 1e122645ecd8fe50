// Programs that a test runs against: where one is missing the test is skipped with its reason by hand, and fails in CI.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

interface Skippable {
  readonly plan: (n: number, comment?: string) => void
  readonly fail: (message: string) => boolean
  readonly end: () => void
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

/** Whether the test can go on. `problem` is why not: the test has then been ended, as skipped by hand, as failed in CI. */
export function able (t: Skippable, problem: string | undefined): boolean {
  if (problem === undefined) return true
  if (process.env['CI'] === undefined) t.plan(0, problem)
  else {
    t.fail(problem)
    t.end()
  }
  return false
}

/** Whether `tool` is installed; a test that gets `false` has ended and returns at once. */
export const needs = (t: Skippable, tool: string): boolean =>
  able(t, findTool(tool) === undefined ? `${tool} is not installed (scripts/test installs it)` : undefined)

// A device that is soon full: a small tmpfs over a folder, in a mount namespace of its own.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Test } from 'tap'
import { needs, needsRoot } from './tools.js'
import { typescript } from './typescript.js'

export interface SmallDiskOptions {
  /** As mount(8) takes it: `32k`. */
  readonly size: string
  /** A script of this folder, run with the folder as its argument. */
  readonly script: string
}

/** What the script printed, as JSON, and its errors; undefined where nothing can be mounted (a failure in CI). */
export function onSmallDisk (t: Test, { size, script }: SmallDiskOptions): { readonly answer: unknown, readonly stderr: string } | undefined {
  if (!needsRoot(t) || !needs(t, 'unshare', 'mount')) return undefined
  const command = `mount -t tmpfs -o size=${size} tmpfs "$1" && exec "${process.execPath}" ${typescript} "${join(import.meta.dirname, script)}" "$1"`
  const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', command, 'sh', t.testdir()], { encoding: 'utf8', timeout: 600_000 })
  return { answer: JSON.parse(stdout || '{}'), stderr }
}

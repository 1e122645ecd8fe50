// A folder whose path is short, wherever the project lies: a Unix socket's path may have 107 bytes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

export function shortFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'provisioner-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  return folder
}

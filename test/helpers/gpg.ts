// GnuPG with a home of its own, for tests that let it judge signatures or make keys.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { runTool, type ToolResult } from './tools.js'

export class Gpg {
  readonly #home: string
  #files = 0

  /** The home is short-lived, and its path short: the agent's socket stands in it. */
  constructor (t: Test) {
    this.#home = mkdtempSync(join(tmpdir(), 'gpg-'))
    mkdirSync(join(this.#home, 'files'))
    t.teardown(async () => {
      await runTool('gpgconf', ['--homedir', this.#home, '--kill', 'all'])
      rmSync(this.#home, { recursive: true, force: true })
    })
  }

  run (args: readonly string[]): Promise<ToolResult> {
    return runTool('gpg', ['--homedir', this.#home, '--batch', '--no-tty', '--trust-model', 'always', ...args])
  }

  /** Whether a detached signature is good, as its exit status and status lines say. */
  async verifies (signature: Buffer, content: Buffer): Promise<boolean> {
    const { code, stdout } = await this.run(['--status-fd', '1', '--verify', this.file(signature), this.file(content)])
    return code === 0 && /^\[GNUPG:\] VALIDSIG/m.test(stdout.toString())
  }

  async packets (signature: Buffer): Promise<string[]> {
    const { stdout } = await this.run(['--list-packets', this.file(signature)])
    return stdout.toString().split('\n').map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#'))
  }

  file (content: Buffer): string {
    const path = join(this.#home, 'files', String(this.#files++))
    writeFileSync(path, content)
    return path
  }
}

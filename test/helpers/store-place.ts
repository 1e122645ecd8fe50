// A folder of a test's own with configurations of the program, and the command `store` over them.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { runCommand } from './command.js'
import type { Ended } from './program.js'

export interface Place {
  readonly folder: string
  readonly at: (name: string) => string
  readonly put: (name: string, text: string | Uint8Array) => string
  /** With the folder `store`. */
  readonly store: (...args: string[]) => Promise<Ended>
  readonly with: (config: string, ...args: string[]) => Promise<Ended>
}

/** `run`: the command in this process, or the program as a process of its own. */
export function place (t: Test, run: (args: readonly string[]) => Promise<Ended> = runCommand): Place {
  const folder = mkdtempSync(join(tmpdir(), 'store-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const at = (name: string): string => join(folder, name)
  const put = (name: string, text: string | Uint8Array): string => {
    mkdirSync(dirname(at(name)), { recursive: true })
    writeFileSync(at(name), text)
    return at(name)
  }
  put('folder.yaml', config(folder))
  const over = (file: string, ...args: string[]): Promise<Ended> => run(['store', ...args, '--config', at(file)])
  return { folder, at, put, store: (...args) => over('folder.yaml', ...args), with: over }
}

export const config = (folder: string, more = ''): string => `data_path: ${folder}/store
state_path: ${folder}/state
control_socket: ${folder}/control.sock
rpc: { address: "" }
${more}`

/** Objects of every kind, with what makes names and bytes hard. */
export function fillFolder (here: Place, name: string, more = 0): string {
  const long = `${'n'.repeat(180)}.yaml`
  here.put(`${name}/groups/a.json`, '{"id": "a",   "profile": "p"}\n\n')
  here.put(`${name}/groups/broken.json`, '{"id": ')
  here.put(`${name}/profiles/p.json`, '{"id":"p","boot":{}}')
  here.put(`${name}/profiles/below/q.json`, '{"id":"q"}')
  here.put(`${name}/ignition/${long}`, 'a: 1\r\n')
  here.put(`${name}/ignition/bytes`, Buffer.from(Array.from({ length: 256 }, (_, n) => n)))
  here.put(`${name}/ignition/empty`, '')
  here.put(`${name}/cloud/ünïcode näme`, '#cloud-config\n')
  here.put(`${name}/generic/large`, Buffer.alloc(900_000, 'x'))
  here.put(`${name}/snippets/s`, '{{ define "s" }}{{ end }}')
  here.put(`${name}/files/deep/er/f`, 'f')
  for (let n = 0; n < more; n++) here.put(`${name}/generic/n${n}`, `${n}`)
  return here.at(name)
}

/** As many as it fills in. */
export const objects = 11

/** What `diff` says of two folders. */
export const differ = (a: string, b: string): string => {
  try {
    return execFileSync('diff', ['-r', a, b], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    return (error as { stdout: string, stderr: string }).stdout + (error as { stderr: string }).stderr
  }
}

// A folder with a store and a configuration of the program that listens for HTTP on loopback and for nothing else.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from './free-port.js'
import { Program } from './program.js'
import { shortFolder } from './short-folder.js'

export interface HttpSite {
  readonly folder: string
  readonly url: string
  /** Ready when it resolves; killed with the test. */
  readonly start: () => Promise<Program>
}

export async function httpSite (t: Test): Promise<HttpSite> {
  const folder = shortFolder(t)
  for (const name of ['groups', 'profiles', 'generic']) mkdirSync(join(folder, 'data', name), { recursive: true })
  const port = await freePort()
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${folder}/control.sock
advertise: 127.0.0.1
http: { address: "127.0.0.1:${port}" }
tftp: { address: "" }
rpc: { address: "" }
`)
  return {
    folder,
    url: `http://127.0.0.1:${port}`,
    start: async () => {
      const program = new Program(['serve', '--config', config])
      t.teardown(() => program.end('SIGKILL'))
      await program.logged('appliance.ready')
      return program
    }
  }
}

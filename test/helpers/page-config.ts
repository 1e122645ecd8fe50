// The configuration of a program that is there for its page: HTTP and the page on loopback, nothing else.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.js'

export interface PageFolders {
  readonly data: string
  readonly state: string
  readonly assets?: string
}

/** Writes `config.yaml` into `folder`, which also gets the control socket; and the ports that it names. */
export async function writePageConfig (folder: string, { data, state, assets = '' }: PageFolders): Promise<{ readonly config: string, readonly http: number, readonly ui: number }> {
  const [config, http, ui] = [join(folder, 'config.yaml'), await freePort(), await freePort()]
  writeFileSync(config, JSON.stringify({
    data_path: data,
    assets_path: assets,
    state_path: state,
    control_socket: join(folder, 'c'),
    advertise: '127.0.0.1',
    http: { address: `127.0.0.1:${http}` },
    tftp: { address: '' },
    rpc: { address: '' },
    ui: { address: `127.0.0.1:${ui}` }
  }))
  return { config, http, ui }
}

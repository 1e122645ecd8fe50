// A TFTP server for tests, with what it says collected.
import { createLog } from '../../src/base/log.js'
import type { UdpNetwork } from '../../src/net/udp.js'
import type { Clock } from '../../src/base/clock.js'
import { memoryFile } from '../../src/disk/open-file.js'
import type { FileSource } from '../../src/tftp/file-source.js'
import type { TftpEvent } from '../../src/tftp/tftp-event.js'
import { startTftpServer, type TftpServer, type TftpServerDependencies, type TftpServerOptions } from '../../src/tftp/tftp-server.js'

export interface Served {
  readonly server: TftpServer
  readonly events: TftpEvent[]
  /** How often each type of event came. */
  readonly counts: () => Readonly<Record<string, number>>
}

export const memoryFiles = (files: Readonly<Record<string, Buffer | string>>): FileSource => ({
  open: async name => {
    const content = Object.hasOwn(files, name) ? files[name] : undefined
    return content === undefined ? undefined : memoryFile(name, Buffer.from(content))
  }
})

export async function serve (network: UdpNetwork, clock: Clock, files: FileSource,
  options: Partial<TftpServerOptions> = {}, dependencies: Partial<TftpServerDependencies> = {}): Promise<Served> {
  const events: TftpEvent[] = []
  const server = await startTftpServer({ address: '127.0.0.1', port: 0, singlePort: false, maxBlockSize: 1468, maxWindowSize: 32, ...options }, {
    network,
    clock,
    files,
    log: createLog({ level: 'error', pretty: false, destination: process.stderr }),
    onEvent: event => { events.push(event) },
    ...dependencies
  })
  const counts = (): Record<string, number> => {
    const found: Record<string, number> = {}
    for (const { type } of events) found[type] = (found[type] ?? 0) + 1
    return found
  }
  return { server, events, counts }
}

// The TFTP listener and where its files come from.
import { bootFolders } from '../bundled.js'
import { kernelUdp } from '../net/udp.js'
import { FileCache } from '../tftp/file-cache.js'
import { storedFiles } from '../tftp/file-source.js'
import { startTftpServer } from '../tftp/tftp-server.js'
import type { Shared } from './shared.js'

/** Milliseconds that transfers under way may take to finish. */
const grace = 1500
/** Boot loaders are small and asked for by everybody at once. Bytes. */
const cache = { total: 64 * 2 ** 20, file: 8 * 2 ** 20 }

export async function startTftp ({ config, log, clock, macOf, observer, onClose }: Shared): Promise<void> {
  if (config.tftp.address === null) return
  const { host: address, port } = config.tftp.address
  const server = await startTftpServer({
    address,
    port,
    singlePort: config.tftp.single_port,
    maxBlockSize: config.tftp.max_block_size,
    maxWindowSize: config.tftp.max_window_size
  }, {
    network: kernelUdp,
    files: storedFiles({ roots: [config.tftp.root, ...bootFolders()], cache: new FileCache(cache), clock }),
    clock,
    log,
    onEvent: observer.onTftp,
    macOf
  })
  onClose(() => server.close(grace))
}

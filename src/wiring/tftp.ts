// The TFTP listener.
import { kernelUdp } from '../net/udp.js'
import { startTftpServer } from '../tftp/tftp-server.js'
import type { Shared } from './shared.js'

/** Milliseconds that transfers under way may take to finish. */
const grace = 1500

export async function startTftp ({ config, log, clock, macOf, observer, bootFiles, onClose }: Shared): Promise<void> {
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
    files: bootFiles,
    clock,
    log,
    onEvent: observer.onTftp,
    macOf
  })
  onClose(() => server.close(grace))
}

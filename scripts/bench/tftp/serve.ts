// The server under measurement, in a process of its own: `serve.ts ADDRESS ROOT`. Prints its port when it is ready.
import { systemClock } from '../../../src/base/clock.js'
import { createLog } from '../../../src/base/log.js'
import { kernelUdp } from '../../../src/net/udp.js'
import { Readers } from '../../../src/disk/disk-file.js'
import { FileCache } from '../../../src/disk/file-cache.js'
import { storedFiles } from '../../../src/tftp/file-source.js'
import { startTftpServer } from '../../../src/tftp/tftp-server.js'

const [address = '127.0.0.1', root = '.'] = process.argv.slice(2)
// All clients share one address, and those of the run before may not have been given up yet.
const places = { maxTransfers: 2000, maxTransfersPerClient: 2000 }
const server = await startTftpServer({ address, port: 0, singlePort: false, maxBlockSize: 1468, maxWindowSize: 32, ...places }, {
  network: kernelUdp,
  clock: systemClock,
  // The log is on as in service, to a place that costs nothing to write to.
  log: createLog({ level: 'info', pretty: false, destination: process.stderr }),
  files: storedFiles({
    roots: [root],
    cache: new FileCache({ memory: 64 * 2 ** 20, largest: 4 * 2 ** 20, clock: systemClock }),
    readers: new Readers(),
    clock: systemClock
  })
})
process.stdout.write(`${server.addresses[0]?.port}\n`)
process.once('SIGTERM', () => { void server.close() })

// The HTTP server alone over a data folder, as `serve` sets it up, its log thrown away:
// node bench-server.ts FOLDER PORT [ASSETS [BYTES OF MEMORY FOR THEM]]
import { ImageThread } from '../../src/assets/file-sender.js'
import { systemClock } from '../../src/base/clock.js'
import { FileCache } from '../../src/disk/file-cache.js'
import { buildHttpApp } from '../../src/http/http-server.js'
import { createLog } from '../../src/base/log.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { openFileStore } from '../../src/store/file-store.js'

const [dataPath = '', port = '', assetsPath = '', memory = '0'] = process.argv.slice(2)
const log = createLog({ level: 'info', pretty: false, destination: process.stdout })
const store = await openFileStore({ dataPath, tombstoneMs: 30_000, clock: systemClock, log, watch: true })
const assetCache = new FileCache({ memory: Number(memory), smallest: 256 * 1024, clock: systemClock })
const assetSender = new ImageThread({ clock: systemClock, most: 1024, onCrash: error => { throw error } })
const app = buildHttpApp({ provisioner: createProvisioner({ store }), log, assetsPath, assetCache, assetSender, ready: () => [] })
// By itself, so that its profile is written.
process.once('SIGTERM', () => { process.exit() })
await app.listen({ host: '127.0.0.1', port: Number(port) })
log.info({ port }, 'bench.listening')

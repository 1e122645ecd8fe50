// Run by a test in a folder on a tiny file system: mirrors a release that fits and one that does not, and prints what came of it.
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { TestMirror } from './mirror.js'
import { makeKey, Publisher } from './publisher.js'

const key = await makeKey('publisher')
const server = await Publisher.start()
const mirror = new TestMirror([{ os: 'flatcar', base_url: server.url }], { folder: process.argv[2]!, keys: [key] })
await server.flatcar('1.0.0', key)
const first = await mirror.sync()
await server.flatcar('2.0.0', key, { bytes: 2_000_000 })
const second = await mirror.sync()
console.log(JSON.stringify({
  first,
  second,
  stable: readlinkSync(join(mirror.assets, 'flatcar/stable')),
  problems: (await mirror.mirror.verify()).map(({ problems }) => problems),
  partial: readdirSync(join(mirror.assets, 'flatcar/.partial'))
}))
await server.close()

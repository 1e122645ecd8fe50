// Run by a test in a folder on a tiny file system: puts what does not fit through the API, and prints what came of it.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Answer, rawClient, startAppliance, tlsCredentials } from './grpc-appliance.js'
import { makePki } from './pki.js'

const dataPath = process.argv[2]!
const pki = makePki()
const app = await startAppliance({ pki, dataPath })
const client = rawClient(app.address, tlsCredentials(pki, pki.client))
const code = (answer: Answer): string => 'error' in answer ? answer.error.status : 'OK'
const put = (name: string, config: string | Buffer): Promise<Answer> => client.call('IgnitionPut', { name, config: Buffer.from(config) })

await put('old.ign', 'old')
const full = await put('old.ign', Buffer.alloc(300_000))
const read = await client.call('IgnitionGet', { name: 'old.ign' })
console.log(JSON.stringify({
  put: code(full),
  message: 'error' in full ? full.error.message : '',
  disk: readFileSync(join(dataPath, 'ignition/old.ign'), 'utf8'),
  read: 'response' in read ? (read.response as { config: Buffer }).config.toString() : code(read),
  other: code(await put('new.ign', Buffer.alloc(300_000))),
  files: readdirSync(join(dataPath, 'ignition')),
  again: code(await put('old.ign', 'new'))
}))
client.close()
await app.close()

// Puts groups over gRPC, sixteen at a time: group-writer.ts ADDRESS FOLDER, with ca.crt, client.crt and client.key in the folder and a
// group as the store has it on each line of standard input. Ends with 1 when one was refused.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { credentials } from '@grpc/grpc-js'
import { rawClient } from './grpc-appliance.js'

const [, , address = '', folder = ''] = process.argv
const file = (name: string): Buffer => readFileSync(join(folder, name))
const client = rawClient(address, credentials.createSsl(file('ca.crt'), file('client.key'), file('client.crt')))
const groups = (await text(process.stdin)).split('\n').map(line => JSON.parse(line) as { metadata: unknown })
let next = 0
await Promise.all(Array.from({ length: 16 }, async () => {
  for (let group = groups[next++]; group !== undefined; group = groups[next++]) {
    const answer = await client.call('GroupPut', { group: { ...group, metadata: Buffer.from(JSON.stringify(group.metadata)) } })
    if (!('response' in answer)) {
      console.error(answer)
      process.exitCode = 1
    }
  }
}))
client.close()

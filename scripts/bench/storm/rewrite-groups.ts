// Rewrites groups through the gRPC API, eight at a time, again and again until SIGTERM:
// rewrite-groups.ts SERVER:PORT CERTIFICATES FIRST COUNT.
// Prints how many were acknowledged. They are other groups than those of the storm's machines.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openGrpcClient } from '../../../src/grpc/client.js'
import { groupOf } from '../../lib/bench-site.js'

const [address = '', certificates = '', first = '0', count = '5000'] = process.argv.slice(2)
const read = (name: string): string => readFileSync(join(certificates, name), 'utf8')
const client = await openGrpcClient({ address, ca: read('ca.crt'), cert: read('client.crt'), key: read('client.key') })
let puts = 0
let next = 0
const over = new AbortController()
process.once('SIGTERM', () => { over.abort() })
await Promise.all(Array.from({ length: 8 }, async () => {
  while (!over.signal.aborted) {
    const n = next++
    const group = groupOf(Number(first) + n % Number(count), 1 + Math.floor(n / Number(count)))
    await client.call('GroupPut', { group: { ...group, metadata: Buffer.from(JSON.stringify(group.metadata)) } }, { timeout: 60_000 })
    puts++
  }
}))
process.stdout.write(`${puts}\n`)
process.exit(0)

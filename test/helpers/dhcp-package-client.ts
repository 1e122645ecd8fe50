// The npm package `dhcp` as a client, in a process of its own: prints what it was given as JSON and ends.
import { createRequire } from 'node:module'

interface State { readonly address: string, readonly server: string, readonly leaseTime?: number, readonly options?: unknown }
interface Client {
  on: (event: 'bound' | 'error' | 'message', listener: (value: State & Error) => void) => void
  listen: (port: number, host: string, ready: () => void) => void
  sendDiscover: () => void
  close: () => void
}
interface Package { createClient: (options: { mac: string }) => Client }

const { createClient } = createRequire(import.meta.url)('dhcp') as Package
const client = createClient({ mac: process.argv[2] ?? '' })
client.on('error', error => {
  console.log(error.message)
  process.exit(1)
})
client.on('bound', state => {
  console.log(JSON.stringify(state))
  client.close()
})
// Its first REQUEST names no address, which it keeps only after it has sent it: so it has to ask twice.
let asked = 1
client.on('message', () => { if (asked++ === 1) setImmediate(() => { client.sendDiscover() }) })
client.listen(68, '0.0.0.0', () => { client.sendDiscover() })

// Many machines at once, and the server killed while they take their leases. `npm run soak -- dhcp` does the latter for long.
import { join } from 'node:path'
import t from 'tap'
import { fileURLToPath } from 'node:url'
import { killAgainAndAgain } from '../helpers/dhcp-soak.js'
import type { ProgramOptions } from '../helpers/dhcp-program.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { able, needs } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

const program = fileURLToPath(new URL('../helpers/dhcp-program.ts', import.meta.url))

t.test('200 machines at once: each has its own address, none is refused', async t => {
  if (!needs(t, 'perfdhcp') || !able(t, namespaceProblem())) return
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/16')
  const options: ProgramOptions = { interface: 'br0', leases: join(t.testdir(), 'leases.jsonl'), range: '172.30.1.1-172.30.1.200', unknownClients: 'allow' }
  const server = space.spawn(process.execPath, typescript, program, JSON.stringify(options))
  await server.line(/^ready$/)
  const clients = space.client('br0')
  clients.ip('address', 'add', '172.30.0.2/16', 'dev', 'eth0')
  const storm = clients.spawn('perfdhcp', '-4', '--scenario', 'avalanche', '-R', '200', '-u', '-l', 'eth0')
  await storm.ended
  const acknowledged = server.output().split('\n').filter(line => line.includes('"type":"ACK"')).map(line => JSON.parse(line) as { client: { mac: string }, ip: string })
    .map(({ client: { mac }, ip }) => ({ mac, ip }))
  t.equal(new Set(acknowledged.map(({ mac }) => mac)).size, 200, 'all have a lease, in a range of exactly 200')
  t.equal(new Set(acknowledged.map(({ mac, ip }) => `${mac} ${ip}`)).size, 200, 'and only one')
  t.equal(new Set(acknowledged.map(({ ip }) => ip)).size, 200, 'of its own')
  t.notMatch(server.output(), /"type":"NAK"/)
})

t.test('SIGKILL at random times: every ACK seen on the wire is in the file', async t => {
  if (!able(t, namespaceProblem())) return
  const { acknowledged, lost, naks } = await killAgainAndAgain(20, t.testdir(), Math.random)
  t.same(lost, [])
  t.ok(acknowledged > 500, `${acknowledged} leases acknowledged`)
  t.equal(naks, 0)
})

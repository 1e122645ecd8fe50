// Who is asked next where no member answers, and what is told of it. Whatever listens at these endpoints hangs up.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import t from 'tap'
import { EtcdClient } from '../../src/etcd/etcd-client.js'
import { makePki } from '../helpers/pki.js'

/** Milliseconds: whoever hangs up does so at once, however busy this machine is. */
const patience = 60_000

/** Each hangs up on whoever connects. */
async function deafEndpoints (count: number): Promise<readonly string[]> {
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer(socket => { socket.destroy() }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    return server
  }))
  return servers.map(server => `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

t.test('each is asked once, the next one first the next time, and each change is told', async t => {
  for (const count of [2, 3]) {
    const endpoints = await deafEndpoints(count)
    const left: string[] = []
    const etcd = await EtcdClient.open({ endpoints, tls: undefined, patience, onFailover: from => { left.push(from) } })
    t.teardown(() => { etcd.close() })
    t.equal(etcd.endpoint, endpoints[0])
    await t.rejects(etcd.call('Range', { key: Buffer.from('a') }), { code: 'etcd_away' })
    t.same(left, endpoints)
    t.equal(etcd.endpoint, endpoints[0], 'all the way round')
  }
})

t.test('of one there is no other', async t => {
  const endpoints = await deafEndpoints(1)
  const left: string[] = []
  const etcd = await EtcdClient.open({ endpoints, tls: undefined, patience, onFailover: from => { left.push(from) } })
  t.teardown(() => { etcd.close() })
  await t.rejects(etcd.call('Range', { key: Buffer.from('a') }), { code: 'etcd_away', message: /^etcd does not answer: http:\/\/127\.0\.0\.1:\d+: / })
  t.same(left, [])
  t.equal(etcd.endpoint, endpoints[0])
})

t.test('a member with a name is asked for by it, one with an address by a name that is none (RFC 6066)', async t => {
  const pki = makePki()
  for (const [host, name] of [['localhost', 'localhost'], ['127.0.0.1', 'etcd']] as const) {
    const names: unknown[] = []
    const server = createTlsServer({ ...pki.server, ALPNProtocols: ['h2'] }, socket => {
      names.push(socket.servername)
      socket.destroy()
    }).listen(0, '127.0.0.1')
    server.on('tlsClientError', () => { /* told by the client */ })
    await once(server, 'listening')
    t.teardown(() => server.close())
    const endpoints = [`https://${host}:${(server.address() as AddressInfo).port}`]
    const etcd = await EtcdClient.open({ endpoints, patience, tls: () => ({ ca: Buffer.from(pki.ca.cert), cert: null, key: null }) })
    await t.rejects(etcd.call('Range', { key: Buffer.from('a') }), { code: 'etcd_away' })
    etcd.close()
    t.equal(names[0], name)
  }
})

t.test('one that is closed asks nobody', async t => {
  const left: string[] = []
  const etcd = await EtcdClient.open({ endpoints: await deafEndpoints(2), tls: undefined, patience, onFailover: from => { left.push(from) } })
  etcd.close()
  await t.rejects(etcd.call('Range', { key: Buffer.from('a') }), { code: 'etcd_away', message: 'etcd does not answer: the connection is closed' })
  await t.rejects(etcd.stream('Watch'), { code: 'etcd_away', message: 'the connection to etcd is closed' })
  t.same(left, [])
})

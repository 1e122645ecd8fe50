// Members of etcd that take connections and say nothing: each is told of once, and an end does not wait for all of them.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import { freePort } from '../helpers/free-port.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

/** Together they are asked for longer than a part of the service may take to end. */
const members = 5

t.test('each is told of once while none answers, and an end is orderly', async t => {
  const sockets = new Set<Socket>()
  const servers: Server[] = []
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
  })
  for (let n = 0; n < members; n++) {
    const server = createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => {}).resume()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    servers.push(server)
  }
  const endpoints = servers.map(server => `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const folder = shortFolder(t)
  const program = new Program(['serve', ...[
    `data_path=${folder}/data`, 'assets_path=', `state_path=${folder}/state`, `control_socket=${folder}/c`, `http.address=127.0.0.1:${await freePort()}`,
    'tftp.address=', 'rpc.address=', 'log_level=debug', 'cluster.name=one', `cluster.etcd.endpoints=[${endpoints.join(', ')}]`
  ].flatMap(value => ['--set', value])])
  t.teardown(() => program.child.kill('SIGKILL'))
  await program.logged('appliance.ready')
  // The first that is asked again has said nothing, and the others are still to be asked.
  const told = await program.loggedTimes('cluster.failover', members + 1)
  program.child.kill('SIGTERM')
  t.match(await program.logged('appliance.end'), { level: 'info', orderly: true })
  t.same(told.map(({ from, level }) => [from, level]), [...endpoints.map(from => [from, 'warn']), [endpoints[0], 'debug']])
  t.notMatch(program.stdout, 'appliance.close_late')
})

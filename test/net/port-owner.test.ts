import { createSocket } from 'node:dgram'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { shortFolder } from '../helpers/short-folder.js'
import { portSockets, rowsOf, socketHolders, wholeName } from '../../src/net/port-owner.js'

t.test('who has a UDP port', async t => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  t.match(await portSockets('udp', port), [{ address: '127.0.0.1', holders: [{ pid: process.pid, name: String }] }])
  t.same(await portSockets('tcp', port), [], 'not the TCP port of that number')
  socket.close()
  await once(socket, 'close')
  t.same(await portSockets('udp', port), [])
})

t.test('programs that share a port are all told', async t => {
  const program = 'const s = require("node:dgram").createSocket({ type: "udp4", reuseAddr: true }).bind(Number(process.argv[1]), () => console.log(s.address().port))'
  const start = async (port: number): Promise<readonly [pid: number | undefined, port: number]> => {
    const child = spawn(process.execPath, ['-e', program, String(port)], { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env['PATH'] } })
    t.teardown(() => child.kill('SIGKILL'))
    return [child.pid, Number(String((await once(child.stdout, 'data'))[0]))]
  }
  const [first, port] = await start(0)
  const [second] = await start(port)
  const sockets = await portSockets('udp', port)
  t.same(sockets.map(({ address }) => address), [undefined, undefined])
  t.same(sockets.flatMap(({ holders }) => holders.map(({ pid }) => pid)).sort(), [first, second].sort())
})

t.test('who listens on a Unix socket', async t => {
  const path = join(shortFolder(t), 'with a blank')
  const server = createServer().listen(path)
  await once(server, 'listening')
  t.match(await socketHolders(path), [{ pid: process.pid }])
  server.close()
  t.same(await socketHolders(`${path}2`), [])
})

t.test('a name that the kernel cut', async t => {
  const path = join(shortFolder(t), 's')
  const program = 'require("node:fs").writeFileSync("/proc/self/comm", "some-long-program"); require("node:net").createServer().listen(process.argv[1], () => console.log())'
  const child = spawn(process.execPath, ['-e', program, path, '/opt/some-long-programme/x', 'bin/some-long-program'], { stdio: ['ignore', 'pipe', 'inherit'], env: {} })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  t.same(await socketHolders(path), [{ pid: child.pid, name: 'some-long-program' }])
  const bundled = ['/opt/core-provisioner/0.1.0-ab/lib/node', 'node', '/opt/core-provisioner/current/app/main.js']
  t.equal(wholeName('core-provisione', bundled), 'core-provisioner', 'by the folder')
  t.equal(wholeName('systemd-resolve', ['/usr/lib/systemd/systemd-resolved', '/lib/systemd/systemd-resolved']), 'systemd-resolved')
  t.equal(wholeName('fifteen-letters', ['/usr/bin/python3', 'python3']), 'fifteen-letters')
})

t.test("the kernel's table", t => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
`
  t.same(rowsOf(table, 8080, '0A'), [{ inode: '4711', address: '127.0.0.1' }], 'a connection is not a listener')
  t.same(rowsOf(table, 80, '0A'), [{ inode: '4713', address: undefined }])
  t.match(rowsOf(table.replace('00000000:0050', '0000000000000000FFFF00000100007F:0050'), 80, '0A'), [{ address: '[0:0:0:0:0:ffff:7f00:1]' }])
  t.same(rowsOf('', 80, '0A'), [])
  t.end()
})

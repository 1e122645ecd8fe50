// What systemd is told, as it hears it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openNotifySocket } from '../../src/net/notify-socket.js'
import { openServiceManager } from '../../src/wiring/service-manager.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { notifyReceiver } from '../helpers/notify-receiver.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

t.test('ready to end', async t => {
  const folder = t.testdir({ data: {} })
  const path = join(shortFolder(t), 'notify')
  const receiver = notifyReceiver(path)
  t.teardown(receiver.close)
  const file = join(folder, 'config.yaml')
  writeFileSync(file, `data_path: ${folder}/data\nassets_path: ""\nstate_path: ${folder}/state\ncontrol_socket: ${shortFolder(t)}/c\nhttp: { address: "127.0.0.1:0" }\ntftp: { address: "" }\nrpc: { address: "" }\n`)
  const program = new Program(['serve', '--config', file], { env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000' } })
  t.teardown(() => program.child.kill('SIGKILL'))
  const until = async (key: string): Promise<Readonly<Record<string, string>>> => {
    for (;;) {
      const told = await receiver.next()
      if (key in told) return told
    }
  }
  t.match(await receiver.next(), { READY: '1', STATUS: /^http:\/\/127\.0\.0\.1:0, 0 groups$/ })
  t.match(await receiver.next(), { WATCHDOG: '1' })
  program.child.kill('SIGHUP')
  await until('RELOADING')
  await until('READY')
  await until('WATCHDOG')
  program.child.kill('SIGTERM')
  t.match(await until('STOPPING'), { STOPPING: '1' })
  const ended = await program.end()
  t.equal(ended.status, 0)
  t.match(ended.stdout, /^<6>appliance\.ready /m, 'before systemd 231 nothing but this tells that output goes to the journal')

  const failing = new Program(['serve', '--config', file, '--set', 'log_level=loud'], { env: { NOTIFY_SOCKET: path } })
  t.match((await until('STATUS')).STATUS, /--set log_level: log_level: expected one of trace/)
  t.match(await failing.end(), { status: 1, stderr: /^<3>core-provisioner serve: --set log_level/ })
})

t.test('signs of life at half of the time allowed, and the status only when it changes', async t => {
  const receiver = notifyReceiver('@core-provisioner-test')
  t.teardown(receiver.close)
  const clock = new FakeClock()
  const env = { NOTIFY_SOCKET: '@core-provisioner-test', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }
  let leases = 0
  openServiceManager({ env, pid: 7, clock }).ready(() => `${leases} leases\nand more`)
  t.same(await receiver.next(), { READY: '1', STATUS: '0 leases and more' })
  clock.advance(14_999)
  leases = 1
  clock.advance(1)
  t.same(await receiver.next(), { WATCHDOG: '1', STATUS: '1 leases and more' })

  const other = new FakeClock()
  openServiceManager({ env, pid: 8, clock: other }).ready(() => `${leases} leases`)
  t.match(await receiver.next(), { READY: '1' })
  other.advance(30_000)
  leases = 2
  other.advance(30_000)
  t.same(await receiver.next(), { STATUS: '2 leases' }, 'the watchdog is for another process')
})

t.test('a manager that takes nothing now is told when it does, and nobody waits for it', async t => {
  const name = `@core-provisioner-test-${process.pid}`
  const receiver = notifyReceiver(name)
  t.teardown(receiver.close)
  const others = openNotifySocket(name)
  t.teardown(others.close)
  let waiting = 0
  while (others.send({ STATUS: 'of another service' })) waiting++
  t.ok(waiting > 0, `${waiting} wait`)
  const clock = new FakeClock()
  const manager = openServiceManager({ env: { NOTIFY_SOCKET: name, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, pid: 7, clock })
  manager.ready(() => '2 leases')
  manager.reloading()
  clock.advance(1000)
  manager.reloaded()
  clock.advance(15_000)
  for (; waiting > 0; waiting--) await receiver.next()
  clock.advance(249)
  clock.advance(1)
  t.same(await receiver.next(), { STATUS: '2 leases', READY: '1', WATCHDOG: '1' }, 'all of it once, with what holds by then')
  manager.stopping()
  t.match(await receiver.next(), { STOPPING: '1' }, 'and nothing of it again')
  clock.advance(1000)
  others.send({ STATUS: 'the next' })
  t.same(await receiver.next(), { STATUS: 'the next' })
})

t.test('nobody to tell', async t => {
  const manager = openServiceManager({ env: {}, pid: 7, clock: new FakeClock() })
  t.same(manager.sockets, [])
  t.doesNotThrow(() => { manager.ready(() => 'x'); manager.reloading(); manager.reloaded(); manager.stopping(); manager.failed('y') })
  t.throws(() => openServiceManager({ env: { NOTIFY_SOCKET: 'relative' }, pid: 7, clock: new FakeClock() }), { code: 'socket_failed', message: /^NOTIFY_SOCKET: / })
})

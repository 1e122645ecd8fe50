// What systemd is told, as it hears it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
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

t.test('nobody to tell', async t => {
  const manager = openServiceManager({ env: {}, pid: 7, clock: new FakeClock() })
  t.same(manager.sockets, [])
  t.doesNotThrow(() => { manager.ready(() => 'x'); manager.reloading(); manager.reloaded(); manager.stopping(); manager.failed('y') })
  t.throws(() => openServiceManager({ env: { NOTIFY_SOCKET: 'relative' }, pid: 7, clock: new FakeClock() }), { code: 'socket_failed', message: /^NOTIFY_SOCKET: / })
})

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { judgeService, lastError, serviceState } from '../../src/doctor/systemd.js'

const unit = (id: string, properties: string): string => `Id=${id}\n${properties}\n`

const shown = [
  unit('core-provisioner.service', 'LoadState=loaded\nActiveState=activating\nSubState=auto-restart\nMainPID=0\nUser=matchbox\nNRestarts=7\nResult=exit-code\nNeedDaemonReload=no'),
  unit('core-provisioner-dhcp.socket', 'LoadState=loaded\nActiveState=active\nSubState=listening\nNeedDaemonReload=yes'),
  unit('core-provisioner-tftp.socket', 'LoadState=loaded\nActiveState=failed\nSubState=failed\nNeedDaemonReload=no')
].join('\n')
const entry = (unitOf: string, text: string): string => JSON.stringify({ _SYSTEMD_UNIT: unitOf, MESSAGE: text })
const journal = [
  entry('core-provisioner.service', 'core-provisioner serve: an older one'),
  entry('core-provisioner.service', 'core-provisioner serve: another DHCP server answers on ens192 (192.168.100.9)'),
  entry('init.scope', 'Failed to start core-provisioner.service'),
  ''
].join('\n')
const run = async (command: string): Promise<string> => command === 'systemctl' ? shown : journal

t.test('what systemctl and journalctl say', async t => {
  const state = await serviceState(run)
  t.match(state, { active: 'activating', sub: 'auto-restart', pid: 0, user: 'matchbox', restarts: 7, result: 'exit-code', stale: ['core-provisioner-dhcp.socket'] })
  t.same([...state!.sockets], ['core-provisioner-dhcp.socket'])
  t.match((await judgeService(state!, run)).map(({ text }) => text), [
    /systemd has not read core-provisioner-dhcp\.socket as on disk/,
    /does not start \(started anew 7 times\): core-provisioner serve: another DHCP server answers on ens192/
  ], 'the service\'s own last words, and not systemd\'s')
  const texts = async (more: object): Promise<string[]> => (await judgeService({ ...state!, sub: 'start', stale: [], ...more }, run)).map(({ text }) => text)
  t.match(await texts({}), [/does not start \(started anew 7 times\)/], 'at the moment at which it is started anew, too')
  t.match(await texts({ restarts: 0 }), [/is not ready: core-provisioner serve/])
  t.match(await texts({ active: 'failed', result: 'oom-kill' }), [/does not start .*: the kernel ended it for want of memory/], 'and no error of before')
  t.match(await texts({ active: 'failed', result: 'start-limit-hit' }), [/another DHCP server answers .*; it failed so often .* systemctl reset-failed core-provisioner/])
  t.equal(await serviceState(async () => ''), undefined, 'no systemd')
  t.equal(await serviceState(async () => unit('core-provisioner.service', 'LoadState=not-found')), undefined, 'not installed')
  t.equal(await lastError(async () => 'rubbish\n'), undefined)
})

t.test('a folder that the unit names and that is not there', async t => {
  // As systemd 252 has it.
  const lines = [
    'core-provisioner.service: Failed to set up mount namespacing: /run/systemd/unit-root/srv/not-there: No such file or directory',
    'core-provisioner.service: Failed at step NAMESPACE spawning /opt/core-provisioner/current/bin/core-provisioner: No such file or directory'
  ].map(text => entry('core-provisioner.service', text))
  t.equal(await lastError(async () => lines.join('\n')), 'Failed to set up mount namespacing: /srv/not-there: No such file or directory')
  t.match(await lastError(async () => lines.slice(1).join('\n')), /Failed at step NAMESPACE/)
})

t.test('what runs is what is installed', async t => {
  const folder = t.testdir()
  for (const name of ['opt/1.0.0/lib', 'opt/2.0.0/lib', 'proc/7']) mkdirSync(join(folder, name), { recursive: true })
  for (const name of ['1.0.0', '2.0.0']) writeFileSync(join(folder, `opt/${name}/lib/core-provisioner`), name)
  symlinkSync(join(folder, 'opt/2.0.0'), join(folder, 'opt/current'))
  const of = async (program: string) => {
    const pid = ['1.0.0', '2.0.0', 'other'].indexOf(program) + 10
    mkdirSync(join(folder, `proc/${pid}`))
    symlinkSync(program === 'other' ? process.execPath : join(folder, `opt/${program}/lib/core-provisioner`), join(folder, `proc/${pid}/exe`))
    const state = { active: 'active', sub: 'running', pid, user: 'matchbox', restarts: 0, result: 'success', stale: [], sockets: new Set<string>() }
    return await judgeService(state, run, { current: join(folder, 'opt/current'), proc: join(folder, 'proc') })
  }
  t.match(await of('1.0.0'), [{ level: 'problem', text: /what runs is not what is installed: .*1\.0\.0.* instead of .*2\.0\.0/ }])
  t.match(await of('2.0.0'), [{ level: 'ok' }])
  t.match(await of('other'), [{ level: 'ok' }], 'one that was started from elsewhere on purpose')
})

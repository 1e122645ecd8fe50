// Listeners as they are prepared and closed: what is said of how each listens, and what an end waits for.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { planFor } from '../../src/doctor/plan.js'
import type { OwnAddress } from '../../src/net/interfaces.js'
import { parseSubnet } from '../../src/net/ipv4.js'
import { hashPassword } from '../../src/ui/access.js'
import type { Ground } from '../../src/wiring/ground.js'
import { prepareGrpc } from '../../src/wiring/grpc.js'
import { closeApp } from '../../src/wiring/http.js'
import { unresolved } from '../../src/wiring/reach.js'
import { askedAddress } from '../../src/wiring/tftp.js'
import { ip } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { makePki } from '../helpers/pki.js'

const log = createLog({ level: 'error', pretty: false, destination: logLines().stream })
const pki = makePki()

async function planned (t: Test, row: string, set: (folder: string) => readonly string[], env: Record<string, string> = {}) {
  const folder = t.testdir({ data: {}, loaders: { 'own.efi': 'x' } })
  for (const [name, text] of [['ca', pki.ca.cert], ['cert', pki.server.cert], ['key', pki.server.key], ['users', `anna:${await hashPassword('x')}\n`]] as const) writeFileSync(join(folder, name), text, { mode: 0o600 })
  const loaded = loadConfig({
    file: undefined,
    defaultFile: '/nowhere',
    env,
    set: [`data_path=${folder}/data`, `state_path=${folder}/state`, 'assets_path=', 'http.address=127.0.0.1:0', `control_socket=${folder}/c`, `tftp.root=${folder}/loaders`, ...set(folder)]
  })
  const plan = await planFor(loaded, { log, clock: new FakeClock(), passphrase: '', env: {} })
  return { what: plan.listeners.find(listener => listener.row.name === row)?.what?.replaceAll(folder, ''), findings: plan.findings.map(({ level, text }) => `${level} ${text.replaceAll(folder, '')}`) }
}

t.test('gRPC: off for who never asked for it, a problem for who has some of its files, and refused for who asked', async t => {
  const folder = t.testdir()
  for (const [name, text] of [['ca', pki.ca.cert], ['cert', pki.server.cert], ['key', pki.server.key]] as const) writeFileSync(join(folder, name), text, { mode: 0o600 })
  const prepared = async (isWritten: boolean, ca: string, cert: string, key: string) => {
    const loaded = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: ['rpc.address=127.0.0.1:0', `rpc.ca_file=${folder}/${ca}`, `rpc.cert_file=${folder}/${cert}`, `rpc.key_file=${folder}/${key}`] })
    const ground = { loaded: { ...loaded, isWritten: () => isWritten }, config: loaded.config, clock: new FakeClock(), log } as unknown as Ground
    const made = await prepareGrpc(ground, { key: 'rpc.address', host: '127.0.0.1', port: 0 })
    t.teardown(() => made.close?.())
    return made
  }
  const on = await prepared(true, 'ca', 'cert', 'key')
  t.same([on.what, on.off, on.findings?.filter(({ level }) => level === 'problem')], [`as ${folder}/cert`, undefined, []])
  t.match(await prepared(false, 'no', 'no', 'no'), { what: 'off as long as it has no certificates', off: /no such file/, findings: [] })
  t.equal((await prepared(false, 'no', 'no', 'no')).findings?.length, 0)
  for (const files of [['ca', 'no', 'no'], ['no', 'cert', 'no'], ['no', 'no', 'key']] as const) {
    const [ca, cert, key] = files
    const some = await prepared(false, ca, cert, key)
    t.match(some, { what: /^off: .*no such file/, off: /no such file/, findings: [{ level: 'problem', about: 'certificates', text: /^gRPC stays off: .*no such file/ }] }, files.join())
    await t.rejects(some.listen({} as never), /no such file/)
  }
  await t.rejects(prepared(true, 'no', 'no', 'no'), /no such file.*; rpc\.address: "" turns the gRPC API off/)
})

t.test('the page: who may look, and a warning where everybody may', async t => {
  const open = /ui\.allow lets everybody look/
  const tls = (folder: string): readonly string[] => ['ui.client_certificates=true', `rpc.ca_file=${folder}/ca`, `rpc.cert_file=${folder}/cert`, `rpc.key_file=${folder}/key`, 'rpc.address=']
  const all = 'ui.allow=[0.0.0.0/0]'
  for (const [set, what, warned] of [
    [() => [], 'shows 127.0.0.0/8 what machines do', false],
    [() => [all], 'shows 0.0.0.0/0 what machines do', true],
    [(folder: string) => [all, `ui.users_file=${folder}/users`], 'shows 0.0.0.0/0 what machines do, by name and password', false],
    [(folder: string) => [all, ...tls(folder)], 'shows 0.0.0.0/0 what machines do, over TLS by client certificate', false],
    [(folder: string) => ['ui.allow=[10.0.0.0/8, 127.0.0.0/8]', ...tls(folder), `ui.users_file=${folder}/users`], 'shows 10.0.0.0/8, 127.0.0.0/8 what machines do, over TLS by client certificate or by name and password', false]
  ] as const) {
    const { what: told, findings } = await planned(t, 'ui', folder => ['ui.address=127.0.0.1:0', 'rpc.address=', ...set(folder)])
    t.equal(told, what)
    t.equal(findings.some(text => open.test(text)), warned, what)
  }
  const refused = async (...set: readonly string[]): Promise<string | undefined> => (await planned(t, 'ui', folder => ['ui.address=127.0.0.1:0', 'rpc.address=', ...set.map(text => text.replace('@', folder))])).findings.find(text => /^problem .*ui/.test(text))
  t.match(await refused('ui.users_file=@/none'), /ui\.users_file: there is no file \/none; core-provisioner ui password/)
  t.match(await refused('ui.users_file=@/loaders'), /ui\.users_file: cannot read \/loaders/)
  t.match(await refused('ui.users_file=@/ca'), /ui\.users_file: \/ca:1: expected NAME/)
  t.match(await refused('ui.client_certificates=true', 'rpc.ca_file=@/none', 'rpc.cert_file=@/cert', 'rpc.key_file=@/key'), /rpc\.ca_file: .*\(ui\.client_certificates needs it\)/)
})

t.test('TFTP: the loaders that it has, a warning for those that are named and missing, and none for ARM where nobody wrote it', async t => {
  const named = (...set: readonly string[]) => planned(t, 'tftp', () => ['tftp.address=127.0.0.1:0', 'rpc.address=', 'boot.bios=own.efi', 'boot.uefi_x64=none.efi', ...set])
  const { what, findings } = await named()
  t.match(what, /^loaders own\.efi/)
  const told = findings.filter(text => /^(?:note|warning) boot loader/.test(text))
  t.match(told, [/^warning boot loader none\.efi is in none of \/loaders, /])
  t.equal(told.length, 1)
  t.match((await named('boot.uefi_arm64=missing.efi')).findings.filter(text => /^warning boot loader/.test(text)), [/none\.efi/, /missing\.efi/])
  t.equal((await planned(t, 'tftp', () => ['tftp.address=127.0.0.1:0', 'rpc.address=', 'boot.bios=a.x', 'boot.uefi_x64=b.x', 'boot.uefi_arm64=c.x'])).what, 'loaders none')
})

t.test('which of our addresses a client will have asked', t => {
  const near = (address: string, subnet: string): OwnAddress => ({ ip: ip(address), subnet: parseSubnet(subnet)! })
  const own = [near('10.0.0.1', '10.0.0.0/24'), near('10.0.1.1', '10.0.1.0/24'), near('10.0.0.2', '10.0.0.0/24')]
  const asked = (client: string, told: string | undefined): string | undefined => askedAddress(client, told === undefined ? undefined : ip(told), () => own as never)
  t.equal(asked('10.0.0.9', '10.0.0.1'), '10.0.0.1', 'that which DHCP named there')
  t.equal(asked('10.0.0.9', '10.0.0.2'), '10.0.0.2', 'also where there are two')
  t.equal(asked('192.0.2.9', '10.0.0.1'), '10.0.0.1', 'behind a router too')
  t.equal(asked('10.0.1.9', '10.0.0.1'), undefined, 'on a network where no DHCP is answered the kernel chooses')
  t.equal(asked('10.0.0.9', undefined), undefined)
  t.equal(asked('fe80::1', '10.0.0.1'), undefined)
  t.equal(askedAddress('10.0.1.9', ip('10.0.0.1'), () => { throw new Error('no descriptor') }), '10.0.0.1')
  t.end()
})

t.test('names that lead nowhere, of those that machines are given', async t => {
  const found = async (...set: readonly string[]): Promise<readonly string[]> =>
    (await unresolved(loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set }), new FakeClock())).map(({ text }) => text)
  t.same(await found(), [])
  t.same(await found('advertise=127.0.0.1', 'boot.script_url=http://127.0.0.1/x', 'http.address=127.0.0.1:8080'), [])
  t.match(await found('advertise=none.invalid'), [/^--set advertise: advertise: none\.invalid does not resolve here/])
  t.match(await found('advertise=none.invalid', 'boot.script_url=http://other.invalid/x'), [/none\.invalid/, /^--set boot\.script_url: boot\.script_url: other\.invalid does not resolve/])
})

t.test('an end waits for what is under way, cuts it off when its time is over, and leaves no timer', async t => {
  const clock = new FakeClock()
  const told: string[] = []
  const open: Array<() => void> = []
  const held = (what: string): Promise<undefined> => new Promise(resolve => { open.push(() => { told.push(what); resolve(undefined) }) })
  const app = { server: { closeAllConnections: () => { told.push('cut off') } } as never, close: (() => held('app')) as never }
  const options = { acceptors: { close: async () => { await held('acceptors') } }, connections: { dismiss: () => { told.push('dismissed') } } as never }
  let isOver = false
  const over = closeApp(app, 1500, clock, options).then(() => { isOver = true })
  t.same(told, ['dismissed'])
  clock.advance(1499)
  t.same(told, ['dismissed'])
  clock.advance(1)
  t.same(told, ['dismissed', 'cut off'])
  for (const end of open) {
    await new Promise(resolve => { setImmediate(resolve) })
    t.equal(isOver, false)
    end()
  }
  await over
  const quick = closeApp({ ...app, close: (async () => {}) as never }, 1500, clock)
  await quick
  t.equal(clock.pending, 0)
})

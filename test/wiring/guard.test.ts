import { execFileSync } from 'node:child_process'
import pino from 'pino'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { localAddresses } from '../../src/net/interfaces.js'
import { openGuard } from '../../src/wiring/guard.js'
import { homesOf } from '../../src/wiring/homes.js'
import { listen } from '../helpers/http-app.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'
import { typescript } from '../helpers/typescript.js'

const mac = '52:54:00:00:00:01'
const limits = { window: 600_000, count: 3 }

t.test('tokens age by the time since the machine was switched on, whatever its clock says, and over a restart of the program', async t => {
  const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`state_path=${t.testdir()}`] })
  const ground = { config, homes: homesOf(config), ownAddresses: localAddresses, log: pino({ level: 'silent' }) }
  let up = 5_000_000
  const guard = await openGuard({ ground, isAddressOf: () => true, onClose: close => { t.teardown(close) }, now: () => up })
  const token = guard.mint(mac)
  const { now } = Date
  t.teardown(() => { Date.now = now })
  for (const jump of [86_400_000, -365 * 86_400_000]) {
    Date.now = () => now() + jump
    t.equal(await guard.takeKept!(mac, token, limits), undefined, `the clock was set by ${jump} ms`)
  }
  Date.now = now
  const again = await openGuard({ ground, isAddressOf: () => true, onClose: close => { t.teardown(close) }, now: () => up })
  t.equal(await again.takeKept!(mac, token, limits), undefined)
  up += limits.window + 1
  t.match(await again.takeKept!(mac, token, limits), /s old, and guard_window is 600 s/)
})

t.test('a token is guessed by nobody', async t => {
  const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`state_path=${t.testdir()}`] })
  const guard = await openGuard({
    ground: { config, homes: homesOf(config), ownAddresses: localAddresses, log: pino({ level: 'silent' }) }, isAddressOf: () => true, onClose: close => { t.teardown(close) }, now: () => 1000
  })
  const token = guard.mint(mac)
  const [time = '', code = ''] = token.split('-', 2)
  const guesses = [
    '', 'x', code, `${time}-`, `${time}-${'A'.repeat(22)}`, `zz-${code}`, `${token}A`, ` ${token}`, token.toUpperCase(), `${time}-${code.slice(1)}B`, 'x'.repeat(100_000), `${time}-${'\0'.repeat(22)}`, `-1-${code}`,
    ...Array.from({ length: 64 }, (_, i) => `${time}-${code.slice(0, -1)}${'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[i]!}`).filter(guess => guess !== token)
  ]
  for (const guess of guesses) t.match(await guard.takeKept!(mac, guess, limits), /guard token/, guess.slice(0, 40))
  t.match(await guard.takeKept!('52:54:00:00:00:02', token, limits), /not one that was given to this machine/)
  t.equal(await guard.takeKept!(mac, token, limits), undefined, 'guessing took no use away')
  t.equal(await guard.takeKept!(mac, token, limits), undefined)
  t.equal(await guard.takeKept!(mac, token, limits), undefined)
  t.match(await guard.takeKept!(mac, token, limits), /used 3 times already/)
})

t.test('a config that is given out once is given out once, over a restart too; while the disk takes no use of a token it is asked for again', async t => {
  const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`state_path=${t.testdir()}`] })
  const ground = { config, homes: homesOf(config), ownAddresses: localAddresses, log: pino({ level: 'silent' }) }
  const store = new MemoryStore({
    groups: [makeGroup({ id: 'g', selector: { mac }, metadata: { ignition_guard: 'true', guard_count: '1' } })],
    profiles: [{ ...makeProfile({ id: 'p' }), ignitionId: 'i.ign' }],
    configs: { ignition: { 'i.ign': '{"ignition": {"version": "3.3.0"}}' } }
  })
  const open = async () => {
    const closers: Array<() => Promise<void>> = []
    const guard = await openGuard({ ground, isAddressOf: () => true, onClose: close => { closers.push(close) }, now: () => up })
    const close = async (): Promise<void> => { for (const close of closers) await close() }
    t.teardown(close)
    const { port } = await listen(t, { store, guard })
    const ask = async (token: string): Promise<number> => (await fetch(`http://127.0.0.1:${port}/ignition?mac=${mac}&guard=${token}`)).status
    return { guard, close, ask }
  }
  let up = 5_000_000
  const first = await open()
  const token = first.guard.mint(mac)
  t.same((await Promise.all([first.ask(token), first.ask(token)])).sort(), [200, 403])
  const second = await open()
  t.equal(await second.ask(token), 403, 'the first was killed')
  up++
  const other = second.guard.mint(mac)
  await second.close()
  t.same([await second.ask(other), await second.ask(other)], [503, 503])
  t.equal(await (await open()).ask(other), 200)
})

t.test('which URLs of a script lead here, and so get the token of its machine', async t => {
  const set = [`state_path=${t.testdir()}`, 'advertise=boot.test', 'http.address=0.0.0.0:8080', 'http.https.address=0.0.0.0:443', 'http.https.cert_file=/c', 'http.https.key_file=/k']
  const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set })
  const ground = { config, homes: homesOf(config), ownAddresses: localAddresses, log: pino({ level: 'silent' }) }
  const guard = await openGuard({ ground, isAddressOf: () => true, onClose: close => { t.teardown(close) } })
  const rows: ReadonlyArray<readonly [string, boolean]> = [
    ['http://boot.test:8080/ignition', true],
    ['http://127.0.0.1:8080/ignition', true],
    ['https://127.0.0.1/ignition', true],
    ['https://a.name.that.only.dns.knows/ignition', true],
    ['http://a.name.that.only.dns.knows:8080/ignition', true],
    ['http://127.0.0.1:8081/ignition', false],
    ['http://127.0.0.1/ignition', false],
    ['https://127.0.0.1:8443/ignition', false],
    ['http://a.name.that.only.dns.knows/ignition', false],
    ['http://203.0.113.9:8080/ignition', false],
    ['https://203.0.113.9/ignition', false]
  ]
  const unasked = await openGuard({ ground: { ...ground, ownAddresses: () => { throw new Error('no descriptor') } }, isAddressOf: () => true, onClose: close => { t.teardown(close) } })
  t.same(['http://203.0.113.9:8080/ignition', 'http://203.0.113.9:8081/ignition'].map(url => unasked.isOwn(new URL(url))), [true, false], 'where the kernel can not be asked')
  for (const [url, expected] of rows) t.equal(guard.isOwn(new URL(url)), expected, url)
  const other = { name: 'b', address: 'http://boot.example:8081', addresses: ['http://192.0.2.3:80', 'http://[::1]:8080', 'nonsense'] }
  const [secure, plain] = [{ name: 'c', address: 'http://192.0.2.5:80', addresses: [], httpsPort: 8443 }, { name: 'd', address: 'http://192.0.2.6:80', addresses: [], httpsPort: 0 }]
  const cluster = { openGuard: async () => ({}), present: () => [{ ...other, name: 'a', addresses: [] }, other, secure, plain] } as never
  const shared = await openGuard({ ground: { ...ground, cluster }, isAddressOf: () => true, onClose: () => {} })
  const others = ['http://boot.example:8081/ignition', 'http://192.0.2.3/ignition', 'https://192.0.2.3/ignition', 'http://192.0.2.3:8080/ignition', 'https://192.0.2.3:80/ignition', 'https://192.0.2.4/ignition', 'http://nonsense/']
  t.same(others.map(url => shared.isOwn(new URL(url))), [true, true, true, false, false, false, false], 'of several provisioners a URL of another one')
  for (const [url, expected] of [
    ['https://192.0.2.5:8443/ignition', true], ['https://192.0.2.5/ignition', false], ['http://192.0.2.5:8443/ignition', false], ['https://192.0.2.6/ignition', false]
  ] as const) t.equal(shared.isOwn(new URL(url)), expected, `${url}: its record tells its HTTPS`)
  t.notOk(others.some(url => guard.isOwn(new URL(url))), 'and of nobody\'s where there is one')
})

t.test('without a descriptor to ask the kernel with, an address on a port of ours is taken for ours: no machine misses its token', t => {
  if (process.platform !== 'linux') return t.end()
  const source = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href
  const starve = `import { closeSync, openSync } from 'node:fs'
import { loadConfig } from '${source('config/load.ts')}'
import { localAddresses } from '${source('net/interfaces.ts')}'
import { openGuard } from '${source('wiring/guard.ts')}'
import { homesOf } from '${source('wiring/homes.ts')}'
localAddresses()
const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: ['state_path=${t.testdir()}', 'advertise=boot.test', 'http.address=0.0.0.0:8080'] })
const guard = await openGuard({ ground: { config, homes: homesOf(config), ownAddresses: localAddresses, log: { warn () {} } }, isAddressOf: () => true, onClose: () => {} })
const taken = []
try { for (;;) taken.push(openSync('/dev/null')) } catch {}
const said = ['http://203.0.113.9:8080/ignition', 'http://203.0.113.9:8081/ignition'].map(url => guard.isOwn(new URL(url)))
taken.forEach(closeSync)
console.log(...said)`
  const node = [process.execPath, typescript, '--input-type=module', '-e', starve]
  t.equal(execFileSync('/bin/sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', ...node], { encoding: 'utf8' }), 'true false\n')
  t.end()
})

import t from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { type LoadedConfig, loadConfig } from '../../src/config/load.js'
import { elsewhere, unresolved } from '../../src/wiring/reach.js'

const load = (): LoadedConfig => loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: ['http.address=127.0.0.1:8080'] })

t.test('machines that are told another address than the one listened on find nobody', t => {
  const loaded = load()
  const found = (host: string | undefined, told: string): number => elsewhere(loaded, { key: 'http.address', port: 8080, ...host !== undefined && { host } }, told).length
  for (const [host, told, count] of [
    [undefined, '192.0.2.1', 0], ['0.0.0.0', '192.0.2.1', 0], ['::', '192.0.2.1', 0], ['192.0.2.1', '192.0.2.1', 0],
    ['127.0.0.1', '192.0.2.1', 1], ['localhost', 'boot.test', 1], ['::1', '192.0.2.1', 1], ['[::1]', '192.0.2.1', 1], ['127.0.0.1', 'localhost', 0], ['127.0.0.1', '127.0.0.2', 0],
    ['192.0.2.1', 'boot.test', 0], ['192.0.2.1', '203.0.113.9', 0], ['192.0.2.1', '127.0.0.1', 1]
  ] as const) t.equal(found(host, told), count, `${host} ${told}`)
  t.match(elsewhere(loaded, { key: 'http.address', port: 8080, host: '127.0.0.1' }, '192.0.2.1'), [{
    text: '--set http.address: http.address is 127.0.0.1:8080, and machines are told 192.0.2.1: nobody listens there'
  }])
  t.end()
})

t.test('addresses that no machine finds anybody at', async t => {
  for (const [set, found] of [
    [['advertise=127.0.0.1'], /--set advertise: advertise is 127\.0\.0\.1, which is each machine itself: nobody finds this service there/],
    [['advertise=localhost'], /which is each machine itself/], [['advertise=0.0.0.0'], /which is no machine's address/],
    [['advertise=255.255.255.255'], /which stands for many/], [['advertise=224.0.0.1'], /which stands for many/],
    [['boot.script_url=http://127.0.0.1/boot.ipxe'], /boot\.script_url is 127\.0\.0\.1, which is each machine itself/],
    [['advertise=127.0.0.1', 'http.address=127.0.0.1:8080'], undefined], [['advertise=192.0.2.1'], undefined], [[], undefined]
  ] as const) {
    const findings = await unresolved(loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [...set] }), systemClock)
    t.match(findings.map(({ level, text }) => `${level} ${text}`), found === undefined ? [] : [found], set.join(' '))
    t.equal(findings.length, found === undefined ? 0 : 1, set.join(' '))
  }
})

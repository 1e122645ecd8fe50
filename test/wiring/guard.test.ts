import pino from 'pino'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { openGuard } from '../../src/wiring/guard.js'
import { Homes } from '../../src/wiring/homes.js'

const mac = '52:54:00:00:00:01'
const limits = { window: 600_000, count: 3 }

t.test('tokens age by the time since the machine was switched on, whatever its clock says, and over a restart of the program', async t => {
  const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`state_path=${t.testdir()}`] })
  const ground = { config, homes: new Homes(config), log: pino({ level: 'silent' }) }
  let up = 5_000_000
  const guard = await openGuard(ground, () => true, () => up)
  const token = guard.mint(mac)
  const { now } = Date
  t.teardown(() => { Date.now = now })
  for (const jump of [86_400_000, -365 * 86_400_000]) {
    Date.now = () => now() + jump
    t.equal(guard.take(mac, token, limits), undefined, `the clock was set by ${jump} ms`)
  }
  Date.now = now
  const again = await openGuard(ground, () => true, () => up)
  t.equal(again.take(mac, token, limits), undefined)
  up += limits.window + 1
  t.match(again.take(mac, token, limits), /s old, and guard_window is 600 s/)
})

t.test('a token is guessed by nobody', async t => {
  const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`state_path=${t.testdir()}`] })
  const guard = await openGuard({ config, homes: new Homes(config), log: pino({ level: 'silent' }) }, () => true, () => 1000)
  const token = guard.mint(mac)
  const [time = '', code = ''] = token.split('-', 2)
  const guesses = [
    '', 'x', code, `${time}-`, `${time}-${'A'.repeat(22)}`, `zz-${code}`, `${token}A`, ` ${token}`, token.toUpperCase(), `${time}-${code.slice(1)}B`, 'x'.repeat(100_000), `${time}-${'\0'.repeat(22)}`, `-1-${code}`,
    ...Array.from({ length: 64 }, (_, i) => `${time}-${code.slice(0, -1)}${'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[i]!}`).filter(guess => guess !== token)
  ]
  for (const guess of guesses) t.match(guard.take(mac, guess, limits), /guard token/, guess.slice(0, 40))
  t.match(guard.take('52:54:00:00:00:02', token, limits), /not one that was given to this machine/)
  t.equal(guard.take(mac, token, limits), undefined, 'guessing took no use away')
  t.equal(guard.take(mac, token, limits), undefined)
  t.equal(guard.take(mac, token, limits), undefined)
  t.match(guard.take(mac, token, limits), /used 3 times already/)
})

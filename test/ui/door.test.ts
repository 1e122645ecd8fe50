// Who is let in to the page, and what each other one is told: by address, by name, by password.
import { scryptSync } from 'node:crypto'
import t, { type Test } from 'tap'
import { Pace } from '../../src/base/pace.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { Access, parseUsers, type Users } from '../../src/ui/access.js'
import { buildUiApp, type UiSource } from '../../src/ui/ui-app.js'
import { FakeClock } from '../helpers/fake-clock.js'

/** Of as little work as a line may ask for. */
function lineOf (name: string, password: string, salt = `salt of ${name}`): string {
  const hash = scryptSync(password, Buffer.from(salt), 32, { N: 2 ** 10, r: 1, p: 1 })
  const text = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')
  return `${name}:$scrypt$ln=10,r=1,p=1$${text(Buffer.from(salt))}$${text(hash)}`
}

function usersOf (...lines: readonly string[]): Users {
  const users = parseUsers(lines.join('\n'))
  if ('wrongLine' in users) throw new Error(`line ${users.wrongLine}`)
  return users
}

const basic = (name: string, password: string): string => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

function asking (t: Test, users?: Users) {
  const clock = new FakeClock()
  const registry = new MachineRegistry([], { note: () => {} })
  const app = buildUiApp({
    source: { registry, clock, now: clock.now, pace: new Pace(), problems: () => [] } as unknown as UiSource,
    access: new Access([{ address: '127.0.0.0', length: 8 }], () => users, () => 0),
    names: new Set(['boot.example']),
    filePath: name => new URL(`../../assets/ui/${name}`, import.meta.url).pathname
  })
  t.teardown(() => app.close())
  return async (headers: Readonly<Record<string, string>> = {}, { url = '/ui/', remoteAddress = '127.0.0.1', method = 'GET' as 'GET' | 'POST' } = {}) =>
    await app.inject({ url, method, remoteAddress, headers: { host: 'localhost', ...headers } })
}

t.test('by address, and by the names that lead here', async t => {
  const ask = asking(t)
  const refused = await ask({}, { remoteAddress: '::ffff:10.0.0.1' })
  t.match(refused, { statusCode: 403, body: '10.0.0.1 may not look at this page (ui.allow)\n' })
  for (const host of ['localhost', 'LOCALHOST:8082', 'boot.example', 'Boot.Example:1', '192.0.2.1:80', '[2001:db8::1]:80', '[::1]']) t.equal((await ask({ host })).statusCode, 200, host)
  for (const host of ['elsewhere.example', 'boot.example.elsewhere.example', 'localhost.elsewhere.example', 'x:80']) {
    t.match(await ask({ host }), { statusCode: 421, body: 'this is not where that name leads to\n' }, host)
  }
  t.match(await ask({ host: 'a b' }), { statusCode: 400, headers: { connection: 'close' }, body: /^400 Bad Request: / })
  for (const url of ['/', '/ui']) t.match(await ask({}, { url }), { statusCode: 302, headers: { location: '/ui/' } })
  t.match(await ask({}, { url: '/ui/none' }), { statusCode: 404, body: 'there is no such page\n' })
  t.equal((await ask({}, { method: 'POST' })).statusCode, 404)
  for (const { headers } of [refused, await ask(), await ask({}, { url: '/ui/none' })]) {
    t.match(headers, { 'content-security-policy': /^default-src 'self'; .*frame-ancestors 'none'$/, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
  }
})

t.test('by password, where there are users', async t => {
  const ask = asking(t, usersOf(lineOf('anna', 'a')))
  const wanted = { statusCode: 401, headers: { 'www-authenticate': /^Basic realm=/ }, body: 'name and password, please\n' }
  t.match(await ask(), wanted)
  t.match(await ask({ authorization: basic('anna', 'b') }), wanted)
  t.equal((await ask({ authorization: basic('anna', 'a') })).statusCode, 200)
  const answers = await Promise.all(Array.from({ length: 19 }, (_, n) => ask({ authorization: basic('anna', `wrong ${n}`) })))
  t.equal(answers.filter(({ statusCode }) => statusCode === 401).length, 18, 'two at a time, and sixteen that wait')
  t.match(answers.find(({ statusCode }) => statusCode === 503), { headers: { 'retry-after': '2' }, body: 'too many passwords are being tried\n' })
})

t.test('one that was right is taken for right for five minutes, a hundred of them', async t => {
  const names = Array.from({ length: 101 }, (_, n) => `user${n}`)
  const right = usersOf(...names.map(name => lineOf(name, 'a')))
  // The same salt, as of the same line, and a hash that no password has: only who is remembered is let in.
  const other = usersOf(...names.map(name => lineOf(name, 'b')))
  let [users, now] = [right, 0]
  const access = new Access([], () => users, () => now)
  const isUser = async (name: string): Promise<boolean | 'busy'> => await access.isUser(basic(name, 'a'))
  for (const name of names) t.equal(await isUser(name), true)
  users = other
  now = 299_999
  t.same(await Promise.all([names[0], names[1], names[100]].map(name => isUser(name!))), [false, true, true], 'the first one is forgotten')
  t.equal(await access.isUser(basic(names[1]!, 'c')), false, 'by its password')
  now = 300_000
  t.equal(await isUser(names[1]!), false)
  users = usersOf(lineOf(names[1]!, 'a', 'another salt'))
  now = 0
  t.equal(await isUser(names[1]!), true, 'and tried again')
})

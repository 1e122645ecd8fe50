import t from 'tap'
import { Access, hashPassword, parsePrefix, parseUsers, type Prefix } from '../../src/ui/access.js'

const basic = (name: string, password: string): string => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
const prefixes = (...texts: string[]): Prefix[] => texts.map(text => parsePrefix(text)!)

t.test('addresses and prefixes', t => {
  const access = new Access(prefixes('127.0.0.0/8', '10.1.2.3', 'fd00::/8'), () => undefined, () => 0)
  t.same(['127.9.9.9', '10.1.2.3', '10.1.2.4', 'fd12::1', 'fe80::1', '', 'x'].map(address => access.isAllowed(address)), [true, true, false, true, false, false, false])
  const mapped = new Access(prefixes('::ffff:127.0.0.0/104'), () => undefined, () => 0)
  t.same(['127.0.0.1', '::ffff:127.0.0.1', '128.0.0.1'].map(address => mapped.isAllowed(address)), [true, true, false], 'IPv4 inside of IPv6')
  for (const text of ['', '10.0.0.0/33', '10.0.0/8', 'localhost', '::/129', '10.0.0.0/-1', '10.0.0.0/8/8']) t.equal(parsePrefix(text), undefined, text)
  t.end()
})

t.test('names and passwords', async t => {
  const line = await hashPassword('correct horse')
  t.not(line, await hashPassword('correct horse'), 'salted')
  const users = parseUsers(`# who may look\n\nanna:${line}\n`)
  if ('wrongLine' in users) return t.fail('a line that was made here is not read')
  let now = 0
  const access = new Access([], () => users, () => now)
  t.equal(await access.isUser(basic('anna', 'correct horse')), true)
  t.equal(await access.isUser(basic('anna', 'correct:horse')), false)
  t.equal(await access.isUser(basic('bert', 'correct horse')), false)
  for (const header of [undefined, '', 'Basic', 'Basic !', 'Bearer x', `Basic ${'A'.repeat(2000)}`]) t.equal(await access.isUser(header), false, header ?? 'none')
  now = 400_000
  t.equal(await access.isUser(basic('anna', 'correct horse')), true, 'tried again after a while')
  t.equal(await new Access([], () => undefined, () => 0).isUser(undefined), true, 'without a file nobody is asked')
})

t.test('a crowd that tries passwords holds little, and is told to wait', async t => {
  const users = parseUsers(`anna:${await hashPassword('correct horse')}`)
  if ('wrongLine' in users) return t.fail('not read')
  const access = new Access([], () => users, () => 0)
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => access.isUser(basic('anna', `wrong ${i}`))))
  t.equal(answers.filter(answer => answer === 'busy').length, 22)
  t.equal(answers.filter(answer => answer === false).length, 18)
  t.equal(await access.isUser(basic('anna', 'correct horse')), true)
})

t.test('files that are none', async t => {
  const line = await hashPassword('correct horse')
  for (const text of ['anna', 'anna:secret', 'anna:$2y$10$abcdefghijklmnopqrstuv', `anna:${line.replace('ln=15', 'ln=30')}`, `anna:${line.replace('r=8', 'r=64')}`, `a nna:${line}`, `:${line}`]) {
    t.same(parseUsers(`# x\n${text}`), { wrongLine: 2 }, text.slice(0, 30))
  }
})

import t from 'tap'
import { Access, parseUsers } from '../../src/ui/access.js'
import { runCommand } from '../helpers/command.js'

t.test('a line of ui.users_file that lets in who knows the password, letters beyond ASCII too', async t => {
  const password = 'äöü straße 🔑'
  const { status, stdout, stderr } = await runCommand(['ui', 'password', 'anna'], { input: `${password}\r\nand more\n` })
  t.match({ status, stderr }, { status: 0, stderr: '' })
  const users = parseUsers(stdout)
  if ('wrongLine' in users) return t.fail(`${stdout} is not read`)
  const access = new Access([], () => users, () => 0)
  const basic = (word: string): string => `Basic ${Buffer.from(`anna:${word}`).toString('base64')}`
  t.equal(await access.isUser(basic(password)), true)
  t.equal(await access.isUser(basic('äöü strasse 🔑')), false)
})

t.test('what is no password', async t => {
  for (const [input, says] of [['', /8 letters at least/], ['short\n', /8 letters at least/], ['a'.repeat(1100), /more than 1024 letters/]] as const) {
    t.match(await runCommand(['ui', 'password', 'anna'], { input }), { status: 1, stdout: '', stderr: says })
  }
  t.match(await runCommand(['ui', 'password', 'an:na'], { input: 'long enough\n' }), { status: 2, stderr: /expected password and a name/ })
})

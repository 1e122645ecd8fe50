// What the shell of install.sh reads: no word that it could take for two, or for anything else.
import t from 'tap'
import { isWord, settingsText, step, stepsText } from '../../src/setup/steps.js'

t.test('a line a step: its verb, three words, and what is said of it', t => {
  t.equal(stepsText([]), '')
  t.equal(stepsText([step('folder', 'make /etc/a\nand b', '/etc/a', '0750'), step('link', 'link', 'a', 'b', 'c'), step('stop', 'stop', '', 'x')]),
    'folder /etc/a 0750 - make /etc/a and b\nlink a b c link\nstop - x - stop\n')
  t.end()
})

t.test('lists of words', t => {
  t.equal(settingsText({ SOCKETS: ['a.socket', 'b@ens192.socket'], NONE: [] }), "SOCKETS='a.socket b@ens192.socket'\nNONE=''\n")
  t.end()
})

t.test('what is no word is set up by nobody', t => {
  for (const text of ['a b', "a'b", 'a;b', '$a', 'a\nb', 'a\tb', 'ä', '"', '`a`', 'a|b', '*']) {
    t.notOk(isWord(text), text)
    t.throws(() => stepsText([step('put', 'x', text)]), { code: 'config_invalid', message: /a name that a unit of systemd cannot have/ }, text)
    t.throws(() => settingsText({ A: ['fine', text] }), { code: 'config_invalid' }, text)
  }
  for (const text of ['', '/etc/a_b-c.d', 'a:b,c@d~e+f']) t.ok(isWord(text), text)
  t.end()
})

// Questions and their answers: typed, typed ahead, and none any more.
import { PassThrough } from 'node:stream'
import t from 'tap'
import { openDialogue } from '../../src/cli/terminal.js'

function dialogue () {
  const [stdin, stderr] = [new PassThrough(), new PassThrough()]
  let end = (_: 'SIGINT' | 'SIGTERM'): void => {}
  const stop = new Promise<'SIGINT' | 'SIGTERM'>(resolve => { end = resolve })
  const opened = openDialogue({ stdin, stderr, stop })
  return { stdin, end: (signal: 'SIGINT' | 'SIGTERM') => { end(signal) }, said: () => String(stderr.read() ?? ''), ...opened }
}

t.test('an answer to each, also to those that are asked later', async t => {
  const { stdin, ask, tell, said, close } = dialogue()
  stdin.write('one\n\n')
  t.equal(await ask('First'), 'one')
  t.equal(await ask('Second', 'two'), '')
  const third = ask('Third')
  stdin.write('thr')
  stdin.write('ee\n')
  t.equal(await third, 'three')
  tell('so be it')
  t.equal(said(), 'First: Second [two]: Third: so be it\n')
  close()
  await t.rejects(ask('Fourth'), { code: 'refused', message: 'nothing was changed: there is nobody to answer' })
})

t.test('the end of input is the end of answers, and not of those before it', async t => {
  const { stdin, ask } = dialogue()
  const first = ask('First')
  stdin.end('one\ntwo')
  t.equal(await first, 'one')
  t.equal(await ask('Second'), 'two')
  for (let n = 0; n < 2; n++) await t.rejects(ask('Third'), { code: 'refused' })
})

t.test('after Ctrl-C nothing is answered, not even by what was typed ahead', async t => {
  const { stdin, ask, end } = dialogue()
  stdin.write('one\ntwo\n')
  t.equal(await ask('First'), 'one')
  end('SIGINT')
  await null
  for (let n = 0; n < 2; n++) await t.rejects(ask('Second'), { code: 'interrupted', status: 130, message: /before anything was changed/ })
  const other = dialogue()
  const waiting = other.ask('First')
  other.end('SIGTERM')
  await t.rejects(waiting, { code: 'interrupted', status: 143 })
})

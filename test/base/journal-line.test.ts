// What an operator reads in the journal.
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { journalLine } from '../../src/base/journal-line.js'
import { surroundings } from '../helpers/program.js'
import { bundledProgram } from '../helpers/built.js'

t.test('event, fields and priority in one line', async t => {
  const line = (fields: object): string => journalLine(JSON.stringify({ level: 'info', time: '2026-01-01T00:00:00Z', ...fields }))
  t.equal(line({ mac: '52:54:00:c0:7e:01', ip: '172.30.0.21', msg: 'dhcp.offer' }), '<6>dhcp.offer mac=52:54:00:c0:7e:01 ip=172.30.0.21\n')
  t.equal(line({ level: 'error', error: 'no "space"\nleft', msg: 'lease.unsaved' }), '<3>lease.unsaved error="no \\"space\\"\\nleft"\n')
  t.equal(line({ level: 'warn', list: ['a', 1], empty: '', on: true, msg: 'x.y' }), '<4>x.y list=["a",1] empty="" on=true\n')
  for (const [level, priority] of [['debug', 7], ['trace', 7], ['info', 6], ['warn', 4], ['error', 3], ['other', 6]] as const) t.equal(line({ level, msg: 'x.y' }), `<${priority}>x.y\n`, level)
  t.equal(line({ esc: '\u001b[2J', msg: 'x.y' }), '<6>x.y esc="\\u001b[2J"\n', 'nothing that a terminal obeys')
})

t.test('only where output goes to the journal', async t => {
  const path = join(t.testdir({}), 'out')
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const run = (stream: (out: number) => string): string => {
    const out = openSync(path, 'w')
    spawnSync('env', ['-u', 'NODE_OPTIONS', process.execPath, bundledProgram(), 'serve', '--config', '/nonexistent'],
      { cwd: root, stdio: ['ignore', out, out], env: { ...surroundings(), JOURNAL_STREAM: stream(out) } })
    closeSync(out)
    return readFileSync(path, 'utf8')
  }
  t.match(run(out => `${fstatSync(out).dev}:${fstatSync(out).ino}`), /^<3>core-provisioner serve: there is no configuration file/)
  t.match(run(() => '1:1'), /^core-provisioner serve: /)
})

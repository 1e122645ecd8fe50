// The copy in which changes are tried: what it starts ends when it is to, whatever a test did meanwhile.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { MutantCopy } from '../../scripts/lib/mutant-copy.js'
import { needsRoot } from '../helpers/tools.js'

/** A tree of which the program that stays is another. */
function treeWith (t: Test, program: string): MutantCopy {
  const root = t.testdir({ node_modules: {}, scripts: { lib: {} } })
  writeFileSync(join(root, 'scripts/lib/mutant-tests.js'), program)
  execFileSync('git', ['init', '-q', root])
  const copy = new MutantCopy(root)
  t.teardown(() => { copy.close() })
  return copy
}

t.test('a process that was another user for a moment is ended', async t => {
  if (!needsRoot(t)) return
  const copy = treeWith(t, `
    process.seteuid(65534)
    process.seteuid(0)
    process.on('message', () => {})
    process.send('ready')
  `)
  const child = copy.startWarm()
  await once(child, 'message')
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
  t.equal(child.signalCode, 'SIGKILL')
})

t.test('a process ends itself where a change never lets it come to an end', async t => {
  if (!needsRoot(t)) return
  const child = treeWith(t, `
    process.send('ready')
    process.kill(process.pid, 'SIGKILL')
    for (;;);
  `).startWarm()
  t.teardown(() => { child.kill('SIGKILL') })
  await once(child, 'close')
  t.not(child.exitCode, 0)
})

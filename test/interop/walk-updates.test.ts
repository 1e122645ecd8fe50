// `scripts/sandbox --walk updates` as a user starts it: from a release to the last machine that runs it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { sandboxProblem } from '../helpers/sandbox.js'

t.test('installed machines are updated and rebooted, a lost answer and a power cut included', { skip: sandboxProblem() }, async t => {
  // tap's loaders are not for the script's children.
  const child = spawn('env', ['-u', 'NODE_OPTIONS', fileURLToPath(new URL('../../scripts/sandbox', import.meta.url)), '--walk', 'updates'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said += text })
  const [status] = await once(child, 'close') as [number | null]
  t.equal(status, 0, said)
  t.match(said, 'after the power cut the grant stands')
  t.notMatch(said, 'FAILED')
})

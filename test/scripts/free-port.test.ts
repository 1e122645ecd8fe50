// Ports that tests are given: each to one of those that run at a time, while it has nobody listen there too.
import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { promisify } from 'node:util'
import t from 'tap'
import { freePort } from '../helpers/free-port.js'

/** A range of one port that somebody could listen on, and that is this test's now. */
async function range (): Promise<{ readonly lowest: number, readonly beyond: number }> {
  for (;;) {
    const lowest = randomInt(6000, 9900)
    const only = { lowest, beyond: lowest + 1 }
    if (await freePort(only).then(() => true, () => false)) return only
  }
}

t.test('a port that was given is given to nobody else, in this process and in another', async t => {
  const only = await range()
  const taken = /a hundred ports .* are all taken/
  await t.rejects(freePort(only), { message: taken })
  const asks = `import { freePort } from './test/helpers/free-port.ts'
await freePort(${JSON.stringify(only)}).then(port => { console.log(port) }, ({ message }) => { console.log(message) })`
  const { stdout } = await promisify(execFile)(process.execPath, ['--import=./scripts/lib/typescript.js', '--input-type=module', '-e', asks])
  t.match(stdout, taken)
})

// The kernel fails the running program, one system call and error after the other: `npm run soak -- calls [NAME...]`, as root, with
// strace(1), on the program as it is built. Without names it takes half an hour. Ends with exit status 1 when the program ended, printed
// what is no line of its log, or a machine did not boot afterwards.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../../src/base/errors.js'
import { allCalls, walkCalls } from '../../test/helpers/failing-calls.js'

export async function run (names: readonly string[]): Promise<void> {
  const unknown = names.find(name => !allCalls.some(([call]) => call === name))
  if (unknown !== undefined) throw new AppError('usage', `${unknown} is none of ${allCalls.map(([call]) => call).join(', ')}`)
  const folder = mkdtempSync(join(tmpdir(), 'calls-'))
  const chosen = allCalls.filter(([call]) => names.length === 0 || names.includes(call))
  const all = await walkCalls(folder, chosen, ({ call, error, times, lives, boots, stray }) => {
    const amiss = [...lives ? [] : ['the program ended'], ...boots ? [] : ['no machine boots'], ...stray]
    process.stdout.write(`${call} ${error}: failed ${times} times${amiss.length === 0 ? '' : `: ${amiss.join('; ')}`}\n`)
  })
  rmSync(folder, { recursive: true })
  if (all.some(({ lives, boots, stray }) => !lives || !boots || stray.length > 0)) process.exitCode = 1
}

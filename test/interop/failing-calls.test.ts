// The kernel fails the running program: a descriptor, memory, a disk or a network that is not there for a moment ends nothing, and when it
// is over a machine boots. `npm run soak -- calls` has all of them.
import t from 'tap'
import { type FailingCall, walkCalls } from '../helpers/failing-calls.js'
import { namespaceProblem } from '../helpers/netns.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able, needs } from '../helpers/tools.js'

const some: readonly FailingCall[] = [
  ['accept4', ['EMFILE']],
  ['openat', ['EMFILE', 'ESTALE']],
  ['statx', ['EIO']],
  ['pread64', ['EIO']],
  ['sendto', ['ENOBUFS']]
]

t.setTimeout(900_000)

t.test('one call after the other', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'strace', 'curl')) return
  const all = await walkCalls(shortFolder(t), some)
  for (const { call, error, lives, boots, stray } of all) t.strictSame({ lives, boots, stray }, { lives: true, boots: true, stray: [] }, `${call} ${error}`)
  for (const [call, errors] of some) for (const error of errors) t.ok(all.some(one => one.call === call && one.error === error && one.times > 0), `${call} failed with ${error}`)
})

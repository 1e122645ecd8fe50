// Reads TAP from standard input and prints a line for each test file, the whole of what a failed one said, the reason of
// each skip, and at the end the counts of assertions. Exits 1 when something failed or nothing ran.
import { createInterface } from 'node:readline'

const counts = { passed: 0, failed: 0, skipped: 0 }
let block = []

for await (const line of createInterface({ input: process.stdin })) {
  const assertion = /^\s*(not ok|ok) \d+(?: - (.*?))?(?: # (SKIP|TODO|time=\S+)\s*(.*?))?(?: \{)?$/i.exec(line)
  // A line that closes a subtest repeats what its assertions said.
  const closes = assertion?.[3]?.startsWith('time=') === true
  if (assertion !== null && !closes) {
    if (assertion[3]?.toUpperCase() === 'SKIP') {
      counts.skipped++
      console.log(`skipped: ${assertion[2] ?? ''} (${assertion[4] ?? ''})`)
    } else if (assertion[1] === 'ok' || assertion[3]?.toUpperCase() === 'TODO') counts.passed++
    else counts.failed++
  }
  if (!/^(not ok|ok) /.test(line)) {
    if (line.startsWith(' ')) block.push(line)
    else if (line.startsWith('Bail out!')) console.log(line)
    continue
  }
  if (line.startsWith('not ok')) {
    // A file that died, timed out or ran nothing has no failed assertion of its own.
    if (!block.some(inner => /^\s+not ok /.test(inner))) counts.failed++
    console.log(block.join('\n'))
  }
  console.log(line)
  block = []
}
// What follows the last line of a failed file is why it failed.
if (block.length > 0) console.log(block.join('\n'))
const { passed, failed, skipped } = counts
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0

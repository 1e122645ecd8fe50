// Secure Boot and 64-bit ARM on the firmware itself, in QEMU: signed shim, GRUB and kernel from Debian's packages, and what has to be
// refused. Two at a time, since each is emulated; the rest of the table is `npm run soak -- firmware`.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { firmwareCases, firmwarePage, readRuns, withFirmwareTable } from '../helpers/firmware-cases.js'
import { prepareSandbox, runSandbox, sandboxProblem } from '../helpers/sandbox.js'

// Downloads come first on a new machine; each machine has four minutes, since others may keep the processors busy.
t.setTimeout(1_200_000)
t.jobs = 2

const here = 'test/interop/firmware.test.ts'

t.test('the table in docs/boot.md', async t => {
  const text = readFileSync(firmwarePage, 'utf8')
  t.equal(text, withFirmwareTable(text), 'npm run soak -- firmware --record writes it')
  for (const [name, { ok }] of Object.entries(readRuns())) t.ok(ok && firmwareCases.some(one => one.name === name), `${name}: its last recorded run went well`)
  for (const { name, test } of firmwareCases) if (test !== undefined) t.ok(existsSync(fileURLToPath(new URL(`../../${test}`, import.meta.url))), `${name}: ${test}`)
  t.equal(new Set(firmwareCases.map(({ name }) => name)).size, firmwareCases.length)
})

const cases = firmwareCases.filter(({ test }) => test === here)
if (sandboxProblem() === false) for (const { args = [] } of cases) await prepareSandbox(...args)

for (const { name, loader, chain, args = [] } of cases) {
  t.test(`${name}: ${loader}, ${chain}`, { skip: sandboxProblem(), buffered: true }, async t => {
    const { ok, machines: [machine] } = await runSandbox(t, ...args, '--timeout', '240')
    t.equal(ok, true)
    for (const stage of ['discover', 'offer', 'ack', ...loader === 'none' ? [] : ['loader']]) t.type(machine?.stages[stage], 'number', `the stage ${stage} was seen`)
    const kernel = machine?.stages['kernel'] !== undefined
    t.equal(kernel, !chain.endsWith('refused') || chain.includes('bit'), 'its kernel was fetched, or not')
    t.equal(machine?.stages['installed'] !== undefined, chain.includes('applied config'), 'it reported that it is installed, or not')
  })
}

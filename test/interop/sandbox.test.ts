// A blank QEMU machine from firmware to an applied Ignition config, through scripts/sandbox as a user starts it.
import t from 'tap'
import { runSandbox, sandboxProblem } from '../helpers/sandbox.js'

// Downloads come first on a new machine, and emulation is slow on a busy one.
t.setTimeout(900_000)

t.test('a BIOS machine netboots and applies its config', { skip: sandboxProblem() }, async t => {
  const report = await runSandbox(t, '--firmware', 'bios')
  t.equal(report.ok, true)
  t.strictSame(report.machines.map(({ name }) => name), ['core-1'])
  for (const stage of ['discover', 'offer', 'ack', 'script', 'kernel', 'initrd', 'ignition', 'installed']) {
    t.type(report.machines[0]?.stages[stage], 'number', `the stage ${stage} was seen`)
  }
})

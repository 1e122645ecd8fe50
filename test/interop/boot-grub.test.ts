// GRUB 2.06 as the boot loader, on real firmware in QEMU: its image is made of Debian's modules when the machine is prepared.
import t from 'tap'
import { runSandbox, sandboxProblem } from '../helpers/sandbox.js'

// Downloads come first on a new machine; each machine has four minutes, since others may keep the processors busy.
t.setTimeout(900_000)

t.test("OVMF's PXE, GRUB and the grub.cfg that is made for the machine, to an applied config", { skip: sandboxProblem() }, async t => {
  const { ok, machines: [machine] } = await runSandbox(t, '--firmware', 'uefi-grub', '--timeout', '240')
  t.equal(ok, true)
  t.equal(machine?.loader, 'grubnetx64.efi')
  for (const stage of ['discover', 'offer', 'ack', 'loader', 'ignition', 'installed']) t.type(machine?.stages[stage], 'number', `the stage ${stage} was seen`)
})

t.test('SeaBIOS, and a GRUB that asks /grub by HTTP, to its kernel', { skip: sandboxProblem() }, async t => {
  const { ok, machines: [machine] } = await runSandbox(t, '--firmware', 'bios-grub', '--until', 'kernel', '--timeout', '240')
  t.equal(ok, true)
  t.equal(machine?.loader, 'grub.pxe')
  for (const stage of ['discover', 'offer', 'ack', 'loader', 'script', 'kernel']) t.type(machine?.stages[stage], 'number', `the stage ${stage} was seen`)
})

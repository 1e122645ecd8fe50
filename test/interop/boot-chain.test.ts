// Every way from firmware to the machine's script and its kernel, on real firmware in QEMU. Each machine is switched off as
// soon as it asks for its kernel; what comes after that is the same for all, and sandbox.test.ts goes on to the end.
import t from 'tap'
import { runSandbox, sandboxProblem } from '../helpers/sandbox.js'

// Downloads come first on a new machine; each machine has a minute.
t.setTimeout(900_000)

const chains = [
  { firmware: 'bios-undionly', loader: 'undionly.kpxe', what: 'SeaBIOS, and an iPXE that fetches undionly.kpxe by TFTP' },
  { firmware: 'bios-pxelinux', loader: 'pxelinux.0', what: 'SeaBIOS, and PXELINUX with the configuration that is made for it' },
  { firmware: 'uefi', loader: 'snponly.efi', what: "OVMF's own PXE" },
  { firmware: 'uefi-http', loader: '/boot/snponly.efi', what: "OVMF's HTTP Boot" }
] as const

for (const { firmware, loader, what } of chains) {
  t.test(what, { skip: sandboxProblem() }, async t => {
    const { ok, machines: [machine] } = await runSandbox(t, '--firmware', firmware, '--until', 'kernel', '--timeout', '60')
    t.equal(ok, true)
    t.equal(machine?.loader, loader)
    for (const stage of ['discover', 'offer', 'ack', 'loader', 'script', 'kernel']) {
      t.type(machine?.stages[stage], 'number', `the stage ${stage} was seen`)
    }
  })
}

// Through real firmware in QEMU, by scripts/sandbox as a user starts it: a machine that is installed once and again when it is asked for,
// whose guarded config no stranger gets; and four machines that nobody knew.
import t, { type Test } from 'tap'
import { runSandbox, sandboxProblem } from '../helpers/sandbox.js'

// Five boots one after the other, emulated, on a busy machine.
t.setTimeout(1_800_000)

const tells = async (t: Test, story: 'install' | 'enrol' | 'tectonic' | 'pxe-coreos'): Promise<void> => {
  const report: unknown = await runSandbox(t, ...story === 'install' || story === 'enrol' ? [`--${story}`] : ['--walk', story], '--timeout', '600')
  t.strictSame(report, { story, ok: true, problems: [] })
}

t.test('installed once, from its disk after that, and again after another reinstall', { skip: sandboxProblem() }, async t => { await tells(t, 'install') })

t.test("from cluster-builder's lists to machines that boot, as docs/tectonic.md has it", { skip: sandboxProblem() }, async t => { await tells(t, 'tectonic') })

t.test("pxe_coreos' chain: PXELINUX, channel, cloud-config-url", { skip: sandboxProblem() }, async t => { await tells(t, 'pxe-coreos') })

t.test('three are enrolled as core, the fourth as default, and the same after a restart', { skip: sandboxProblem() }, async t => { await tells(t, 'enrol') })

// Ten thousand connections that come at once and read nothing, while a machine boots. `npm run soak -- rush` holds them for longer.
import t, { type Test } from 'tap'
import { connectionRush, rushProblem } from '../helpers/connection-rush.js'
import { leastHeld, mostHeld } from '../helpers/least-held.js'
import { namespaceProblem } from '../helpers/netns.js'
import { isRushKind, rushAddresses, rushes, type RushKind } from '../helpers/rush-kinds.js'
import { shortFolder } from '../helpers/short-folder.js'
import { able } from '../helpers/tools.js'

/** Fewer descriptors than the unit has, so that it is the same everywhere: the main thread sends images too then. */
const much = { connections: 10_500, descriptors: 20_000 }
/** In MiB. */
const mostMemory: Readonly<Record<RushKind, number>> = { mixed: 260, images: 300, 'half requests behind images': 300 }

/** How long the program was held for at once; the test fails where anything else is not as it should be. */
async function rush (t: Test, kind: RushKind): Promise<number> {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
  t.comment(`FUZZ_SEED=${seed}`)
  const { boot, missed, memory, metrics, exit, errors, descriptors, came } =
    await connectionRush({ ...much, addresses: rushAddresses, over: 5000, hold: 2000, messages: 2000, seed, kind, folder: shortFolder(t) })
  const held = metrics['event_loop_cpu_max_seconds'] ?? Infinity
  t.comment({ came, memory, descriptors, held, displaced: metrics['http_connections_displaced_total'], delay: metrics['event_loop_delay_max_seconds'] })
  t.match(boot, { type: 'ACK', address: '172.30.3.41', file: 'snponly.efi', loader: 200_000, script: /^200 #!ipxe\nkernel \/assets\/image quiet/, ignition: /^200 \{.*"path":"\/etc\/x"/ })
  t.equal(missed, 0, 'of 20 known machines, which asked once each, meanwhile')
  t.ok(memory.most < mostMemory[kind], `${memory.most} MiB with ${descriptors} descriptors`)
  t.ok((metrics['http_connections'] ?? 0) > 1000, 'they were there when it booted')
  t.equal(metrics['udp_receive_dropped_total{port="67"}'], 0)
  t.equal(exit, 0)
  t.same(errors, [])
  return held
}

for (const kind of Object.keys(rushes).filter(isRushKind)) {
  t.test(`ten thousand connections at once, ${kind}, and a machine boots`, async t => {
    if (!able(t, namespaceProblem()) || !able(t, rushProblem(much))) return
    const held = await leastHeld(async () => await rush(t, kind))
    t.ok(held < mostHeld, `held for ${held} s at once`)
  })
}
